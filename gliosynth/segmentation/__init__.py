"""From normalised contrasts to a tumour label map: the cascade of three networks, and the threshold baseline."""

from gliosynth.segmentation.baseline import segment_by_threshold
from gliosynth.segmentation.cascade import (
    CascadeHooks,
    CascadeModels,
    CascadeOptions,
    CascadeProgress,
    RegionFinding,
    Segmentation,
    segment_case,
)
from gliosynth.segmentation.region_model import RegionModel

__all__ = [
    "CascadeHooks",
    "CascadeModels",
    "CascadeOptions",
    "CascadeProgress",
    "RegionFinding",
    "RegionModel",
    "Segmentation",
    "segment_by_threshold",
    "segment_case",
]
