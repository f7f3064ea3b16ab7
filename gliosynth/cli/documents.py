"""The JSON documents that lie beside the images."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any, Final

from gliosynth import __version__
from gliosynth.client import EditedTumourMap, ModelIdentity, PreprocessingResult, SegmentationResult
from gliosynth.client.results import ProcessingStep, QualityFlag
from gliosynth.tumour_map import recipe_json

NOTICE: Final = "Research use only. Not a medical device."
"""What every document says."""


def segmentation_json(case_id: str, result: SegmentationResult, *, seconds: float) -> bytes:
    """Returns what was found, how, and what should be looked at, as indented JSON.

    Args:
        case_id: What the case is called.
        result: The segmented case.
        seconds: Wall-clock seconds of the whole request, seen from here.
    """
    document: dict[str, Any] = {
        "case_id": case_id,
        "notice": NOTICE,
        "labels": {"1": "NCR", "2": "ED", "3": "ET"},
        "regions": {
            region.region.value: {
                "volume_ml": region.volume_ml,
                "centroid_mm": region.centroid_mm,
                "centroid_shift_mm": region.centroid_shift_mm,
            }
            for region in result.regions
        },
        "brain_volume_ml": result.brain_volume_ml,
        "flags": _flags(result.flags),
        "models": _models(result.models),
        "steps": _steps(result.steps),
        "times_s": {item.stage: item.seconds for item in result.times},
        "seconds": seconds,
        "gliosynth_version": __version__,
    }
    return _encoded(document)


def preprocessing_json(case_id: str, result: PreprocessingResult) -> bytes:
    """Returns what was done to a case, as indented JSON.

    Args:
        case_id: What the case is called.
        result: The preprocessed case.
    """
    model = result.skull_strip_model
    document: dict[str, Any] = {
        "case_id": case_id,
        "notice": NOTICE,
        "brain_volume_ml": result.brain_volume_ml,
        "flags": _flags(result.flags),
        "models": _models((model,) if model is not None else ()),
        "steps": _steps(result.steps),
        "times_s": {item.stage: item.seconds for item in result.times},
        "gliosynth_version": __version__,
    }
    return _encoded(document)


def tumour_map_json(result: EditedTumourMap) -> bytes:
    """Returns the edits and what they did, as indented JSON; `gliosynth.tumour_map.parse_recipe` reads the edits back.

    Args:
        result: The edited tumour map.
    """
    document = {
        "edits": json.loads(recipe_json([step.edit for step in result.steps])),
        "report": {
            "gliosynth": __version__,
            "notice": NOTICE,
            "before": [dataclasses.asdict(item) for item in result.before],
            "after": [dataclasses.asdict(item) for item in result.after],
            "clipped_ml": result.clipped_ml,
            "healing": None if result.healing is None else dataclasses.asdict(result.healing),
            "steps": [dataclasses.asdict(step) for step in result.steps],
            "flags": _flags(result.flags),
            "times": [dataclasses.asdict(item) for item in result.times],
        },
    }
    return _encoded(document)


def _flags(flags: Iterable[QualityFlag]) -> list[dict[str, Any]]:
    return [
        {
            "id": flag.id,
            "severity": "warning" if flag.is_warning else "info",
            "message": flag.message,
            "volume": flag.volume,
        }
        for flag in flags
    ]


def _models(models: Iterable[ModelIdentity]) -> list[dict[str, str]]:
    return [dataclasses.asdict(model) for model in models]


def _steps(steps: Iterable[ProcessingStep]) -> list[dict[str, Any]]:
    return [{"name": step.name, "volume": step.volume, "parameters": step.parameters} for step in steps]


def _encoded(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
