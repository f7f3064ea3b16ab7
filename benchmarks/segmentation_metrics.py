"""Segmentation metrics beside their peers: five metrics of three regions of one case, and equality to each peer.

Launch in the peers' environment, with this project on the path (`make bench` does both):

    PYTHONPATH=. .venv-peers/bin/python benchmarks/segmentation_metrics.py

Prints one table of times and ratios, and one of the largest difference to each peer under its own definition; exits
with 1 if a difference exceeds what float arithmetic explains. `--displaced` moves the prediction by 12 mm, where most
surface voxels have no close partner; `--quick` leaves out the peers that need seconds.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import Candidate, Work, markdown, race, write_json_lines
from scipy.ndimage import gaussian_filter
from segmentation_peers import (
    TOLERANCE_MM,
    Pair,
    Spacing,
    deepmind_work,
    medpy_work,
    monai_work,
    panoptica_work,
    region_masks,
    simpleitk_distances,
    simpleitk_work,
)

from gliosynth.labels import labels_from_regions
from gliosynth.metrics import (
    BRATS_2023_GLI,
    HD95Definition,
    LesionwiseRule,
    SurfaceDefinition,
    hausdorff95,
    score_case,
    surface_dice,
)

SHAPE = (240, 240, 155)
"""Voxels of a BraTS volume, 1 mm."""

LARGEST_DIFFERENCE = 1e-6
"""Largest difference to a peer under its own definition."""

LARGEST_DIFFERENCE_FLOAT32 = 2e-5
"""The same for MONAI's percentile: torch.quantile finds the rank in float32, where a rank near 500 is good to 3e-5."""

SLOW_PEERS = ("MedPy", "panoptica functions")
"""Peers that `--quick` leaves out."""


