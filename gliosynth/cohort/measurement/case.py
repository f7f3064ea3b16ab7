"""Everything about one case that the cohort is judged by, without its voxels.

A measurement travels in the case's summary, so a cohort of any size is judged without opening an image again. Real
cases are measured by the same function (`training/preparation/reference.py`), without a tissue map.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from gliosynth.anatomy import TissueMap
from gliosynth.cohort.measurement.fingerprint import fingerprint_of
from gliosynth.cohort.measurement.geometry import geometry_of, load_frame, pack
from gliosynth.cohort.measurement.regions import (
    ContrastRatios,
    Contrasts,
    RegionTexture,
    RegionVolumes,
    Spacing,
    measure_ratios,
    measure_texture,
    measure_volumes,
)
from gliosynth.cohort.measurement.shape import BrainMorphology, TumourShape, measure_morphology, measure_shape
from gliosynth.cohort.measurement.tissue import classify_tissue
from gliosynth.labels import LabelMap, Mask
from gliosynth.metrics.fidelity.radiomics import ENCODER_ID, encode_case

DIGITS: Final = 6
"""Significant digits that are kept: the last bits of a float differ between processors, and texts must not."""


@dataclass(frozen=True)
class CaseMeasurement:
    """One case in numbers.

    Attributes:
        spacing_mm: Voxel edges in mm that the case was measured at: textures are those of its grid.
        volumes: In ml.
        ratios: One for each contrast.
        texture: One for each contrast and label.
        shape: Of the tumour, or None without one.
        morphology: Of the brain.
        encoder: Id of the encoder that made the features.
        features: ``(slices, features)``, see `gliosynth.metrics.fidelity.radiomics`.
        fingerprint: Shrunken images as text, see `gliosynth.cohort.measurement.fingerprint`.
        geometry: Tissue map in the common frame as text, or None where there is no tissue map.
    """

    spacing_mm: Spacing
    volumes: RegionVolumes
    ratios: tuple[ContrastRatios, ...]
    texture: tuple[RegionTexture, ...]
    shape: TumourShape | None
    morphology: BrainMorphology
    encoder: str
    features: tuple[tuple[float, ...], ...]
    fingerprint: str
    geometry: str | None

    def to_dict(self) -> dict[str, object]:
        """Returns the measurement as numbers, texts, lists and dicts, floats with `DIGITS` significant digits."""
        return {name: _rounded(value) for name, value in dataclasses.asdict(self).items()}

    @staticmethod
    def from_dict(document: Mapping[str, object]) -> "CaseMeasurement":
        """Returns the measurement that `to_dict` wrote, also after it went through JSON.

        Args:
            document: What `to_dict` returned.

        Raises:
            pydantic.ValidationError: It is not a measurement.
        """
        return _adapter().validate_python(document)


def measure_case(
    contrasts: Contrasts, labels: LabelMap, brain: Mask, tissues: TissueMap | None, *, spacing_mm: Spacing
) -> CaseMeasurement:
    """Returns one case in numbers.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32 in the order of `gliosynth.labels.CONTRASTS`, from 0 upwards (not z-scores);
            axes right, anterior, superior.
        labels: ``(X, Y, Z)`` uint8, values of `gliosynth.labels.Label`.
        brain: ``(X, Y, Z)`` bool.
        tissues: ``(X, Y, Z)`` uint8, values of `gliosynth.anatomy.Tissue`, or None for a scan without a tissue map.
        spacing_mm: Voxel edges in mm.

    Raises:
        InvalidVolumeError: The brain mask is empty, or a contrast is constant or has no origin of intensities.
    """
    tissue = classify_tissue(contrasts[0], labels, brain, spacing_mm=spacing_mm)
    geometry = None if tissues is None else geometry_of(tissues, load_frame(), spacing_mm=spacing_mm)
    return CaseMeasurement(
        spacing_mm=spacing_mm,
        volumes=measure_volumes(labels, brain, spacing_mm=spacing_mm),
        ratios=measure_ratios(contrasts, labels, tissue),
        texture=measure_texture(contrasts, labels, spacing_mm=spacing_mm),
        shape=measure_shape(labels, brain, spacing_mm=spacing_mm),
        morphology=measure_morphology(tissue, brain, tissues),
        encoder=ENCODER_ID,
        features=_rows(encode_case(contrasts, brain, spacing_mm=spacing_mm)),
        fingerprint=pack(fingerprint_of(contrasts, brain)),
        geometry=None if geometry is None else pack(geometry),
    )


def _rows(features: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in features)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[CaseMeasurement]:
    return TypeAdapter(CaseMeasurement)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_rounded(one) for one in value]
    return value
