"""All scores of one case in one call: label maps in, one frozen result per region out.

Both label maps are read once, to find the one box that holds the tumour of either; every region is then scored inside
it.
"""

from dataclasses import dataclass

import numpy as np

from gliosynth.errors import InvalidLabelError
from gliosynth.labels import REGIONS, LabelMap, Mask, Region, region_mask
from gliosynth.metrics.box import Box, Triple, bounding_box, check_same_grid, common_box
from gliosynth.metrics.distance import BRATS_WORST_HD95_MM, HD95Definition, hausdorff95_of, surface_dice_of
from gliosynth.metrics.lesionwise import BRATS_2023_GLI, LesionwiseRule, LesionwiseScores, lesionwise_scores
from gliosynth.metrics.overlap import OverlapCounts, voxel_volume_ml
from gliosynth.metrics.surface import check_spacing, surface_distances


@dataclass(frozen=True)
class SurfaceDiceScore:
    """Surface Dice at one tolerance.

    Attributes:
        tolerance_mm: The tolerance.
        value: In [0, 1]; both empty 1, one empty 0.
    """

    tolerance_mm: float
    value: float


@dataclass(frozen=True)
class RegionScores:
    """Scores of one region.

    Attributes:
        region: Which one.
        dice: In [0, 1]; both empty 1, one empty 0.
        sensitivity: In [0, 1], inside the brain box if one was given; both empty 1, one empty 0.
        specificity: In [0, 1], inside the brain box if one was given, otherwise over the whole volume.
        hd95_mm: Under the case's definition; both empty 0, one empty the value that was asked for.
        surface_dice: One for each tolerance, on the surface of the case's definition.
        reference_ml: Volume of the reference.
        prediction_ml: Volume of the prediction.
        lesionwise: BraTS 2023 lesion-wise scores, or None where they were not asked for.
    """

    region: Region
    dice: float
    sensitivity: float
    specificity: float
    hd95_mm: float
    surface_dice: tuple[SurfaceDiceScore, ...]
    reference_ml: float
    prediction_ml: float
    lesionwise: LesionwiseScores | None

    @property
    def volume_error_ml(self) -> float:
        """By how much the prediction is too large; negative where it is too small."""
        return self.prediction_ml - self.reference_ml

    @property
    def relative_volume_error(self) -> float:
        """Volume error over reference volume; both empty 0, reference alone empty ``inf``."""
        if not self.reference_ml:
            return float("inf") if self.prediction_ml else 0.0
        return self.volume_error_ml / self.reference_ml


@dataclass(frozen=True)
class CaseScores:
    """Scores of one case.

    Attributes:
        regions: One for each region that was asked for, in that order.
        definition: What the distances mean; its surface is also that of the surface Dice.
    """

    regions: tuple[RegionScores, ...]
    definition: HD95Definition

    def of(self, region: Region) -> RegionScores:
        """Returns the scores of one region.

        Args:
            region: One of those that were asked for.

        Raises:
            KeyError: It was not asked for.
        """
        return {scores.region: scores for scores in self.regions}[region]


def score_case(
    reference: LabelMap,
    prediction: LabelMap,
    *,
    spacing_mm: Triple,
    regions: tuple[Region, ...] = REGIONS,
    definition: HD95Definition = HD95Definition.SURFEL_MAX,
    tolerances_mm: tuple[float, ...] = (1.0, 2.0),
    one_empty_mm: float = BRATS_WORST_HD95_MM,
    lesionwise: LesionwiseRule | None = BRATS_2023_GLI,
    brain: Mask | None = None,
) -> CaseScores:
    """Returns every segmentation score of one case.

    Args:
        reference: Label map ``(X, Y, Z)`` uint8 with values of `Label` (see `canonical_labels` for other BraTS years).
        prediction: Label map on the same grid.
        spacing_mm: Voxel edges in mm.
        regions: Regions to score.
        definition: Which HD95, and with it which surface for the surface Dice.
        tolerances_mm: Tolerances of the surface Dice.
        one_empty_mm: HD95 where exactly one mask is empty: BraTS 2023's 374 mm, or ``inf``, or ``nan``.
        lesionwise: Rule of the lesion-wise scores, or None for none.
        brain: Brain mask; sensitivity and specificity are counted inside its bounding box. None counts everywhere.

    Raises:
        InvalidLabelError: The shapes differ, a label map is not 3D uint8, or the brain mask is empty.
        InvalidParameterError: A tolerance or a voxel edge is out of range.
    """
    check_same_grid(reference, prediction)
    _check_label_map(reference, name="reference")
    _check_label_map(prediction, name="prediction")
    check_spacing(spacing_mm)
    field = _brain_box(brain, reference)
    cut = _cut(reference, prediction)
    options = _Options(definition, tolerances_mm, one_empty_mm, lesionwise, spacing_mm)
    return CaseScores(
        tuple(_score_region(cut, region, field=field, options=options) for region in regions),
        definition,
    )


