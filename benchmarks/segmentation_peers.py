"""What each peer does with the masks of one case: the candidates of `segmentation_metrics.py` that are not ours."""

import numpy as np
from harness import Work

from gliosynth.labels import REGIONS, region_mask

TOLERANCE_MM = 1.0
"""Tolerance of the surface Dice in the race."""

Pair = tuple[np.ndarray, np.ndarray]
"""Boolean masks (reference, prediction)."""

Spacing = tuple[float, float, float]
"""Voxel edges in mm."""


def region_masks(case: Pair) -> list[Pair]:
    """The masks of the three regions."""
    return [(region_mask(case[0], region), region_mask(case[1], region)) for region in REGIONS]


def deepmind_work(case: Pair) -> Work:
    """surface-distance for surfaces, plain counts for sensitivity and specificity, which it lacks."""
    import surface_distance

    masks = region_masks(case)

    def work() -> object:
        rows = []
        for reference, prediction in masks:
            distances = surface_distance.compute_surface_distances(reference, prediction, (1, 1, 1))
            rows.append(
                (
                    surface_distance.compute_dice_coefficient(reference, prediction),
                    surface_distance.compute_robust_hausdorff(distances, 95),
                    *counted(reference, prediction),
                    surface_distance.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM),
                )
            )
        return rows

    return work


def counted(reference: np.ndarray, prediction: np.ndarray) -> tuple[float, float]:
    """Sensitivity and specificity by popcounts, for the peers without them."""
    hit = np.count_nonzero(reference & prediction)
    size, found = np.count_nonzero(reference), np.count_nonzero(prediction)
    return hit / size, 1 - (found - hit) / (reference.size - size)


def monai_work(case: Pair) -> Work:
    """MONAI on one-hot tensors, prepared outside the timing."""
    import torch
    from monai.metrics import (
        compute_confusion_matrix_metric,
        compute_dice,
        compute_hausdorff_distance,
        compute_surface_dice,
        get_confusion_matrix,
    )

    masks = region_masks(case)
    y, y_pred = (torch.from_numpy(np.stack([pair[i] for pair in masks]))[None].float() for i in (0, 1))

    def work() -> object:
        matrix = get_confusion_matrix(y_pred, y, include_background=True)
        rows = (
            compute_dice(y_pred, y, include_background=True),
            compute_hausdorff_distance(y_pred, y, include_background=True, percentile=95, spacing=1.0),
            compute_confusion_matrix_metric("sensitivity", matrix),
            compute_confusion_matrix_metric("specificity", matrix),
            compute_surface_dice(y_pred, y, [TOLERANCE_MM] * 3, include_background=True, spacing=[1.0] * 3),
        )
        return torch.stack([row[0] for row in rows], dim=1).tolist()

    return work


def medpy_work(case: Pair) -> Work:
    """MedPy has no surface Dice."""
    from medpy.metric import binary

    masks = region_masks(case)

    def work() -> object:
        return [
            (
                binary.dc(prediction, reference),
                binary.hd95(prediction, reference, (1, 1, 1)),
                binary.sensitivity(prediction, reference),
                binary.specificity(prediction, reference),
            )
            for reference, prediction in masks
        ]

    return work


def panoptica_work(case: Pair) -> Work:
    """Panoptica's metric functions; it has no sensitivity or specificity of voxels."""
    from panoptica.metrics import Metric

    masks = region_masks(case)

    def work() -> object:
        return [
            (
                Metric.DSC(reference, prediction),
                Metric.HD95(reference, prediction, voxelspacing=(1, 1, 1)),
                Metric.NSD(reference, prediction, voxelspacing=(1, 1, 1), threshold=TOLERANCE_MM),
            )
            for reference, prediction in masks
        ]

    return work


def simpleitk_distances(reference: np.ndarray, prediction: np.ndarray, spacing_mm: Spacing) -> np.ndarray:
    """The recipe of its users: contour voxels read on the absolute signed Maurer map, both ways together."""
    import SimpleITK as sitk  # noqa: N813

    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (reference, prediction)]
    for image in images:
        image.SetSpacing(spacing_mm[::-1])
    pooled = []
    for one, other in (images, images[::-1]):
        distance = sitk.Abs(sitk.SignedMaurerDistanceMap(other, squaredDistance=False, useImageSpacing=True))
        contour = sitk.LabelContour(one, fullyConnected=False)
        pooled.append(sitk.GetArrayViewFromImage(distance)[sitk.GetArrayViewFromImage(contour) > 0].copy())
    return np.concatenate(pooled).astype(np.float64)


def simpleitk_work(case: Pair) -> Work:
    """SimpleITK's recipe and overlap filter."""
    masks = region_masks(case)

    def work() -> object:
        rows = []
        for reference, prediction in masks:
            distances = simpleitk_distances(reference, prediction, (1.0, 1.0, 1.0))
            dice = 2 * np.count_nonzero(reference & prediction) / (reference.sum() + prediction.sum())
            rows.append(
                (
                    float(dice),
                    float(np.percentile(distances, 95)),
                    *counted(reference, prediction),
                    float((distances <= TOLERANCE_MM).mean()),
                )
            )
        return rows

    return work
