"""The sections of a cohort spec: anatomies, tumour, scanner, grid and formats.

A field that is absent (None) leaves the simulator's own draw as it is. Every number is bounded; ranges are
``[lowest, highest]``; shares are probabilities from 0 to 1.
"""

from enum import StrEnum
from typing import Annotated, Final, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic import model_validator as check_model

from gliosynth.anatomy import Tissue, anatomy_names
from gliosynth.cohort.section import Section, Share, ordered
from gliosynth.contrast.sequences import Family
from gliosynth.tumour.settings import Family as Shape
from gliosynth.tumour.settings import Growth, Hemisphere

NameT = TypeVar("NameT", bound=StrEnum)

LARGEST_LABEL: Final = 65535
"""Largest value in an own label map."""

FEWEST_VOXELS: Final = 24
"""Fewest voxels along an axis of the grid."""

MOST_VOXELS: Final = 320
"""Most voxels along an axis of the grid."""

MOST_GRID_VOXELS: Final = 256**3
"""Most voxels of the grid; a worker then needs about 3 GB."""

SMALLEST_EXTENT_MM: Final = 128.0
"""Least extent of the grid along an axis in mm; brains are 125 to 185 mm long."""

LARGEST_EXTENT_MM: Final = 320.0
"""Largest extent of the grid along an axis in mm."""


def _known_field(tesla: float) -> float:
    """Returns a field strength that relaxation constants are known for, or refuses it."""
    if tesla not in (1.5, 3.0):
        raise ValueError("must be 1.5 or 3.0")
    return tesla


def _some_weight(weights: dict[NameT, float]) -> dict[NameT, float]:
    """Returns relative frequencies, or refuses ones that are all 0."""
    if not sum(weights.values()) > 0.0:
        raise ValueError("must have one frequency at least above 0")
    return weights


def tissue_name(tissue: Tissue) -> str:
    """Returns the name of a tissue in a spec: ``"white-matter"``."""
    return tissue.name.lower().replace("_", "-")


TISSUE_NAMES: Final = tuple(tissue_name(tissue) for tissue in Tissue)
"""Names of all tissues that a label can be mapped to."""


def _named_tissue(name: object) -> Tissue:
    """Returns the tissue of a name."""
    if isinstance(name, str) and name in TISSUE_NAMES:
        return Tissue(TISSUE_NAMES.index(name))
    raise ValueError(f"must be one of {', '.join(TISSUE_NAMES)}")


TissueField = Annotated[
    Tissue,
    BeforeValidator(_named_tissue),
    PlainSerializer(tissue_name, return_type=str),
    WithJsonSchema({"type": "string", "enum": list(TISSUE_NAMES)}),
]
"""A tissue, written by its name."""


SliceRange = Annotated[
    tuple[Annotated[float, Field(ge=1.0, le=8.0)], Annotated[float, Field(ge=1.0, le=8.0)]], AfterValidator(ordered)
]
"""Lowest and highest slice spacing, mm."""

NoiseRange = Annotated[
    tuple[Annotated[float, Field(ge=0.0, le=0.2)], Annotated[float, Field(ge=0.0, le=0.2)]], AfterValidator(ordered)
]
"""Lowest and highest noise, relative to white matter."""

BiasRange = Annotated[
    tuple[Annotated[float, Field(ge=0.0, le=0.6)], Annotated[float, Field(ge=0.0, le=0.6)]], AfterValidator(ordered)
]
"""Lowest and highest standard deviation of the logarithm of a bias field."""

RelaxivityRange = Annotated[
    tuple[Annotated[float, Field(ge=1.0, le=20.0)], Annotated[float, Field(ge=1.0, le=20.0)]], AfterValidator(ordered)
]
"""Lowest and highest longitudinal relaxivity, l/(mmol s)."""

Weight = Annotated[float, Field(ge=0.0, le=1e6)]
"""A relative frequency."""

