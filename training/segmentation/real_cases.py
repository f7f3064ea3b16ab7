"""Labelled real cases and their scores. They are for evaluation alone: nothing is trained, chosen or fitted on them.

Cases are the folders below a data folder that hold a ``*_seg.nii.gz`` in BraTS manner: registered, skull-stripped, at
1 mm.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
from numpy.typing import NDArray

from gliosynth.labels import REGIONS, LabelMap, Mask, Region, canonical_labels, region_mask
from gliosynth.metrics.case import score_case
from gliosynth.metrics.overlap import count_overlap
from gliosynth.preprocessing.intensity import normalise
from gliosynth.segmentation import segment_by_threshold

FILE_ENDINGS: Final = ("t1", "t1ce", "t2", "flair")
"""Names of the contrasts in BraTS files up to 2021, in the order of `gliosynth.labels.CONTRASTS`."""

LARGE_ET_ML: Final = 5.0
"""ET volume above which a Dice of ET is more than a lottery (PROTOTYPE 7, point 5)."""

VOXELS_PER_ML: Final = 1000
"""Of 1 mm."""

DATA: Final = Path(os.environ.get("GLIOSYNTH_DATA", "../shared/data"))
"""Folder of real data, where a command names no other."""


@dataclass(frozen=True, eq=False)
class RealCase:
    """A labelled case at 1 mm in RAS order.

    Attributes:
        name: Folder name.
        contrasts: ``(4, X, Y, Z)`` float32 z-scores.
        brain: ``(X, Y, Z)``, where any contrast is above 0.
        labels: ``(X, Y, Z)`` uint8.
    """

    name: str
    contrasts: NDArray[np.float32]
    brain: Mask
    labels: LabelMap


def real_cases(data: Path) -> Iterator[RealCase]:
    """Yields the labelled cases below a folder, by path."""
    for path in sorted(data.rglob("*_seg.nii.gz")):
        yield load_case(path.parent)


def load_case(folder: Path) -> RealCase:
    """Returns a case of a BraTS folder (file names up to 2021), reoriented to RAS."""
    images = [_canonical(next(folder.glob(f"*_{ending}.nii.gz"))).astype(np.float32) for ending in FILE_ENDINGS]
    brain: Mask = np.any([image > 0 for image in images], axis=0)
    labels = canonical_labels(_canonical(next(folder.glob("*_seg.nii.gz"))), source=folder.name)
    return RealCase(folder.name, np.stack([normalise(image, brain) for image in images]), brain, labels)


def overlap(case: RealCase, found: LabelMap) -> dict[str, Any]:
    """Returns one row of a table: Dice and volumes per region, without the distances, which take most of the time."""
    counts = {
        str(region): count_overlap(region_mask(case.labels, region), region_mask(found, region)) for region in REGIONS
    }
    return {
        "id": case.name,
        "dice": {region: one.dice for region, one in counts.items()},
        "prediction_ml": {region: one.prediction / VOXELS_PER_ML for region, one in counts.items()},
        "reference_ml": {region: one.reference / VOXELS_PER_ML for region, one in counts.items()},
    }


def score(case: RealCase, found: LabelMap) -> dict[str, Any]:
    """Returns `overlap` and HD95 per region."""
    regions = score_case(case.labels, found, spacing_mm=(1.0, 1.0, 1.0), lesionwise=None).regions
    return overlap(case, found) | {"hd95": {str(one.region): one.hd95_mm for one in regions}}


def baseline_dice(case: RealCase) -> dict[str, float]:
    """Returns the Dice of the threshold baseline, which stands beside every figure, by region."""
    return dict(overlap(case, segment_by_threshold(case.contrasts, case.brain))["dice"])


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the means over the cases, and those of ET over the cases with more than 5 ml of it.

    Args:
        rows: As `overlap` or `score` makes them, with ``baseline_dice`` or without.
    """
    keys = [key for key in ("dice", "hd95", "baseline_dice") if rows and key in rows[0]]
    means: dict[str, Any] = {
        key: {str(region): _mean([row[key][region] for row in rows]) for region in REGIONS} for key in keys
    }
    large = [row for row in rows if row["reference_ml"][Region.ET] > LARGE_ET_ML]
    return means | {
        f"ET_above_{LARGE_ET_ML:g}_ml": {
            key: _mean([row[key][Region.ET] for row in large]) for key in keys if key != "hd95"
        }
    }


def line_of(row: dict[str, Any]) -> str:
    """Returns one row as text: ours (baseline) and ml found/true per region."""
    parts = [
        f"{region} {row['dice'][region]:.3f} ({row['baseline_dice'][region]:.3f})"
        f" {row['prediction_ml'][region]:.1f}/{row['reference_ml'][region]:.1f} ml"
        for region in REGIONS
    ]
    return f"{row['id']:22s} " + "   ".join(parts)


def _canonical(path: Path) -> NDArray[Any]:
    return np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj)  # type: ignore[no-untyped-call]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
