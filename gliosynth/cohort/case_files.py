"""The files of one case: images with sidecars, label maps, brain mask and picture."""

from collections.abc import Iterator

import numpy as np

from gliosynth.cohort.bids import (
    TISSUE,
    TUMOUR,
    image_path,
    mask_path,
    panel_path,
    segmentation_path,
    sidecar,
)
from gliosynth.cohort.images import grid_affine, nifti_bytes, stored_image
from gliosynth.cohort.plain import to_json
from gliosynth.cohort.spec import CohortSpec
from gliosynth.contrast.simulate import SimulatedCase
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.report.panel import case_panel


def case_files(spec: CohortSpec, subject: str, case: SimulatedCase) -> dict[str, bytes]:
    """Returns every file of a case but its manifest, bytes by path from the data set's root.

    Args:
        spec: The cohort.
        subject: ``"sub-0001"``.
        case: What was simulated.
    """
    panel = case_panel(case.contrasts, case.labels, case.brain, spacing_mm=case.spacing_mm, title=subject)
    return {**dict(_images(spec, subject, case)), **dict(_derivatives(subject, case)), panel_path(subject): panel}


def _images(spec: CohortSpec, subject: str, case: SimulatedCase) -> Iterator[tuple[str, bytes]]:
    """Yields the four images with their sidecars."""
    affine = grid_affine(spec.grid.shape, case.spacing_mm)
    parameters = case.parameters
    for number, contrast in enumerate(CONTRASTS):
        stored = stored_image(case.contrasts[number], spec.formats.image)
        fields = sidecar(contrast, parameters.physics, parameters.acquisitions[number], spacing_mm=case.spacing_mm)
        yield image_path(subject, contrast, ".nii.gz"), nifti_bytes(stored, affine)
        yield image_path(subject, contrast, ".json"), to_json(fields)


def _derivatives(subject: str, case: SimulatedCase) -> Iterator[tuple[str, bytes]]:
    """Yields the label maps and the brain mask with their sidecars."""
    affine = grid_affine((case.labels.shape[0], case.labels.shape[1], case.labels.shape[2]), case.spacing_mm)
    sources = [f"bids:raw:{image_path(subject, Contrast.T1C, '.nii.gz')}"]
    for description, data in ((TUMOUR, case.labels), (TISSUE, case.tissues.astype(np.uint8))):
        yield segmentation_path(subject, description, ".nii.gz"), nifti_bytes(data, affine)
        yield (
            segmentation_path(subject, description, ".json"),
            to_json({"Manual": False, "Sources": sources, "SpatialReference": "orig", "GliosynthSynthetic": True}),
        )
    yield mask_path(subject, ".nii.gz"), nifti_bytes(case.brain, affine)
    yield (
        mask_path(subject, ".json"),
        to_json({"Type": "Brain", "Sources": sources, "SpatialReference": "orig", "GliosynthSynthetic": True}),
    )