FieldTesla = Annotated[float, AfterValidator(_known_field), WithJsonSchema({"type": "number", "enum": [1.5, 3.0]})]
"""A field strength, T."""

BuiltInName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
"""Name of an anatomy that ships with gliosynth."""

AxisVoxels = Annotated[int, Field(ge=FEWEST_VOXELS, le=MOST_VOXELS)]
"""Voxels along one axis."""

EdgeMm = Annotated[float, Field(ge=0.5, le=6.0)]
"""Edge of a voxel, mm."""


class OwnAnatomy(Section):
    """A label map of your own, uploaded before, as the anatomy of tumour-free tissue."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """Identifier of the uploaded label map; it names the donor in the data set."""
    labels: Annotated[
        dict[Annotated[int, Field(ge=0, le=LARGEST_LABEL)], TissueField], Field(min_length=1, max_length=512)
    ]
    """Tissue of every value that occurs in the map. Extraventricular fluid is ``outer-csf``: what lies between gyri
    is told apart by itself. 0 is background unless you say otherwise."""


class Anatomies(Section):
    """Whose heads the cases are made from; each case takes one at random."""

    built_in: Annotated[tuple[BuiltInName, ...], Field(max_length=64)] | None = None
    """Names of anatomies that ship with gliosynth. Absent: all of them, or none where `own` names some."""
    own: Annotated[tuple[OwnAnatomy, ...], Field(max_length=64)] = ()
    """Label maps of your own."""

    @check_model(mode="after")
    def _check(self) -> Self:
        names = [*(self.built_in or ()), *(anatomy.id for anatomy in self.own)]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"must name each anatomy once, {', '.join(repeated)} comes again")
        unknown = [name for name in self.built_in or () if name not in anatomy_names()]
        if unknown:
            raise ValueError(
                f"must name anatomies that ship with gliosynth, {', '.join(unknown)} does not;"
                f" choose among {', '.join(anatomy_names())}"
            )
        if self.built_in is not None and not names:
            raise ValueError("must name at least one anatomy")
        return self


class TumourVolume(Section):
    """A log-normal distribution of volumes between two bounds.

    With the small tumours beside it, the defaults come close to BraTS 2021 (n = 1251: mean 96, median 89 ml).
    """

    median: Annotated[float, Field(ge=1.0, le=250.0)] = 92.0
    """Median, ml."""
    log_sd: Annotated[float, Field(ge=0.05, le=1.5)] = 0.55
    """Standard deviation of the natural logarithm."""
    smallest: Annotated[float, Field(ge=0.5, le=250.0)] = 1.0
    """Cases below are drawn again, ml."""
    largest: Annotated[float, Field(ge=1.0, le=400.0)] = 300.0
    """Cases above are drawn again, ml."""

    @check_model(mode="after")
    def _check(self) -> Self:
        if not self.smallest <= self.median <= self.largest:
            raise ValueError("must have smallest <= median <= largest")
        return self


class TumourSection(Section):
    """Distributions that tumours are drawn from."""

    free_share: Share = 0.0
    """Cases without any tumour."""
    growth: Annotated[dict[Growth, Weight], Field(min_length=1), AfterValidator(_some_weight)] | None = None
    """Relative frequency of each kind of growth; kinds that are left out do not occur."""
    shapes: Annotated[dict[Shape, Weight], Field(min_length=1), AfterValidator(_some_weight)] | None = None
    """Relative frequency of where shapes come from; those that are left out do not occur."""
    volume_ml: TumourVolume = TumourVolume()
    """Distribution of the whole tumour's volume."""
    small_share: Share = 0.08
    """Cases of 3 to 15 ml beside that distribution."""
    hemisphere: Hemisphere = Hemisphere.EITHER
    """Where tumours start."""
    butterfly_share: Share | None = None
    """Tumours that grow through the corpus callosum to the other hemisphere."""
    satellite_share: Share | None = None
    """Tumours with satellite foci."""
    cystic_share: Share | None = None
    """Cores filled with fluid like CSF."""
    haemorrhage_share: Share | None = None
    """Cores with haemorrhage."""
    faint_oedema_share: Share | None = None
    """Tumours whose oedema is barely brighter than grey matter."""