def smooth_field(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Unit-variance smooth noise of the case's box, float32."""
    field = gaussian_filter(rng.standard_normal((110, 110, 100), dtype=np.float32), sigma)
    return field / field.std()


def synthetic_case(seed: int = 11) -> Pair:
    """Label maps (reference, prediction): a lesion of 91 ml, found to a Dice of 0.95, and a false positive island."""
    rng = np.random.default_rng(seed)
    grid = np.indices((110, 110, 100), dtype=np.float32) - np.float32([[[[55]]], [[[55]]], [[[50]]]])
    radius = np.sqrt((grid[0] / 1.15) ** 2 + grid[1] ** 2 + (grid[2] / 0.9) ** 2)
    level = 27.0 - radius + 4.0 * smooth_field(rng, 9) + 1.2 * smooth_field(rng, 4)
    core = level - 6.0 + 2.0 * smooth_field(rng, 8)
    shell = np.minimum(core, 7.5 - 2 * np.abs(core - 3.5) + 2.0 * smooth_field(rng, 6))
    error = 1.5 * smooth_field(rng, 6) + 0.5 * smooth_field(rng, 3)
    maps = []
    for shift in (np.float32(0), error):
        labels = np.zeros(SHAPE, dtype=np.uint8)
        labels[80:190, 50:160, 30:130] = labels_from_regions(level + shift > 0, core + shift > 0, shell + shift > 0)
        maps.append(labels)
    maps[1][70:79, 130:139, 50:59] = 2
    return maps[0], maps[1]


def gliosynth_work(case: Pair, lesionwise: LesionwiseRule | None, definition: HD95Definition) -> Work:
    """Ours: label maps in."""

    def work() -> object:
        scores = score_case(
            *case,
            spacing_mm=(1.0, 1.0, 1.0),
            tolerances_mm=(TOLERANCE_MM,),
            lesionwise=lesionwise,
            definition=definition,
        )
        return [(s.dice, s.hd95_mm, s.sensitivity, s.specificity, s.surface_dice[0].value) for s in scores.regions]

    return work


def limit_work(case: Pair) -> Work:
    """The floor: both label maps touched once."""
    return lambda: [int(np.count_nonzero(labels)) for labels in case]


def candidates(case: Pair) -> list[Candidate]:
    """Everyone in the race."""
    surfel, border = HD95Definition.SURFEL_MAX, HD95Definition.BORDER_MAX
    return [
        Candidate("gliosynth", lambda: gliosynth_work(case, None, surfel), "all, surfels"),
        Candidate("gliosynth, border", lambda: gliosynth_work(case, None, border), "all, border voxels"),
        Candidate("gliosynth, lesion-wise", lambda: gliosynth_work(case, BRATS_2023_GLI, surfel), "all + lesion-wise"),
        Candidate("DeepMind surface-distance", lambda: deepmind_work(case), "all, surfels"),
        Candidate("MONAI", lambda: monai_work(case), "all, border voxels"),
        Candidate("SimpleITK recipe", lambda: simpleitk_work(case), "all, contour"),
        Candidate("MedPy", lambda: medpy_work(case), "no surface Dice"),
        Candidate("panoptica functions", lambda: panoptica_work(case), "Dice, HD95, NSD"),
        Candidate("limit", lambda: limit_work(case), "both label maps read once"),
    ]


def random_pairs(count: int = 40) -> list[tuple[Pair, Spacing]]:
    """Small overlapping blobs inside the volume, with cubic and flat voxels."""
    rng = np.random.default_rng(5)
    pairs = []
    for index in range(count):
        field = gaussian_filter(rng.standard_normal((18, 16, 14)), rng.uniform(0.5, 2.5))
        other = field + 0.5 * field.std() * gaussian_filter(rng.standard_normal(field.shape), 0.5)
        level = np.quantile(field, rng.uniform(0.4, 0.9))
        spacing = ((1.0, 1.0, 1.0), (0.9375, 0.9375, 5.0), (1.0, 2.0, 0.5))[index % 3]
        pairs.append(((np.pad(field > level, 2), np.pad(other > level, 2)), spacing))
    return pairs


def cropped(masks: Pair) -> Pair:
    """The masks in their common box with a margin: no value depends on the rest, but most peers' times do."""
    occupied = np.argwhere(masks[0] | masks[1])
    box = tuple(slice(max(low - 2, 0), high + 3) for low, high in zip(occupied.min(0), occupied.max(0), strict=True))
    return masks[0][box], masks[1][box]


def peer_values() -> dict[str, tuple[Callable[..., float], Callable[..., float]]]:
    """For each definition with a peer: the peer's function and ours, of (reference, prediction, spacing_mm)."""
    import surface_distance
    import torch
    from medpy.metric import binary
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice
    from panoptica.metrics import Metric

    def tensor(mask: np.ndarray) -> "torch.Tensor":
        return torch.from_numpy(mask)[None, None].float()

    def ours(definition: HD95Definition) -> Callable[..., float]:
        return lambda r, p, s: hausdorff95(r, p, spacing_mm=s, definition=definition)

    def our_dice(definition: SurfaceDefinition) -> Callable[..., float]:
        return lambda r, p, s: surface_dice(r, p, spacing_mm=s, tolerance_mm=1.5, definition=definition)

    def deepmind(r: np.ndarray, p: np.ndarray, s: Spacing) -> dict[str, np.ndarray]:
        distances: dict[str, np.ndarray] = surface_distance.compute_surface_distances(r, p, s)
        return distances

    def monai_hd(r: np.ndarray, p: np.ndarray, s: Spacing) -> float:
        return float(
            compute_hausdorff_distance(tensor(p), tensor(r), include_background=True, percentile=95, spacing=list(s))
        )

    def monai_nsd(r: np.ndarray, p: np.ndarray, s: Spacing) -> float:
        return float(compute_surface_dice(tensor(p), tensor(r), [1.5], include_background=True, spacing=list(s)))

    hd95 = HD95Definition
    return {
        "hd95 surfel-max, DeepMind": (
            lambda r, p, s: surface_distance.compute_robust_hausdorff(deepmind(r, p, s), 95),
            ours(hd95.SURFEL_MAX),
        ),
        "surface Dice surfel, DeepMind": (
            lambda r, p, s: surface_distance.compute_surface_dice_at_tolerance(deepmind(r, p, s), 1.5),
            our_dice(SurfaceDefinition.SURFEL),
        ),
        "hd95 border-max, MONAI": (monai_hd, ours(hd95.BORDER_MAX)),
        "surface Dice border, MONAI": (monai_nsd, our_dice(SurfaceDefinition.BORDER)),
        "hd95 border-pooled, MedPy": (lambda r, p, s: binary.hd95(p, r, s), ours(hd95.BORDER_POOLED)),
        "hd border-maximum, MedPy": (lambda r, p, s: binary.hd(p, r, s), ours(hd95.BORDER_MAXIMUM)),
        "hd95 border-pooled, panoptica": (
            lambda r, p, s: Metric.HD95(r, p, voxelspacing=s),
            ours(hd95.BORDER_POOLED),
        ),
        "hd95 contour-pooled, SimpleITK": (
            lambda r, p, s: float(np.percentile(simpleitk_distances(r, p, s), 95)),
            ours(hd95.CONTOUR_POOLED),
        ),
    }


def largest_differences(case: Pair) -> dict[str, float]:
    """Largest absolute difference to each peer, over the case's regions and the random pairs."""
    pairs = [(cropped(masks), (1.0, 1.0, 1.0)) for masks in region_masks(case)] + random_pairs()
    differences = {}
    for name, (peer, own) in peer_values().items():
        found = [abs(float(peer(*masks, spacing)) - own(*masks, spacing)) for masks, spacing in pairs]
        differences[name] = max(found)
    return differences


def main() -> int:
    """Races, compares, prints; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="timed calls of each candidate")
    parser.add_argument("--quick", action="store_true", help="leave out the peers that need seconds")
    parser.add_argument("--displaced", action="store_true", help="move the prediction by 12 mm")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    reference, prediction = synthetic_case()
    case = reference, np.roll(prediction, 12, axis=1) if options.displaced else prediction
    racing = [one for one in candidates(case) if not (options.quick and one.name in SLOW_PEERS)]
    timings = race(racing, rounds=options.rounds)
    print(markdown(timings, baseline="DeepMind surface-distance"))
    if options.json:
        write_json_lines(timings, topic="segmentation metrics", path=options.json)
    differences = largest_differences(case)
    print("\n| definition, peer | largest difference | allowed |\n| --- | ---: | ---: |")
    for name, difference in differences.items():
        print(f"| {name} | {difference:.1e} | {allowed(name):.0e} |")
    return int(any(difference > allowed(name) for name, difference in differences.items()))


def allowed(name: str) -> float:
    """Largest difference to the peer of that name."""
    return LARGEST_DIFFERENCE_FLOAT32 if name == "hd95 border-max, MONAI" else LARGEST_DIFFERENCE


if __name__ == "__main__":
    sys.exit(main())
