"""A case in numbers: everything that it and its cohort are judged by, without its voxels."""

from gliosynth.cohort.measurement.case import CaseMeasurement, measure_case
from gliosynth.cohort.measurement.regions import ContrastRatios, RegionTexture, RegionVolumes
from gliosynth.cohort.measurement.shape import BrainMorphology, TumourShape

__all__ = [
    "BrainMorphology",
    "CaseMeasurement",
    "ContrastRatios",
    "RegionTexture",
    "RegionVolumes",
    "TumourShape",
    "measure_case",
]
