"""What a random edit draws."""

import numpy as np

from gliosynth.tumour_map.edits import Mirror, Movement, RandomEdit, Rotate, Scale, Translate
from gliosynth.tumour_map.places import MirrorPlane


def draw_movements(edit: RandomEdit, rng: np.random.Generator) -> tuple[Movement, ...]:
    """Returns one draw of a random edit: rotation, scale, flips and shift, in this order; all of them are done.

    Args:
        edit: The ranges.
        rng: Random generator; every draw takes the same number of values from it.
    """
    degrees = float(rng.uniform(-edit.rotation_deg, edit.rotation_deg))
    factor = float(rng.uniform(edit.smallest_scale, edit.largest_scale))
    flips = rng.random(2) < 0.5
    right_mm, anterior_mm = (float(value) for value in rng.uniform(-edit.shift_mm, edit.shift_mm, 2))
    superior_mm = float(rng.uniform(-edit.dz_mm, edit.dz_mm))
    planes = (MirrorPlane.MIDLINE, MirrorPlane.CORONAL)
    mirrors = [Mirror(plane) for plane, flipped in zip(planes, flips, strict=True) if flipped and edit.flips]
    return (Rotate(degrees), Scale(factor), *mirrors, Translate(right_mm, anterior_mm, superior_mm))