class ScannerPreset(StrEnum):
    """Scanners to begin with; the other fields change them."""

    MIXED = "mixed"
    """1.5 and 3 T, all sequence families, some contrasts in thick slices."""
    FIELD_1_5_T = "1.5t"
    """The same at 1.5 T."""
    FIELD_3_T = "3t"
    """The same at 3 T."""
    SPIN_ECHO_2D = "2d-spin-echo"
    """Thick slices, spin echo and T1-FLAIR."""
    GRADIENT_ECHO_3D = "3d-gradient-echo"
    """Thin slices at 3 T, MPRAGE and SPGR, the same before and after gadolinium."""


class ScannerSection(Section):
    """Distributions that scanners and their sequences are drawn from."""

    preset: ScannerPreset = ScannerPreset.MIXED
    """Scanners to begin with."""

    field_strengths_tesla: Annotated[tuple[FieldTesla, ...], Field(min_length=1, max_length=20)] | None = None
    """Field strengths, 1.5 or 3 T, each as likely; name one twice to weight it."""
    t1_families: Annotated[dict[Family, Weight], Field(min_length=1), AfterValidator(_some_weight)] | None = None
    """Relative frequency of the T1-weighted images' sequence families: spin echo (SE), spoiled gradient echo (SPGR),
    MPRAGE and T1-FLAIR (IR-TSE)."""
    repeated_t1_share: Share | None = None
    """Cases whose T1 is repeated with the same protocol after gadolinium."""
    relaxivity: RelaxivityRange | None = None
    """Longitudinal relaxivity of the contrast agent, l/(mmol s)."""
    thick_slice_share: Share | None = None
    """Contrasts acquired in thick slices."""
    slice_mm: SliceRange | None = None
    """Spacing of those slices, mm."""
    noise: NoiseRange | None = None
    """Standard deviation of the noise relative to white matter."""
    bias: BiasRange | None = None
    """Standard deviation of the logarithm of the bias field."""
    strong_agent_share: Share | None = None
    """Enhancing tumours that enhance strongly."""


class GridSection(Section):
    """The grid of every image; axes point right, anterior and superior."""

    shape: tuple[AxisVoxels, AxisVoxels, AxisVoxels] = (160, 192, 160)
    """Voxels to the right, anterior and superior."""
    spacing_mm: tuple[EdgeMm, EdgeMm, EdgeMm] = (1.0, 1.0, 1.0)
    """Voxel edges, mm."""

    @property
    def voxel_count(self) -> int:
        """Voxels of one image."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @check_model(mode="after")
    def _check(self) -> Self:
        if self.voxel_count > MOST_GRID_VOXELS:
            raise ValueError(f"must have at most {MOST_GRID_VOXELS} voxels, these are {self.voxel_count}")
        extents_mm = [size * edge for size, edge in zip(self.shape, self.spacing_mm, strict=True)]
        if not all(SMALLEST_EXTENT_MM <= extent <= LARGEST_EXTENT_MM for extent in extents_mm):
            raise ValueError(
                f"must be {SMALLEST_EXTENT_MM:g} to {LARGEST_EXTENT_MM:g} mm wide along each axis (shape times"
                f" spacing_mm), these are {', '.join(f'{extent:g}' for extent in extents_mm)} mm"
            )
        return self


class ImageFormat(StrEnum):
    """How the voxels of the images are stored."""

    INT16 = "int16"
    """White matter about 1000; half the bytes."""
    FLOAT32 = "float32"
    """White matter about 1, as simulated."""


class Formats(Section):
    """Formats of the files."""

    image: ImageFormat = ImageFormat.INT16
    """Voxels of the four contrasts."""
