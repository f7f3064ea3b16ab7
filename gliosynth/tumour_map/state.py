"""A tumour map while it is edited."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import bounding_box, centroid_mm, crop, crop_affine, uncrop
from gliosynth.labels import LabelMap, Mask
from gliosynth.tumour_map.movement import Moved, Path, move
from gliosynth.tumour_map.signed_distance import Fields, fields_of, voxel_ml_of
from gliosynth.tumour_map.surroundings import Surroundings


@dataclass(frozen=True, eq=False)
class State:
    """A tumour, the head it is in, and the movements under way.

    Attributes:
        labels: ``(X, Y, Z)`` uint8: the tumour map as it stands, cut off at the brain.
        around: The head.
        room: ``(X, Y, Z)`` bool: where the tumour may lie: the head's room, and the part of its brain where the tumour
            lay at first.
        path: The movements under way.
        whole: The tumour at their end, nothing cut off.
        fields: The tumour before them; None as long as there is none.
        clipped_ml: What is cut off of it, ml.
        lost_ml: What earlier movements cut off for good, ml.
    """

    labels: LabelMap
    around: Surroundings
    room: Mask
    path: Path
    whole: Moved
    fields: Fields | None = None
    clipped_ml: float = 0.0
    lost_ml: float = 0.0

    @classmethod
    def at_rest(cls, labels: LabelMap, around: Surroundings, room: Mask, *, lost_ml: float = 0.0) -> Self:
        """Returns a tumour with no movement under way.

        Args:
            labels: ``(X, Y, Z)``, not empty.
            around: The head.
            room: Where the tumour may lie.
            lost_ml: What was cut off before.
        """
        box = bounding_box(labels != 0)
        whole = Moved(crop(labels, box), box)
        path = Path(centroid_mm(whole.labels != 0, crop_affine(around.grid.affine, box)))
        return cls(labels, around, room, path, whole, lost_ml=lost_ml)

    def going(self, path: Path) -> Self:
        """Returns the tumour at the end of a movement, cut off at the brain.

        Args:
            path: All movements under way.

        Raises:
            InvalidParameterError: NOTHING_LEFT or OUTSIDE_BRAIN.
        """
        fields = self.fields if self.fields is not None else fields_of(self.labels, self.around.grid)
        whole = move(fields, path, self.around.grid)
        inside = np.where(crop(self.room, whole.box), whole.labels, np.uint8(0))
        left, all_of_it = int(np.count_nonzero(inside)), int(np.count_nonzero(whole.labels))
        if not left:
            raise _nothing_left(path, bool(all_of_it), bounded=self.around.is_bounded)
        labels = uncrop(inside, whole.box, self.around.grid.shape)
        clipped_ml = (all_of_it - left) * voxel_ml_of(self.around.grid)
        return replace(self, labels=labels, path=path, whole=whole, fields=fields, clipped_ml=clipped_ml)

    def into(self, around: Surroundings) -> Self:
        """Returns the same movements under way in another head; `going` comes next."""
        fields = self.fields if self.fields is not None else fields_of(self.labels, self.around.grid)
        return replace(self, around=around, room=around.room, fields=fields)

    def rebuilt(self, labels: LabelMap) -> Self:
        """Returns the tumour with other labels; the movements before are done for good."""
        return type(self).at_rest(labels, self.around, self.room, lost_ml=self.lost_ml + self.clipped_ml)

    @property
    def inside_share(self) -> float:
        """Share of the tumour's volume, nothing cut off, that lies in the room."""
        return int(np.count_nonzero(self.labels)) / max(int(np.count_nonzero(self.whole.labels)), 1)


def _nothing_left(path: Path, has_voxels: bool, *, bounded: bool) -> InvalidParameterError:
    where = ", ".join(f"{value:.0f}" for value in path.centroid_mm)
    if not has_voxels:
        return InvalidParameterError(
            "factor: the tumour would be smaller than a voxel; scale it less", field="factor", reason="NOTHING_LEFT"
        )
    limit = "the brain" if bounded else "the grid"
    return InvalidParameterError(
        f"edit: the whole tumour would lie outside {limit}, its centre at ({where}) mm; move it less",
        field="edit",
        got=f"({where})",
        reason="OUTSIDE_BRAIN",
    )
