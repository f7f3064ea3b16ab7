"""From what the services answered to what the report says."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from gliosynth.cli.evaluation import EvaluatedCase
from gliosynth.cli.pictures import REGISTER_STEP, scene_of
from gliosynth.cli.segment import SegmentedCase
from gliosynth.client.results import ProcessingStep, QualityFlag
from gliosynth.geometry import axis_codes, reorient_to_ras
from gliosynth.labels import REGIONS, LabelMap
from gliosynth.metrics import RegionScores
from gliosynth.nifti import read_nifti
from gliosynth.report.content import (
    Comparison,
    FlagFacts,
    InputFacts,
    ModelFacts,
    RegionFacts,
    ReportCase,
    ScoreFacts,
    StepFacts,
)
from gliosynth.volume import Affine, Volume

SHOWN_TOLERANCE_MM: Final = 2.0
"""Tolerance in mm of the surface Dice that the report shows."""

UNSHOWN_PARAMETERS: Final = frozenset({"moving_from_reference", "native", "working"})
"""Parameters of a step that say nothing in a line of text; they are in the JSON."""


def report_case(
    done: SegmentedCase, *, description: str, citation: str, evaluated: EvaluatedCase | None = None
) -> ReportCase:
    """Returns what the report says about a case.

    Args:
        done: The segmented case.
        description: One or two sentences about it.
        citation: Where the data come from, and their licence.
        evaluated: Its scores, or None where there are no labels.
    """
    result = done.result
    return ReportCase(
        case_id=done.files.case_id,
        description=description,
        citation=citation,
        scene=scene_of(done.payload, result.labels, steps=result.steps),
        inputs=_inputs(done),
        regions=tuple(
            RegionFacts(item.region, item.volume_ml, item.centroid_mm, item.centroid_shift_mm)
            for item in result.regions
        ),
        brain_volume_ml=result.brain_volume_ml,
        flags=_flags(result.flags),
        models=tuple(
            ModelFacts(model.name, model.version, model.digest, f"{model.engine}, {model.precision}")
            for model in result.models
        ),
        steps=tuple(_step(step) for step in result.steps),
        times=tuple((_words(item.stage), item.seconds) for item in result.times),
        seconds=done.seconds,
        comparison=_comparison(evaluated) if evaluated is not None else None,
    )


def _flags(flags: Iterable[QualityFlag]) -> tuple[FlagFacts, ...]:
    """Returns the remarks, those of one kind together, in the order of their first."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for flag in flags:
        groups.setdefault((flag.id, flag.is_warning), []).append(flag.message)
    return tuple(FlagFacts(warning, name, tuple(messages)) for (name, warning), messages in groups.items())


def _inputs(done: SegmentedCase) -> tuple[InputFacts, ...]:
    moved = _moved_mm(done.result.steps)
    facts = []
    for contrast, file in done.payload.contrasts.items():
        volume = read_nifti(file.data, name=contrast.value)
        orientation = "".join(axis_codes(volume.affine))
        facts.append(InputFacts(contrast, volume.shape, volume.spacing_mm, orientation, moved.get(contrast.value)))
    return tuple(facts)


def _moved_mm(steps: Iterable[ProcessingStep]) -> Mapping[str, float]:
    """Returns by how much each registered contrast was moved; those left alone are not in it."""
    registrations = {step.volume: step.parameters for step in steps if step.name == REGISTER_STEP}
    return {
        volume: float(parameters["displacement_mm"])
        for volume, parameters in registrations.items()
        if parameters["alignment"] == "registered"
    }


def _step(step: ProcessingStep) -> StepFacts:
    shown = {name: value for name, value in step.parameters.items() if name not in UNSHOWN_PARAMETERS}
    details = "; ".join(f"{_words(name)} {_value(value)}" for name, value in shown.items())
    return StepFacts(_words(step.name), step.volume, details)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, dict):
        return "(" + ", ".join(f"{_words(name)} {_value(item)}" for name, item in value.items()) + ")"
    return str(value)


def _comparison(evaluated: EvaluatedCase) -> Comparison:
    affine = evaluated.reference.affine
    return Comparison(
        scores=tuple(_score(evaluated.scores.of(region), evaluated.baseline_scores.of(region)) for region in REGIONS),
        hd95_definition=evaluated.scores.definition.value,
        reference=_in_ras(evaluated.reference.data, affine),
        baseline=_in_ras(evaluated.baseline, affine),
    )


def _score(scores: RegionScores, baseline: RegionScores) -> ScoreFacts:
    if scores.lesionwise is None:
        raise ValueError("score_case was asked to leave out the lesion-wise scores")
    surface_dice = {score.tolerance_mm: score.value for score in scores.surface_dice}
    return ScoreFacts(
        region=scores.region,
        dice=scores.dice,
        hd95_mm=scores.hd95_mm,
        surface_dice=surface_dice[SHOWN_TOLERANCE_MM],
        lesionwise_dice=scores.lesionwise.dice,
        baseline_dice=baseline.dice,
        baseline_hd95_mm=baseline.hd95_mm,
        reference_ml=scores.reference_ml,
        prediction_ml=scores.prediction_ml,
    )


def _in_ras(labels: LabelMap, affine: Affine) -> LabelMap:
    return np.asarray(reorient_to_ras(Volume(labels, affine, "labels")).data)
