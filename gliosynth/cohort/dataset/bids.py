"""Where each file of a case lies in the data set, and what its sidecar says (BIDS 1.10, MRI and derivatives).

Units in sidecars are BIDS's: seconds, degrees, tesla, millimetres. Fields that BIDS does not know start with
``Gliosynth``. No manufacturer and no date is invented.
"""

from typing import Final

from gliosynth.contrast.artefacts import Acquisition
from gliosynth.contrast.physics import Physics
from gliosynth.contrast.sequences import Family, Protocol
from gliosynth.generation import NetworkIdentity
from gliosynth.labels import CONTRASTS, Contrast

BIDS_VERSION: Final = "1.10.0"
"""Version of the standard that the data set follows."""

PIPELINE: Final = "derivatives/gliosynth"
"""Folder of labels, masks, manifests and pictures."""

SUFFIXES: Final = {
    Contrast.T1N: "T1w",
    Contrast.T1C: "ce-gadolinium_T1w",
    Contrast.T2W: "T2w",
    Contrast.T2F: "FLAIR",
}
"""Entities and suffix of each contrast."""

SEQUENCES: Final = {
    Family.SPIN_ECHO: ("SE", "SK", "Spin echo"),
    Family.SPOILED_GRADIENT: ("GR", "SP", "Spoiled gradient echo"),
    Family.MPRAGE: ("GR_IR", "MP", "MPRAGE"),
    Family.INVERSION_SPIN_ECHO: ("SE_IR", "SK", "Inversion recovery spin echo"),
}
"""DICOM's ScanningSequence and SequenceVariant, and BIDS's PulseSequenceType, of each family."""

TUMOUR: Final = "tumour"
"""Description entity of the tumour's labels."""

TISSUE: Final = "tissue"
"""Description entity of the tissue labels."""


def subject_of(index: int) -> str:
    """Returns the subject of a case: ``"sub-0001"`` for index 0."""
    return f"sub-{index + 1:04d}"


def image_path(subject: str, contrast: Contrast, extension: str) -> str:
    """Returns the path of one contrast or its sidecar, from the data set's root."""
    return f"{subject}/anat/{subject}_{SUFFIXES[contrast]}{extension}"


def segmentation_path(subject: str, description: str, extension: str) -> str:
    """Returns the path of a label map or its sidecar."""
    return f"{PIPELINE}/{subject}/anat/{subject}_desc-{description}_dseg{extension}"


def mask_path(subject: str, extension: str) -> str:
    """Returns the path of the brain mask or its sidecar."""
    return f"{PIPELINE}/{subject}/anat/{subject}_desc-brain_mask{extension}"


def panel_path(subject: str) -> str:
    """Returns the path of the case's picture."""
    return f"{PIPELINE}/{subject}/figures/{subject}_desc-panel_T1w.png"


def manifest_path(subject: str) -> str:
    """Returns the path of the case's manifest."""
    return f"{PIPELINE}/{subject}/{subject}_manifest.json"


def sidecar(
    contrast: Contrast, physics: Physics, acquisition: Acquisition, *, spacing_mm: tuple[float, float, float]
) -> dict[str, object]:
    """Returns the sidecar of one image.

    Args:
        contrast: Which one.
        physics: What was drawn.
        acquisition: How the contrast was acquired.
        spacing_mm: Voxel edges of the image.
    """
    protocol = physics.protocols[CONTRASTS.index(contrast)]
    thick_axis, thick_mm = _slices(acquisition, spacing_mm)
    content: dict[str, object] = {
        "Modality": "MR",
        "MagneticFieldStrength": physics.field_tesla,
        **_timing(protocol),
        "MRAcquisitionType": "3D" if protocol.family in (Family.MPRAGE, Family.SPOILED_GRADIENT) else "2D",
        "SliceThickness": round(thick_mm, 3),
        "SliceEncodingDirection": thick_axis,
        "SkullStripped": True,
        "GliosynthSynthetic": True,
        "GliosynthDescription": "Simulated by signal equations; no scanner and no patient was involved.",
        "GliosynthSequenceFamily": protocol.family.value,
    }
    if contrast is Contrast.T1C:
        content["ContrastBolusIngredient"] = "GADOLINIUM"
        content["GliosynthRelaxivity"] = {"r1": round(physics.r1_agent, 4), "r2": round(physics.r2_agent, 4)}
    return content


def painted_sidecar(
    contrast: Contrast, network: NetworkIdentity, *, spacing_mm: tuple[float, float, float]
) -> dict[str, object]:
    """Returns the sidecar of an image that a network painted: no sequence made it, so it names none.

    Args:
        contrast: Which one.
        network: Who painted it.
        spacing_mm: Voxel edges of the image.
    """
    content: dict[str, object] = {
        "Modality": "MR",
        "SliceThickness": round(spacing_mm[2], 3),
        "SkullStripped": True,
        "GliosynthSynthetic": True,
        "GliosynthDescription": "Painted by a network from a map of a simulated head; no scanner was involved.",
        "GliosynthNetwork": network.text,
        "GliosynthNetworkTrainedOn": network.trained_on,
    }
    if contrast is Contrast.T1C:
        content["ContrastBolusIngredient"] = "GADOLINIUM"
    return content


def label_table(values: tuple[tuple[int, str, str], ...]) -> bytes:
    """Returns a ``dseg.tsv``: index, name and abbreviation of every label.

    Args:
        values: ``(index, name, abbreviation)`` of each label.
    """
    rows = ["index\tname\tabbreviation", *(f"{index}\t{name}\t{short}" for index, name, short in values)]
    return ("\n".join(rows) + "\n").encode()


def _timing(protocol: Protocol) -> dict[str, object]:
    """Returns the protocol's fields, in seconds and degrees."""
    scanning, variant, kind = SEQUENCES[protocol.family]
    fields: dict[str, object] = {
        "ScanningSequence": scanning,
        "SequenceVariant": variant,
        "PulseSequenceType": kind,
        "RepetitionTime": _seconds(protocol.repetition_ms),
        "EchoTime": _seconds(protocol.echo_ms),
        "FlipAngle": round(protocol.flip_deg, 3),
    }
    if protocol.inversion_ms > 0.0:
        fields["InversionTime"] = _seconds(protocol.inversion_ms)
    return fields


def _seconds(milliseconds: float) -> float:
    """Returns milliseconds as seconds, to the microsecond."""
    return round(milliseconds / 1000.0, 6)


def _slices(acquisition: Acquisition, spacing_mm: tuple[float, float, float]) -> tuple[str, float]:
    """Returns the slice axis ("i", "j" or "k") and the slice thickness in mm."""
    thick = [max(slice_mm, edge) for slice_mm, edge in zip(acquisition.slice_mm, spacing_mm, strict=True)]
    axis = max(range(3), key=lambda one: (acquisition.slice_mm[one], one == 2))
    return "ijk"[axis], thick[axis]
