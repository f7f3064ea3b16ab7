"""What cohorts are compared with: seven real gliomas in numbers, published figures, and the donors' geometry.

The data files beside this module are made by ``python -m training.measure_reference``; ``REFERENCE-NOTICE`` says where
the numbers come from and under which licence. They hold measurements, no voxels.
"""

from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=1)
def load_frame() -> NDArray[np.float64]:
    """Returns the landmarks of the common frame, ``(26, 3)`` mm, read-only."""
    with np.load(BytesIO(files("gliosynth.cohort").joinpath("donor_geometry.npz").read_bytes())) as stored:
        frame: NDArray[np.float64] = stored["frame"]
    frame.setflags(write=False)
    return frame


@lru_cache(maxsize=1)
def load_donors() -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Returns the names of the built-in anatomies and their tissue maps in the common frame ``(N, *FRAME_SHAPE)``."""
    with np.load(BytesIO(files("gliosynth.cohort").joinpath("donor_geometry.npz").read_bytes())) as stored:
        names = tuple(str(name) for name in stored["names"])
        maps: NDArray[np.uint8] = stored["maps"]
    maps.setflags(write=False)
    return names, maps
