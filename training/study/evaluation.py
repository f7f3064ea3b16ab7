"""Scores of an arm's three networks on the held-out cases: the library's cascade, the library's metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidInputError
from gliosynth.labels import REGIONS, LabelMap, Mask, region_mask
from gliosynth.metrics import HD95Definition, score_case, specificity
from gliosynth.metrics.distance import BRATS_WORST_HD95_MM
from gliosynth.segmentation import CascadeModels, CascadeOptions, segment_case
from training.loop.run_folder import load_weights
from training.networks.unet2d import UNet2d
from training.segmentation.region_model import TorchModel
from training.study.presets import StudyPreset
from training.study.rows import CaseRow, read_rows, to_csv
from training.study.runs import WEIGHTS, StudyRun
from training.study.sets import CaseSet


@dataclass(frozen=True, eq=False)
class HeldOutCase:
    """A case to evaluate on.

    Attributes:
        name: Its name.
        contrasts: z-scores ``(4, X, Y, Z)`` float32.
        labels: Reference ``(X, Y, Z)`` uint8.
        brain: ``(X, Y, Z)``.
        spacing_mm: Voxel edges.
    """

    name: str
    contrasts: NDArray[np.float32]
    labels: LabelMap
    brain: Mask
    spacing_mm: tuple[float, float, float]


def held_out_cases(cases: CaseSet) -> Iterator[HeldOutCase]:
    """Yields the cases of a set as volumes.

    Raises:
        InvalidInputError: A volume was replaced meanwhile.
    """
    for slot, name in zip(cases.ring.held, cases.names, strict=True):
        slices = cases.ring.read(int(slot), np.arange(int(cases.ring.index[slot, 1])))
        if slices is None:
            raise InvalidInputError(f"{name}: its volume was replaced; held-out cases must stay as they are")
        yield HeldOutCase(
            name=name,
            contrasts=np.moveaxis(slices.contrasts, 0, 3),
            labels=np.ascontiguousarray(np.moveaxis(slices.labels, 0, 2)),
            brain=np.ascontiguousarray(np.moveaxis(slices.brain, 0, 2)),
            spacing_mm=(1.0, 1.0, cases.ring.shape.slice_mm),
        )


def evaluate_arm(
    runs: tuple[StudyRun, ...], preset: StudyPreset, root: Path, cases: CaseSet, *, definition: HD95Definition
) -> None:
    """Scores the three networks of an arm and seed, unless an earlier call did; keeps scores and label maps.

    Args:
        runs: The runs of WT, TC and ET of one arm and seed, done.
        preset: Size of the study.
        root: The study's folder.
        cases: Held-out cases.
        definition: What HD95 means.
    """
    target = scores_file(runs[0], root)
    if target.exists():
        return
    found = {run.region: trained_model(run, preset, root) for run in runs}
    wt, tc, et = (found[region] for region in REGIONS)
    rows: list[CaseRow] = []
    predictions: dict[str, LabelMap] = {}
    for case in held_out_cases(cases):
        predictions[case.name] = predict(case, wt=wt, tc=tc, et=et)
        rows += score(case, predictions[case.name], arm=runs[0].arm.name, seed=runs[0].seed, definition=definition)
    np.savez_compressed(target.with_name("predictions.npz"), **predictions)  # type: ignore[arg-type]  # names to arrays
    scratch = target.with_suffix(".part")
    scratch.write_text(to_csv(rows))
    scratch.replace(target)


def scores_file(run: StudyRun, root: Path) -> Path:
    """Returns where the scores of a run's arm and seed are kept."""
    return run.folder(root).parent / "cases.csv"


def scores_of(runs: tuple[StudyRun, ...], root: Path) -> tuple[CaseRow, ...]:
    """Returns the scores of several runs' arms and seeds, arm by arm."""
    files = dict.fromkeys(scores_file(run, root) for run in sorted(runs, key=lambda run: (run.arm.share, run.seed)))
    return tuple(row for file in files for row in read_rows(file))


def trained_model(run: StudyRun, preset: StudyPreset, root: Path) -> TorchModel:
    """Returns the network of a run, in float32 on the CPU."""
    segmenter = preset.segmenter(run.region)
    network = UNet2d(segmenter.spec)
    load_weights(run.folder(root) / WEIGHTS, network)
    return TorchModel(network, segmenter)


def predict(case: HeldOutCase, *, wt: TorchModel, tc: TorchModel, et: TorchModel) -> LabelMap:
    """Returns what the cascade finds; its smallest components are those of the service in mm³."""
    voxel_mm3 = float(np.prod(case.spacing_mm))
    options = CascadeOptions(
        smallest_wt_voxels=round(CascadeOptions.smallest_wt_voxels / voxel_mm3),
        smallest_tc_voxels=round(CascadeOptions.smallest_tc_voxels / voxel_mm3),
        smallest_et_voxels=round(CascadeOptions.smallest_et_voxels / voxel_mm3),
    )
    return segment_case(case.contrasts, case.brain, models=CascadeModels(wt=wt, tc=tc, et=et), options=options).labels


def score(case: HeldOutCase, prediction: LabelMap, *, arm: str, seed: int, definition: HD95Definition) -> list[CaseRow]:
    """Returns the scores of one case, one row a region.

    Sensitivity and specificity are counted inside the bounding box of the brain, and specificity over the whole volume
    too. HD95 of a region that is found where there is none, or missed altogether, is BraTS 2023's 374 mm.
    """
    scores = score_case(
        case.labels,
        prediction,
        spacing_mm=case.spacing_mm,
        definition=definition,
        one_empty_mm=BRATS_WORST_HD95_MM,
        lesionwise=None,
        brain=case.brain,
        tolerances_mm=(),
    )
    return [
        CaseRow(
            arm=arm,
            seed=seed,
            case=case.name,
            region=one.region,
            dsc=one.dice,
            sensitivity=one.sensitivity,
            specificity=one.specificity,
            specificity_volume=specificity(region_mask(case.labels, one.region), region_mask(prediction, one.region)),
            hd95_mm=one.hd95_mm,
            one_empty=(one.reference_ml == 0) != (one.prediction_ml == 0),
            reference_ml=one.reference_ml,
            prediction_ml=one.prediction_ml,
        )
        for one in scores.regions
    ]
