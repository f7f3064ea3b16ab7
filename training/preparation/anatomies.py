"""Turns the SynthSeg training label maps into the compact anatomies that ship with the library.

    python -m training.preparation.anatomies --source ../shared/data/labelmaps-synthseg --target gliosynth/anatomies

Each map is turned to RAS, its 53 labels are merged to `gliosynth.anatomy.Tissue`, the head is cropped (the neck ends
`BELOW_BRAIN_MM` below the brain), tissues outside the brain are kept at 2 mm along Z, and the closed brain mask and the
midline plane are stored beside them. About 12 s a map.
"""

import argparse
import lzma
from io import BytesIO
from pathlib import Path
from typing import Final

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.anatomy import Tissue, TissueMap
from gliosynth.cohort.anatomies.own import closed_brain_mask, split_csf
from gliosynth.volume import Affine

BELOW_BRAIN_MM: Final = 45
"""Length of face and neck kept below the lowest brain voxel, mm."""

TISSUE_SOURCES: Final[dict[Tissue, tuple[int, ...]]] = {
    Tissue.WHITE_MATTER: (2, 41),
    Tissue.CORTICAL_GREY: (3, 42),
    Tissue.CAUDATE: (11, 50, 26, 58),
    Tissue.PUTAMEN: (12, 51),
    Tissue.PALLIDUM: (13, 52),
    Tissue.THALAMUS: (10, 49),
    Tissue.HIPPOCAMPUS: (17, 53, 18, 54),
    Tissue.VENTRICLE: (4, 43, 5, 44, 14, 15, 72),
    Tissue.OUTER_CSF: (24,),
    Tissue.CHOROID_PLEXUS: (136, 137, 163, 164),
    Tissue.WHITE_MATTER_LESION: (25, 57),
    Tissue.BRAINSTEM: (16, 28, 60),
    Tissue.CEREBELLAR_GREY: (8, 47),
    Tissue.CEREBELLAR_WHITE: (7, 46),
    Tissue.ARTERY: (502, 30, 62),
    Tissue.VEIN: (514,),
    Tissue.CORTICAL_BONE: (515,),
    Tissue.MARROW: (516,),
    Tissue.SOFT_TISSUE: (507,),
    Tissue.SKIN: (511,),
    Tissue.EYE: (506,),
    Tissue.EYE_MUSCLE: (508,),
    Tissue.MUCOSA: (509,),
    Tissue.SPINAL_CORD: (512,),
    Tissue.OPTIC_NERVE: (530, 85),
}
"""SynthSeg label values (``labels.tsv`` of the data catalogue) that make up each tissue."""

LEFT_WHITE, RIGHT_WHITE = 2, 41
"""SynthSeg values of the two hemispheres' white matter, between which the midline is fitted."""


def merge_tissues(values: NDArray[np.uint16]) -> TissueMap:
    """Returns the tissue map of SynthSeg label values; all CSF outside the ventricles is OUTER_CSF at first.

    Args:
        values: ``(X, Y, Z)`` uint16.

    Raises:
        ValueError: A value belongs to no tissue.
    """
    table = np.full(1024, 255, dtype=np.uint8)
    table[0] = Tissue.BACKGROUND
    for tissue, sources in TISSUE_SOURCES.items():
        table[list(sources)] = tissue
    tissues = table[values]
    if (tissues == 255).any():
        raise ValueError(f"label values {np.unique(values[tissues == 255])} belong to no tissue")
    return tissues


def fit_midline(values: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Returns ``(3,)``: the plane ``x = midline @ (1, y, z)`` half-way between left and right white matter (RAS)."""
    left, right = values == LEFT_WHITE, values == RIGHT_WHITE
    rows, middles = [], []
    for y, z in np.argwhere(left.any(axis=0) & right.any(axis=0)):
        left_edge, right_edge = np.flatnonzero(left[:, y, z]).max(), np.flatnonzero(right[:, y, z]).min()
        if 0 < right_edge - left_edge < 20:
            rows.append((1.0, float(y), float(z)))
            middles.append((left_edge + right_edge) / 2.0)
    plane, *_ = np.linalg.lstsq(np.array(rows), np.array(middles), rcond=None)
    return np.asarray(plane, dtype=np.float64)


def head_box(tissues: TissueMap, brain: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """Returns the slices of the head, cut `BELOW_BRAIN_MM` below the brain (1 mm voxels, RAS array)."""
    bottom = max(int(np.flatnonzero(brain.any(axis=(0, 1))).min()) - BELOW_BRAIN_MM, 0)
    x, y, z = ndimage.find_objects((tissues[:, :, bottom:] > 0).astype(np.uint8))[0]
    return x, y, slice(z.start + bottom, z.stop + bottom)


def coarsen_outside(tissues: TissueMap, brain: NDArray[np.bool_]) -> TissueMap:
    """Returns the map with every second axial slice outside the brain replaced by the one below (12 % smaller)."""
    lower = np.arange(tissues.shape[2]) // 2 * 2
    return np.where(brain | brain[:, :, lower], tissues, tissues[:, :, lower])


def pack(tissues: TissueMap, brain: NDArray[np.bool_], affine: Affine, midline: NDArray[np.float64]) -> bytes:
    """Returns one anatomy as `gliosynth.anatomy.load_anatomy` reads it: an xz-compressed npz."""
    packed = BytesIO()
    np.savez(packed, tissues=coarsen_outside(tissues, brain), brain=np.packbits(brain), affine=affine, midline=midline)
    return lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def compact(source: Path) -> bytes:
    """Returns the xz-compressed npz of one SynthSeg label map."""
    image = nib.as_closest_canonical(nib.load(source))  # type: ignore[no-untyped-call]
    values = np.asarray(image.dataobj).astype(np.uint16)
    tissues = merge_tissues(values)
    brain = closed_brain_mask(tissues)
    tissues = split_csf(tissues, brain)
    box = head_box(tissues, brain)
    start = np.array([axis.start for axis in box], dtype=np.float64)
    affine = image.affine.astype(np.float64)
    affine[:3, 3] += affine[:3, :3] @ start
    return pack(tissues[box], brain[box], affine, fit_midline(values[box]))


def main() -> None:
    """Writes ``head_01.npz.xz`` and so on into the target folder and prints their sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, required=True, help="folder with training_seg_01.nii.gz and so on")
    parser.add_argument("--target", type=Path, default=Path("gliosynth/anatomies"))
    options = parser.parse_args()
    for source in sorted(options.source.glob("training_seg_*.nii.gz")):
        number = source.name.removeprefix("training_seg_").removesuffix(".nii.gz")
        packed = compact(source)
        (options.target / f"head_{number}.npz.xz").write_bytes(packed)
        print(f"head_{number}: {len(packed) / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