@dataclass(frozen=True)
class _Options:
    """What holds for every region."""

    definition: HD95Definition
    tolerances_mm: tuple[float, ...]
    one_empty_mm: float
    lesionwise: LesionwiseRule | None
    spacing_mm: Triple


@dataclass(frozen=True, eq=False)
class _Cut:
    """Both label maps inside their common box."""

    reference: LabelMap
    prediction: LabelMap
    box: Box


def _cut(reference: LabelMap, prediction: LabelMap) -> _Cut:
    """Returns the label maps inside their common box; two empty ones keep a single voxel."""
    box = common_box(reference, prediction) or Box((0, 0, 0), (1, 1, 1))
    return _Cut(np.ascontiguousarray(reference[box.slices]), np.ascontiguousarray(prediction[box.slices]), box)


def _score_region(cut: _Cut, region: Region, *, field: Box, options: _Options) -> RegionScores:
    reference, prediction = region_mask(cut.reference, region), region_mask(cut.prediction, region)
    everywhere = _counts(reference, prediction, total=reference.size)
    inside = _counts_in_field(reference, prediction, cut=cut.box, field=field)
    distances = surface_distances(
        reference, prediction, spacing_mm=options.spacing_mm, definition=options.definition.surface
    )
    voxel_ml = voxel_volume_ml(options.spacing_mm)
    return RegionScores(
        region=region,
        dice=everywhere.dice,
        sensitivity=inside.sensitivity,
        specificity=inside.specificity,
        hd95_mm=hausdorff95_of(distances, definition=options.definition, one_empty_mm=options.one_empty_mm),
        surface_dice=tuple(
            SurfaceDiceScore(tolerance_mm, surface_dice_of(distances, tolerance_mm=tolerance_mm))
            for tolerance_mm in options.tolerances_mm
        ),
        reference_ml=everywhere.reference * voxel_ml,
        prediction_ml=everywhere.prediction * voxel_ml,
        lesionwise=None
        if options.lesionwise is None
        else lesionwise_scores(reference, prediction, spacing_mm=options.spacing_mm, rule=options.lesionwise),
    )


def _counts(reference: Mask, prediction: Mask, *, total: int) -> OverlapCounts:
    return OverlapCounts(
        true_positive=int(np.count_nonzero(reference & prediction)),
        reference=int(np.count_nonzero(reference)),
        prediction=int(np.count_nonzero(prediction)),
        total=total,
    )


def _counts_in_field(reference: Mask, prediction: Mask, *, cut: Box, field: Box) -> OverlapCounts:
    """Returns the counts inside the field, from masks that exist inside the cut alone (they are empty elsewhere)."""
    shared = tuple(
        slice(max(low, first) - low, max(min(high, last) - low, 0))
        for low, high, first, last in zip(cut.start, cut.stop, field.start, field.stop, strict=True)
    )
    return _counts(reference[shared], prediction[shared], total=field.voxel_count)


def _brain_box(brain: Mask | None, reference: LabelMap) -> Box:
    x, y, z = reference.shape
    if brain is None:
        return Box((0, 0, 0), (x, y, z))
    check_same_grid(reference, brain)
    box = bounding_box(brain)
    if box is None:
        raise InvalidLabelError(
            "brain: the mask is empty, so nothing can be counted in its box; give a brain mask or none",
            field="brain",
            got="0 voxels",
            reason="EMPTY_BRAIN",
        )
    return box


def _check_label_map(labels: LabelMap, *, name: str) -> None:
    if labels.dtype != np.uint8 or labels.ndim != 3:
        raise InvalidLabelError(
            f"{name}: a label map is a 3D array of uint8, this is {labels.dtype} {labels.shape};"
            " convert it with canonical_labels",
            field=name,
            got=f"{labels.dtype} {labels.shape}",
            reason="NOT_A_LABEL_MAP",
        )
