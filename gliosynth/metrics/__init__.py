"""Scores of segmentations and images: pure functions of arrays.

Start with `score_case` (label maps) and `score_image` (intensities). Every function states its value for empty masks,
and nothing that differs between tools, such as HD95, is computed without naming its definition.
"""

from gliosynth.metrics.box import Box, bounding_box
from gliosynth.metrics.case import CaseScores, RegionScores, SurfaceDiceScore, score_case
from gliosynth.metrics.consistency import ReportedImageScores, check_image_scores
from gliosynth.metrics.distance import (
    BRATS_DIAGONAL_MM,
    BRATS_WORST_HD95_MM,
    HD95Definition,
    hausdorff95,
    surface_dice,
)
from gliosynth.metrics.image import ImageScores, mae, mse, psnr_db, score_image, ssim
from gliosynth.metrics.lesionwise import (
    BRATS_2023_GLI,
    BRATS_2023_MEN,
    BRATS_2023_MET,
    LesionScore,
    LesionwiseRule,
    LesionwiseScores,
    lesionwise_scores,
)
from gliosynth.metrics.overlap import (
    OverlapCounts,
    count_overlap,
    dice,
    relative_volume_error,
    sensitivity,
    specificity,
    volume_error_ml,
)
from gliosynth.metrics.structure import SsimWindow
from gliosynth.metrics.surface import DirectedDistances, SurfaceDefinition, SurfaceDistances, surface_distances

__all__ = [
    "BRATS_2023_GLI",
    "BRATS_2023_MEN",
    "BRATS_2023_MET",
    "BRATS_DIAGONAL_MM",
    "BRATS_WORST_HD95_MM",
    "Box",
    "CaseScores",
    "DirectedDistances",
    "HD95Definition",
    "ImageScores",
    "LesionScore",
    "LesionwiseRule",
    "LesionwiseScores",
    "OverlapCounts",
    "RegionScores",
    "ReportedImageScores",
    "SsimWindow",
    "SurfaceDefinition",
    "SurfaceDiceScore",
    "SurfaceDistances",
    "bounding_box",
    "check_image_scores",
    "count_overlap",
    "dice",
    "hausdorff95",
    "lesionwise_scores",
    "mae",
    "mse",
    "psnr_db",
    "relative_volume_error",
    "score_case",
    "score_image",
    "sensitivity",
    "specificity",
    "ssim",
    "surface_dice",
    "surface_distances",
    "volume_error_ml",
]
