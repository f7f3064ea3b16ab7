"""Pictures of simulated cases, or of real ones in the same layout, and the medians of their regions.

    python -m training.preparation.montage --preset cohort --cases 8 --seed 1 --output simulated.png
    python -m training.preparation.montage --real ../shared/data/glioma-tcga --output real.png

One row a case: the axial slice with most tumour in t1n, t1c, t2w, t2f (z-scores in the brain from -2.5 to 3.5) and once
more in t1c with the labels' outlines (red NCR, green ED, yellow ET). Prints the median z-score of each region.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from gliosynth.anatomy import anatomy_names, load_anatomy
from gliosynth.contrast.settings import PRESETS, preset
from gliosynth.contrast.simulate import simulate_case
from gliosynth.labels import CONTRASTS, Label, LabelMap, canonical_labels

WINDOW: Final = (-2.5, 3.5)
"""Z-scores shown black and white."""

COLOURS: Final = {Label.NCR: (255, 60, 60), Label.ED: (60, 220, 60), Label.ET: (255, 230, 40)}
"""Outline of each label, RGB."""

SUFFIXES: Final = {"t1n": ("t1", "t1n"), "t1c": ("t1ce", "t1c"), "t2w": ("t2", "t2w"), "t2f": ("flair", "t2f")}
"""File name endings of each contrast in BraTS 2018 to 2023."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A case to show: name, z-scored contrasts ``(4, X, Y, Z)`` and labels ``(X, Y, Z)``, axes RAS."""

    name: str
    contrasts: NDArray[np.float32]
    labels: LabelMap
    voxel_ml: float


def normalised(contrasts: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns z-scores inside the brain, clipped to 5, and the lowest of the window outside."""
    result = np.full(contrasts.shape, WINDOW[0], dtype=np.float32)
    for image, target in zip(contrasts, result, strict=True):
        inside = image[brain]
        target[brain] = np.clip((inside - inside.mean()) / inside.std(), -5, 5)
    return result


def simulated(name: str, count: int, seed: int) -> Iterator[Shown]:
    """Yields simulated cases of a preset."""
    names = anatomy_names()
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        case = simulate_case(load_anatomy(names[int(rng.integers(len(names)))]), settings=preset(name), rng=rng)
        plan = case.parameters.plan
        text = f"{number} {plan.growth if plan else 'free'} {case.parameters.physics.protocols[0].family}"
        voxel_ml = float(np.prod(case.spacing_mm)) / 1000.0
        yield Shown(text, normalised(case.contrasts, case.brain), case.labels, voxel_ml)


def canonical(path: Path) -> nib.Nifti1Image:
    """Returns a NIfTI image turned to RAS."""
    image: nib.Nifti1Image = nib.as_closest_canonical(nib.load(path))  # type: ignore[no-untyped-call]
    return image


def real(folder: Path) -> Iterator[Shown]:
    """Yields the real cases of a folder with one folder a case, in BraTS naming."""
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):

        def read(endings: tuple[str, ...], case: Path = case) -> NDArray[np.float32]:
            found = [path for ending in endings for path in case.glob(f"*[_-]{ending}.nii.gz")]
            return np.asarray(canonical(found[0]).dataobj, dtype=np.float32)

        contrasts = np.stack([read(SUFFIXES[contrast]) for contrast in CONTRASTS])
        labels = canonical_labels(read(("seg",)), source=case.name)
        yield Shown(case.name, normalised(contrasts, np.any(contrasts > 0, axis=0).astype(np.bool_)), labels, 0.001)


def row(shown: Shown) -> NDArray[np.uint8]:
    """Returns the picture of one case, ``(H, 5 W, 3)`` uint8."""
    areas = (shown.labels > 0).sum(axis=(0, 1))
    index = int(areas.argmax()) if areas.max() > 0 else shown.labels.shape[2] // 2
    low, high = WINDOW
    slices = np.clip((shown.contrasts[..., index] - low) / (high - low), 0, 1)
    grey = (255 * slices).astype(np.uint8)
    tiles = [np.repeat(image[..., None], 3, axis=2) for image in (*grey, grey[1])]
    labels = shown.labels[..., index]
    for label, colour in COLOURS.items():
        mask = labels == label
        tiles[4][mask & ~ndimage.binary_erosion(mask)] = colour
    upright = [np.flip(tile.transpose(1, 0, 2), axis=0) for tile in tiles]
    size = (192, 224)
    padded = []
    for tile in upright:
        canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
        top, left = (canvas.shape[0] - tile.shape[0]) // 2, (canvas.shape[1] - tile.shape[1]) // 2
        source = tile[max(-top, 0) : max(-top, 0) + canvas.shape[0], max(-left, 0) : max(-left, 0) + canvas.shape[1]]
        canvas[max(top, 0) : max(top, 0) + source.shape[0], max(left, 0) : max(left, 0) + source.shape[1]] = source
        padded.append(canvas)
    return np.concatenate(padded, axis=1)


def medians(shown: Shown) -> str:
    """Returns one line: volumes in ml and the median z-score of each region in t1n, t1c, t2w, t2f."""
    parts = []
    for label in (Label.ED, Label.NCR, Label.ET):
        mask = shown.labels == label
        values = [f"{float(np.median(image[mask])):+.1f}" for image in shown.contrasts] if mask.any() else ["-"] * 4
        parts.append(f"{label.name} {mask.sum() * shown.voxel_ml:5.1f} ml {' '.join(values)}")
    return f"{shown.name[:34]:34s} " + " | ".join(parts)


def main() -> None:
    """Writes the montage and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="training")
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", type=Path, help="show the real cases of this folder instead")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    rows = []
    for shown in real(options.real) if options.real else simulated(options.preset, options.cases, options.seed):
        rows.append(row(shown))
        print(medians(shown))
    half = (len(rows) + 1) // 2
    columns = [np.concatenate(part, axis=0) for part in (rows[:half], rows[half:]) if part]
    if len(columns) == 2 and columns[1].shape[0] < columns[0].shape[0]:
        columns[1] = np.pad(columns[1], ((0, columns[0].shape[0] - columns[1].shape[0]), (0, 0), (0, 0)))
    Image.fromarray(np.concatenate(columns, axis=1)).save(options.output)


if __name__ == "__main__":
    main()
