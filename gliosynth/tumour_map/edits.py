"""The edits of a tumour map, as data: what to do, never how.

Every edit is a frozen dataclass that checks its own numbers; a list of edits is a recipe, which
`gliosynth.tumour_map.recipe` reads from and writes to JSON. Directions are the patient's: right, anterior, superior, in
mm, whatever the grid.
"""

import math
from dataclasses import dataclass
from typing import Literal

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from gliosynth.tumour_map.edit_checks import LARGEST_SHIFT_MM, check_range, check_seed
from gliosynth.tumour_map.places import Lobe, MirrorPlane, Side


@dataclass(frozen=True)
class Translate:
    """Moves the tumour.

    Attributes:
        right_mm: Towards the patient's right, -500 to 500 mm; negative to the left.
        anterior_mm: Towards the face; negative backwards.
        superior_mm: Towards the vertex; negative downwards.
    """

    right_mm: float
    anterior_mm: float
    superior_mm: float
    edit: Literal["translate"] = "translate"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        for name in ("right_mm", "anterior_mm", "superior_mm"):
            check_range(name, getattr(self, name), -LARGEST_SHIFT_MM, LARGEST_SHIFT_MM)


@dataclass(frozen=True)
class Rotate:
    """Turns the tumour about an axis through its centroid, by the right-hand rule.

    Attributes:
        degrees: Angle, -360 to 360.
        axis_right: The axis' part towards the right. The axis is 0, 0, 1, upwards, where none is given.
        axis_anterior: Its part towards the face.
        axis_superior: Its part towards the vertex.
    """

    degrees: float
    axis_right: float = 0.0
    axis_anterior: float = 0.0
    axis_superior: float = 1.0
    edit: Literal["rotate"] = "rotate"

    def __post_init__(self) -> None:
        """Refuses what is out of range, and an axis without direction."""
        check_range("degrees", self.degrees, -360.0, 360.0)
        for name in ("axis_right", "axis_anterior", "axis_superior"):
            check_range(name, getattr(self, name), -1e3, 1e3)
        if math.hypot(self.axis_right, self.axis_anterior, self.axis_superior) < 1e-6:
            raise InvalidParameterError(
                "axis: 0 0 0 points nowhere; give a direction such as 0 0 1", field="axis", got="0 0 0"
            )


@dataclass(frozen=True)
class Scale:
    """Scales the tumour about its centroid.

    Attributes:
        factor: Of every length, .1 to 5; volumes change by its third power.
    """

    factor: float
    edit: Literal["scale"] = "scale"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        check_range("factor", self.factor, 0.1, 5.0)


@dataclass(frozen=True)
class Mirror:
    """Mirrors the tumour.

    Attributes:
        plane: Across which plane.
    """

    plane: MirrorPlane = MirrorPlane.MIDLINE
    edit: Literal["mirror"] = "mirror"


@dataclass(frozen=True)
class Deform:
    """Bends the tumour by a smooth random displacement; every region keeps its volume.

    Attributes:
        amount_mm: Standard deviation of the displacement along each direction, above 0 to 20 mm.
        seed: Of the displacement. The same seed bends alike on any grid.
        scale_mm: Distance over which the displacement changes, 4 to 60 mm, at least 2.5 times the amount: a stronger
            bend would fold the tumour.
    """

    amount_mm: float
    seed: int = 0
    scale_mm: float = 15.0
    edit: Literal["deform"] = "deform"

    def __post_init__(self) -> None:
        """Refuses what is out of range, and folds."""
        check_range("amount_mm", self.amount_mm, 0.01, 20.0)
        check_range("scale_mm", self.scale_mm, 4.0, 60.0)
        check_seed(self.seed)
        if self.scale_mm < 2.5 * self.amount_mm:
            raise InvalidParameterError(
                f"scale_mm: {self.scale_mm:g} is below 2.5 times amount_mm = {self.amount_mm:g}, so the tumour would"
                f" fold; give at least {2.5 * self.amount_mm:g}",
                field="scale_mm",
                got=f"{self.scale_mm:g}",
            )


@dataclass(frozen=True)
class Grow:
    """Moves the surface of one region outwards; regions around it give way, and grow along where they must.

    New voxels of TC take the label of the nearest one in it. Growth stops at the brain's border.

    Attributes:
        region: WT, TC or ET.
        mm: By how much, above 0 to 50 mm, at least the finest voxel edge.
    """

    region: Region
    mm: float
    edit: Literal["grow"] = "grow"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        check_range("mm", self.mm, 1e-3, 50.0)


@dataclass(frozen=True)
class Shrink:
    """Moves the surface of one region inwards, at most to the regions inside it.

    What leaves the region joins the one around it.

    Attributes:
        region: WT, TC or ET.
        mm: By how much, above 0 to 50 mm, at least the finest voxel edge.
    """

    region: Region
    mm: float
    edit: Literal["shrink"] = "shrink"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        check_range("mm", self.mm, 1e-3, 50.0)


