"""The files of one case: images with sidecars, label maps, brain mask and picture."""

from collections.abc import Iterator
from typing import Final

from gliosynth.cohort.dataset.bids import (
    TISSUE,
    TUMOUR,
    image_path,
    mask_path,
    painted_sidecar,
    panel_path,
    segmentation_path,
    sidecar,
)
from gliosynth.cohort.dataset.images import grid_affine, nifti_bytes, stored_image
from gliosynth.cohort.plain import to_json
from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.contrast.simulate import SimulatedCase
from gliosynth.generation import GeneratedParameters
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.report.panel import case_panel

TUMOUR_TEXT: Final = "Tumour labels of BraTS 2023: 1 NCR, 2 ED, 3 ET; exact, as the images were made from them"
"""Description of the tumour's labels."""

PAINTED_TUMOUR_TEXT: Final = (
    "Tumour labels of BraTS 2023: 1 NCR, 2 ED, 3 ET; the map that the images were painted from. A network may leave it"
)
"""The same where a network painted the images."""

TISSUE_TEXT: Final = "Tissues that the images were made from, before the tumour; the head included"
"""Description of the tissue labels."""

PAINTED_TISSUE_TEXT: Final = (
    "Tissues of the simulated head that the images were painted from, before any tumour; the head included. They are"
    " bent by the tumour where it grew, which may be elsewhere than it is now"
)
"""The same where a network painted the images."""

BRAIN_TEXT: Final = "Brain mask with the border error of a skull stripper; the images are 0 outside"
"""Description of the brain mask."""


def case_files(spec: CohortSpec, subject: str, case: SimulatedCase) -> dict[str, bytes]:
    """Returns every file of a case but its manifest, bytes by path from the data set's root.

    Args:
        spec: The cohort.
        subject: ``"sub-0001"``.
        case: What was simulated or painted.
    """
    panel = case_panel(case.contrasts, case.labels, case.brain, spacing_mm=case.spacing_mm, title=subject)
    return {**dict(_images(spec, subject, case)), **dict(_derivatives(subject, case)), panel_path(subject): panel}


def _images(spec: CohortSpec, subject: str, case: SimulatedCase) -> Iterator[tuple[str, bytes]]:
    """Yields the four images with their sidecars."""
    affine = grid_affine(spec.grid.shape, case.spacing_mm)
    for number, contrast in enumerate(CONTRASTS):
        stored = stored_image(case.contrasts[number], spec.formats.image)
        fields = _sidecar(case, number)
        yield image_path(subject, contrast, ".nii.gz"), nifti_bytes(stored, affine)
        yield image_path(subject, contrast, ".json"), to_json(fields)


def _sidecar(case: SimulatedCase, number: int) -> dict[str, object]:
    """Returns the sidecar of a contrast, by its number."""
    parameters, contrast = case.parameters, CONTRASTS[number]
    if isinstance(parameters, GeneratedParameters):
        return painted_sidecar(contrast, parameters.generation.painter_of(number), spacing_mm=case.spacing_mm)
    return sidecar(contrast, parameters.physics, parameters.acquisitions[number], spacing_mm=case.spacing_mm)


def _derivatives(subject: str, case: SimulatedCase) -> Iterator[tuple[str, bytes]]:
    """Yields the label maps and the brain mask with their sidecars."""
    affine = grid_affine((case.labels.shape[0], case.labels.shape[1], case.labels.shape[2]), case.spacing_mm)
    sources = [f"bids:raw:{image_path(subject, Contrast.T1C, '.nii.gz')}"]
    common = {"Sources": sources, "SpatialReference": "orig", "GliosynthSynthetic": True}
    painted = isinstance(case.parameters, GeneratedParameters)
    texts = (PAINTED_TUMOUR_TEXT, PAINTED_TISSUE_TEXT) if painted else (TUMOUR_TEXT, TISSUE_TEXT)
    for description, text, data in ((TUMOUR, texts[0], case.labels), (TISSUE, texts[1], case.tissues)):
        yield segmentation_path(subject, description, ".nii.gz"), nifti_bytes(data, affine)
        fields = {"Description": text, "Manual": False, **common}
        yield segmentation_path(subject, description, ".json"), to_json(fields)
    yield mask_path(subject, ".nii.gz"), nifti_bytes(case.brain, affine)
    yield mask_path(subject, ".json"), to_json({"Description": BRAIN_TEXT, "Type": "Brain", **common})
