"""Words for places: lobes, hemispheres, and planes of symmetry."""

from enum import StrEnum


class Lobe(StrEnum):
    """The places that a tumour can be sent to, see `gliosynth.tumour_map.lobes`."""

    FRONTAL = "frontal"
    PARIETAL = "parietal"
    TEMPORAL = "temporal"
    OCCIPITAL = "occipital"
    INSULA = "insula"
    DEEP = "deep"
    """Basal ganglia, thalamus and the white matter between them."""


class Side(StrEnum):
    """A hemisphere, the patient's own."""

    LEFT = "left"
    RIGHT = "right"


class MirrorPlane(StrEnum):
    """The plane that a tumour is mirrored across."""

    MIDLINE = "midline"
    """Between the hemispheres: the tumour changes sides."""
    SAGITTAL = "sagittal"
    """Through the tumour's centroid: left and right of the tumour change places."""
    CORONAL = "coronal"
    """Through the centroid: front and back change places."""
    AXIAL = "axial"
    """Through the centroid: top and bottom change places."""
