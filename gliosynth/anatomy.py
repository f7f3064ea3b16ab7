"""Head anatomies: label maps of real heads, merged to the tissues that MR contrast tells apart.

The twenty maps in `gliosynth/anatomies/` derive from the training label maps of SynthSeg (Billot et al., Medical Image
Analysis 86:102789, 2023; Apache-2.0). `training/preparation/anatomies.py` makes them; `NOTICE` beside them says what it
changed.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from lzma import decompress
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from gliosynth.errors import InvalidParameterError
from gliosynth.volume import Affine

TissueMap = NDArray[np.uint8]
"""``(X, Y, Z)`` uint8, values of `Tissue`."""


class Tissue(IntEnum):
    """Tissues of the head. The order is part of the stored files: append, never renumber."""

    BACKGROUND = 0
    """Air, outside the head and in the sinuses."""
    WHITE_MATTER = 1
    CORTICAL_GREY = 2
    CAUDATE = 3
    """Caudate and accumbens."""
    PUTAMEN = 4
    PALLIDUM = 5
    THALAMUS = 6
    HIPPOCAMPUS = 7
    """Hippocampus and amygdala."""
    VENTRICLE = 8
    """CSF of the lateral, third, fourth and fifth ventricles."""
    SULCAL_CSF = 9
    """CSF inside the closed brain mask, away from cortex."""
    SULCUS_EDGE = 10
    """CSF voxels of a sulcus that touch cortex: on a scan a mixture of both."""
    OUTER_CSF = 11
    """CSF outside the closed brain mask; skull stripping removes it."""
    CHOROID_PLEXUS = 12
    WHITE_MATTER_LESION = 13
    """Periventricular white-matter hypointensity."""
    BRAINSTEM = 14
    """Brain-stem and ventral diencephalon."""
    CEREBELLAR_GREY = 15
    CEREBELLAR_WHITE = 16
    ARTERY = 17
    VEIN = 18
    """Dural sinuses and large veins."""
    DURA = 19
    """Outermost layer of CSF, next to bone."""
    CORTICAL_BONE = 20
    MARROW = 21
    SOFT_TISSUE = 22
    """Fat, muscle and neck."""
    SKIN = 23
    EYE = 24
    EYE_MUSCLE = 25
    MUCOSA = 26
    SPINAL_CORD = 27
    OPTIC_NERVE = 28
    """Optic nerve and chiasm."""


PARENCHYMA: Final = (
    Tissue.WHITE_MATTER,
    Tissue.CORTICAL_GREY,
    Tissue.CAUDATE,
    Tissue.PUTAMEN,
    Tissue.PALLIDUM,
    Tissue.THALAMUS,
    Tissue.HIPPOCAMPUS,
    Tissue.WHITE_MATTER_LESION,
    Tissue.BRAINSTEM,
    Tissue.CEREBELLAR_GREY,
    Tissue.CEREBELLAR_WHITE,
)
"""Tissues of the brain itself, without its fluid."""

BRAIN_CSF: Final = (Tissue.VENTRICLE, Tissue.SULCAL_CSF, Tissue.SULCUS_EDGE)
"""Fluid inside the brain mask."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """One head.

    Attributes:
        name: Stable name, ``"head_01"`` to ``"head_20"``.
        tissues: `TissueMap`, axes to the right, anterior and superior (RAS), 1 mm isotropic.
        brain: ``(X, Y, Z)`` bool: parenchyma, ventricles and the sulci between, closed by 4 mm, axial slices filled.
        affine: ``(4, 4)`` voxel index to RAS+ mm.
        midline: ``(3,)`` float64: the plane between the hemispheres, ``x = midline @ (1, y, z)`` in voxels.
        brain_centre: ``(3,)`` float64: middle of the brain mask's bounding box, voxels.
        brain_ml: Volume of the brain mask, ml.
    """

    name: str
    tissues: TissueMap
    brain: NDArray[np.bool_]
    affine: Affine
    midline: NDArray[np.float64]
    brain_centre: NDArray[np.float64]
    brain_ml: float


def anatomy_names() -> tuple[str, ...]:
    """Returns the names of the anatomies that ship with the library, sorted."""
    folder = files("gliosynth.anatomies")
    return tuple(
        sorted(entry.name.removesuffix(".npz.xz") for entry in folder.iterdir() if entry.name.endswith(".npz.xz"))
    )


@lru_cache(maxsize=32)
def load_anatomy(name: str) -> Anatomy:
    """Returns one anatomy; its arrays are read-only and shared between calls.

    Args:
        name: One of `anatomy_names`.

    Raises:
        InvalidParameterError: No such anatomy.
    """
    if name not in anatomy_names():
        raise InvalidParameterError(
            f"there is no anatomy {name!r}; choose one of {', '.join(anatomy_names())}", field="anatomy", got=name
        )
    packed = decompress(files("gliosynth.anatomies").joinpath(f"{name}.npz.xz").read_bytes())
    with np.load(BytesIO(packed)) as stored:
        tissues: TissueMap = stored["tissues"]
        bits = np.unpackbits(stored["brain"], count=tissues.size)
        affine = stored["affine"].astype(np.float64)
        midline = stored["midline"].astype(np.float64)
    stored_brain = bits.reshape(tissues.shape).astype(np.bool_)
    brain = _without_holes(stored_brain)
    tissues[brain & ~stored_brain & (tissues != Tissue.OPTIC_NERVE)] = Tissue.SULCAL_CSF
    centre = _box_centre(brain)
    for array in (tissues, brain, affine, midline, centre):
        array.setflags(write=False)
    return Anatomy(name, tissues, brain, affine, midline, centre, brain_ml=float(brain.sum()) / 1000.0)


def load_anatomies() -> tuple[Anatomy, ...]:
    """Returns all anatomies that ship with the library (about 10 MB of memory each)."""
    return tuple(load_anatomy(name) for name in anatomy_names())


def _without_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns a mask whose axial slices have no holes: wide fissures are no hole in the masks of real scans."""
    return np.stack([binary_fill_holes(mask[..., k]) for k in range(mask.shape[2])], axis=2)


def _box_centre(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns the middle of a mask's bounding box ``(3,)`` in voxels."""
    ends = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return np.array([(found[0] + found[-1]) / 2.0 for found in ends])
