"""Scores trained weights on labelled real cases, the threshold baseline beside them.

    python -m training.evaluate_real --wt runs/wt --tc runs/tc --et runs/et --json real.json

Real cases are for evaluation alone: nothing here trains, chooses a checkpoint or fits a threshold. The cascade is the
library's, so the figures are those of the served models without preprocessing: the cases are those of BraTS, which are
registered, skull-stripped and at 1 mm already (`gliosynth evaluate` runs the whole service). Cases are the folders
below GLIOSYNTH_DATA (default ../shared/data) that hold a ``*_seg.nii.gz``.
"""

import argparse
import json
import os
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray

from gliosynth.labels import REGIONS, LabelMap, Mask, Region, canonical_labels
from gliosynth.metrics.case import score_case
from gliosynth.preprocessing.intensity import normalise
from gliosynth.segmentation import CascadeModels, segment_by_threshold, segment_case
from training.loop.run_folder import load_weights
from training.networks.unet2d import UNet2d
from training.segmentation.presets import PRESETS
from training.segmentation.validation import THRESHOLD

FILE_ENDINGS: Final = ("t1", "t1ce", "t2", "flair")
"""Names of the contrasts in BraTS files up to 2021, in the order of `gliosynth.labels.CONTRASTS`."""

LARGE_ET_ML: Final = 5.0
"""ET volume above which a Dice of ET is more than a lottery (PROTOTYPE 7, point 5)."""


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


class TorchModel:
    """Trained weights as the cascade's `RegionModel`, in float32."""

    def __init__(self, weights: Path, region: Region) -> None:
        """Loads weights of `training.run_folder.save_weights`."""
        self.channels = PRESETS[region].channels
        self.batch_size = 16
        self.threshold = THRESHOLD
        self._network = UNet2d(PRESETS[region].spec)
        load_weights(weights, self._network)
        self._network.eval()

    def submit(self, batch: NDArray[np.float32]) -> "Future[NDArray[np.float32]]":
        """Returns the logits ``(B, 1, H, W)`` of slices, already computed."""
        answer: Future[NDArray[np.float32]] = Future()
        with torch.no_grad():
            answer.set_result(self._network(torch.from_numpy(np.ascontiguousarray(batch))).numpy())
        return answer


def load_case(folder: Path) -> RealCase:
    """Returns a case of a BraTS folder (file names up to 2021), reoriented to RAS."""
    images = [_canonical(next(folder.glob(f"*_{ending}.nii.gz"))).astype(np.float32) for ending in FILE_ENDINGS]
    brain: Mask = np.any([image > 0 for image in images], axis=0)
    labels = canonical_labels(_canonical(next(folder.glob("*_seg.nii.gz"))), source=folder.name)
    return RealCase(folder.name, np.stack([normalise(image, brain) for image in images]), brain, labels)


def evaluate(case: RealCase, models: CascadeModels) -> dict[str, object]:
    """Returns one row of the table: Dice, HD95 and volumes per region, the baseline's Dice, seconds."""
    start = time.perf_counter()
    found = segment_case(case.contrasts, case.brain, models=models).labels
    seconds = time.perf_counter() - start
    baseline = segment_by_threshold(case.contrasts, case.brain)
    ours, theirs = (
        score_case(case.labels, labels, spacing_mm=(1.0, 1.0, 1.0), lesionwise=None).regions
        for labels in (found, baseline)
    )
    return {
        "id": case.name,
        "dice": {str(one.region): one.dice for one in ours},
        "hd95": {str(one.region): one.hd95_mm for one in ours},
        "baseline_dice": {str(one.region): one.dice for one in theirs},
        "prediction_ml": {str(one.region): one.prediction_ml for one in ours},
        "reference_ml": {str(one.region): one.reference_ml for one in ours},
        "seconds": round(seconds, 2),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the means over the cases, and those of ET over the cases with more than 5 ml of it."""
    means: dict[str, Any] = {
        key: {str(region): _mean([row[key][region] for row in rows]) for region in REGIONS}
        for key in ("dice", "hd95", "baseline_dice")
    }
    large = [row for row in rows if row["reference_ml"][Region.ET] > LARGE_ET_ML]
    return means | {
        f"ET_above_{LARGE_ET_ML:g}_ml": {
            key: _mean([row[key][Region.ET] for row in large]) for key in ("dice", "baseline_dice")
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


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for region in REGIONS:
        parser.add_argument(f"--{region.lower()}", type=Path, required=True, help=f"weights of {region}, .safetensors")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GLIOSYNTH_DATA", "../shared/data")))
    parser.add_argument("--json", type=Path, help="where the table goes")
    line = parser.parse_args(arguments)
    models = CascadeModels(
        wt=TorchModel(line.wt, Region.WT), tc=TorchModel(line.tc, Region.TC), et=TorchModel(line.et, Region.ET)
    )
    rows: list[dict[str, Any]] = []
    for path in sorted(line.data.rglob("*_seg.nii.gz")):
        rows.append(evaluate(load_case(path.parent), models))
        print(line_of(rows[-1]))
    mean = summary(rows)
    print(json.dumps(mean, indent=2))
    if line.json:
        line.json.write_text(json.dumps({"cases": rows, "mean": mean}, indent=2) + "\n")


def _canonical(path: Path) -> NDArray[Any]:
    return np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj)  # type: ignore[no-untyped-call]


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


if __name__ == "__main__":
    main()