@dataclass(frozen=True)
class Resize:
    """Grows or shrinks one region evenly until it has a volume.

    Attributes:
        region: WT, TC or ET.
        volume_ml: The volume, above 0 to 1000 ml; reached to one voxel.
    """

    region: Region
    volume_ml: float
    edit: Literal["resize"] = "resize"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        check_range("volume_ml", self.volume_ml, 1e-6, 1000.0)


@dataclass(frozen=True)
class ThickenRim:
    """Thickens the enhancing rim inwards, into the necrosis; the tumour core keeps its outline.

    Attributes:
        mm: By how much, above 0 to 50 mm, at least the finest voxel edge.
    """

    mm: float
    edit: Literal["thicken_rim"] = "thicken_rim"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        check_range("mm", self.mm, 1e-3, 50.0)


@dataclass(frozen=True)
class AddSatellite:
    """Adds a small lesion beside the tumour: an uneven ball, its inner part enhancing, oedema around it.

    Attributes:
        volume_ml: Its volume, above 0 to 50 ml.
        gap_mm: Healthy brain between both, 1 to 100 mm; farther away where there is no room.
        enhancing_share: Share of its volume that enhances, 0 to 1; the rest is oedema.
        seed: Of its direction and shape.
    """

    volume_ml: float
    gap_mm: float = 5.0
    enhancing_share: float = 0.5
    seed: int = 0
    edit: Literal["add_satellite"] = "add_satellite"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        check_range("volume_ml", self.volume_ml, 1e-6, 50.0)
        check_range("gap_mm", self.gap_mm, 1.0, 100.0)
        check_range("enhancing_share", self.enhancing_share, 0.0, 1.0)
        check_seed(self.seed)


@dataclass(frozen=True)
class Transplant:
    """Puts the tumour into another head, at the same place in proportion to the brain; its size in mm stays.

    Attributes:
        anatomy: Name of the head: a built-in one, ``head_01`` to ``head_20``, or one that was given under this name.
        fit: Whether the tumour is scaled as the brains are to each other.
    """

    anatomy: str
    fit: bool = False
    edit: Literal["transplant"] = "transplant"


@dataclass(frozen=True)
class Relocate:
    """Moves the tumour to where it fits best in a lobe; it keeps its orientation.

    Attributes:
        lobe: Where to.
        side: Of which hemisphere.
    """

    lobe: Lobe
    side: Side
    edit: Literal["relocate"] = "relocate"


@dataclass(frozen=True)
class RandomEdit:
    """Draws a rotation, a scale, flips and a shift, and does all of them (METHODS.md A.002, with its defects mended).

    There the rotation overwrote the shift, and the scale and the shift between slices were drawn but never used. The
    left-right flip is across the midline; the front-back flip is through the centroid, because a brain turned back to
    front is none. A draw that leaves too little of the tumour inside the brain is drawn again, at most 100 times.

    Attributes:
        seed: Of everything drawn.
        rotation_deg: Largest angle about the superior axis, 0 to 180; drawn from both signs.
        shift_mm: Largest shift to the right or left and forwards or backwards, 0 to 500 mm.
        dz_mm: Largest shift up or down, 0 to 500 mm.
        smallest_scale: Lower end of the scale, .1 to 5.
        largest_scale: Upper end, not below the lower.
        flips: Whether each flip happens in one of two draws, or never.
        smallest_inside: Share of the tumour's volume that must stay inside the brain, 0 to 1.
    """

    seed: int
    rotation_deg: float = 80.0
    shift_mm: float = 10.0
    dz_mm: float = 10.0
    smallest_scale: float = 0.7
    largest_scale: float = 1.3
    flips: bool = True
    smallest_inside: float = 0.9
    edit: Literal["random"] = "random"

    def __post_init__(self) -> None:
        """Refuses what is out of range."""
        check_seed(self.seed)
        check_range("rotation_deg", self.rotation_deg, 0.0, 180.0)
        check_range("shift_mm", self.shift_mm, 0.0, LARGEST_SHIFT_MM)
        check_range("dz_mm", self.dz_mm, 0.0, LARGEST_SHIFT_MM)
        check_range("smallest_scale", self.smallest_scale, 0.1, 5.0)
        check_range("largest_scale", self.largest_scale, self.smallest_scale, 5.0)
        check_range("smallest_inside", self.smallest_inside, 0.0, 1.0)


Movement = Translate | Rotate | Scale | Mirror | Deform
"""Edits that move every voxel of the tumour; several in a row are put together and resampled once."""

MovingEdit = Movement | Transplant | Relocate | RandomEdit
"""Edits that move the tumour, in one head or into another."""

Edit = MovingEdit | Grow | Shrink | Resize | ThickenRim | AddSatellite
"""Any edit."""
