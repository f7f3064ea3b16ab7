"""Settings of the simulator and its named presets.

Ranges are `Range` (uniform draw), probabilities end in ``_share``. The values of `TRAINING` are METHODS.md C.3 to C.6
with the advice of PROTOTYPE.md 9. The shifted presets change what a network could overfit to, so that a checkpoint
chosen on the worst of them has not been chosen by its own training images.
"""

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Self

from gliosynth.errors import InvalidParameterError
from gliosynth.ranges import Range
from gliosynth.tumour.settings import COHORT_TUMOURS, DeformationSettings, GridSettings, TumourSettings


@dataclass(frozen=True)
class PhysicsSettings:
    """How contrast arises."""

    textbook: bool = False
    """Use the centre of each prior, without spread, and textbook T2 of tumour parts."""
    field_strengths_tesla: tuple[float, ...] = (1.5, 3.0)
    """Scanners of the cohort, each as likely: 1.5 and 3 T; name one twice to weight it."""
    t1_family_shares: tuple[float, float, float, float] = (0.46, 0.18, 0.18, 0.18)
    """How often T1-weighted images are spin echo, spoiled gradient echo, MPRAGE and T1-FLAIR; sum 1."""
    repeated_t1_share: float = 0.7
    """Cases whose T1 is repeated with the same protocol after gadolinium."""
    relaxivity: Range = (3.0, 5.0)
    """Longitudinal relaxivity of the gadolinium agent, l/(mmol s): the agent's strength."""
    mixture_share: float = 0.12
    """Cases whose signals are a Gaussian mixture about measured ratios, without physics (METHODS.md C.1, line 3)."""
    signal_jitter_share: float = 0.25
    """Cases whose tissue signals are multiplied by independent random factors."""
    signal_jitter: float = 0.12
    """Standard deviation of the logarithm of those factors."""
    flat_contrast_share: float = 0.45
    """Cases whose grey matter is moved towards white matter."""
    texture: float = 1.0
    """Multiplies all textures; 0 makes every tissue flat."""
    texture_by_contrast: tuple[float, float, float, float] = (0.7, 0.7, 1.3, 1.6)
    """Factors on the healthy tissue's fine texture in t1n, t1c, t2w, t2f."""
    strong_agent_share: float = 0.45
    """Enhancing tumours that are 1.4 to 2.1 times as bright as white matter in T1c instead of 1.08 to 1.4 times."""


@dataclass(frozen=True)
class AcquisitionSettings:
    """What the scanner and the pipeline do to each contrast."""

    thick_share: float = 0.35
    """Contrasts acquired in thick slices."""
    slice_mm: Range = (3.0, 5.0)
    """Slice spacing of those, mm."""
    psf_mm: Range = (0.35, 0.7)
    """Sigma of the point spread, mm."""
    shift_mm: float = 0.5
    """Standard deviation of the misregistration per axis, mm."""
    noise: Range = (0.008, 0.04)
    """Standard deviation of the noise relative to white matter."""
    noise_by_contrast: tuple[float, float, float, float] = (0.75, 1.0, 1.6, 2.0)
    """Factors on it for t1n, t1c, t2w, t2f: T2-weighted images of gliomas are the noisier ones."""
    bias: Range = (0.02, 0.12)
    """Standard deviation of the logarithm of the bias field."""
    gamma_share: float = 0.3
    gamma: float = 0.15
    """Standard deviation of the logarithm of gamma."""
    mask_error_mm: float = 0.5
    """Standard deviation of the brain mask's border error, mm."""

    def of(self, contrast: int) -> Self:
        """Returns the settings of one contrast, 0 to 3 for t1n, t1c, t2w, t2f: the noise scaled to it."""
        factor = self.noise_by_contrast[contrast]
        return replace(self, noise=(factor * self.noise[0], factor * self.noise[1]))


@dataclass(frozen=True)
class NegativeSettings:
    """Bright things that are no tumour (METHODS.md C.1, line 6)."""

    vessel_share: float = 0.85
    """Cases with enhancing vessels in the sulci."""
    vein_share: float = 0.5
    """Cases with thin veins and perivascular spaces in white matter."""
    falx_share: float = 0.7
    """Cases whose falx enhances."""
    gland_share: float = 0.8
    """Cases whose pituitary and its stalk enhance."""
    cap_share: float = 0.5
    """Cases with FLAIR-bright periventricular caps."""
    halo_share: float = 0.4
    """Cases whose white matter is slightly brighter around the ventricles, widely."""
    lesion_share: float = 0.35
    """Cases with small white-matter lesions."""
    bright_csf_share: float = 0.1
    """Cases whose CSF is not suppressed in FLAIR."""


@dataclass(frozen=True)
class SimulatorSettings:
    """Everything that `gliosynth.contrast.simulate.simulate_case` draws from."""

    name: str = "training"
    grid: GridSettings = field(default_factory=GridSettings)
    deformation: DeformationSettings = field(default_factory=DeformationSettings)
    tumour: TumourSettings = field(default_factory=TumourSettings)
    physics: PhysicsSettings = field(default_factory=PhysicsSettings)
    acquisition: AcquisitionSettings = field(default_factory=AcquisitionSettings)
    negatives: NegativeSettings = field(default_factory=NegativeSettings)


TRAINING: Final = SimulatorSettings()
"""The stream that segmenters are trained on."""

_TUMOUR = replace(TRAINING.tumour, free_share=0.0)

HARD_EDGES: Final = replace(
    TRAINING,
    name="hard-edges",
    tumour=replace(
        _TUMOUR,
        irregularity=(0.0, 0.02),
        white_matter_preference=(0.0, 0.0),
        oedema_edge_mm=(0.3, 0.4),
        core_edge_mm=(0.3, 0.4),
        label_margin_mm=(0.0, 0.0),
        family_shares=(0.0, 1.0, 0.0),
        spared_cortex_share=0.0,
        nodularity=(0.0, 0.0),
    ),
    physics=replace(TRAINING.physics, texture=0.0, signal_jitter_share=1.0, signal_jitter=0.15),
)
"""Plain ellipsoids with hard edges, no texture, jittered signals."""

FAINT_OEDEMA: Final = replace(TRAINING, name="faint-oedema", tumour=replace(_TUMOUR, faint_oedema_share=1.0))
"""Oedema barely brighter than grey matter."""

CYSTIC: Final = replace(
    TRAINING, name="cystic", tumour=replace(_TUMOUR, cystic_share=1.0, growth_shares=(0.6, 0.0, 0.1, 0.3, 0.0))
)
"""Cores filled with CSF-like fluid, dark in FLAIR."""

OTHER_PHYSICS: Final = replace(
    TRAINING,
    name="other-physics",
    tumour=_TUMOUR,
    physics=replace(TRAINING.physics, textbook=True, signal_jitter_share=1.0, signal_jitter=0.2),
)
"""Textbook relaxation times and signals jittered per tissue (a Gaussian-mixture contrast)."""

THICK_SLICES: Final = replace(
    TRAINING,
    name="thick-slices",
    tumour=_TUMOUR,
    acquisition=replace(TRAINING.acquisition, thick_share=1.0, slice_mm=(5.0, 6.5), shift_mm=0.8),
)
"""Every contrast in thick slices."""

TUMOUR_FREE: Final = replace(TRAINING, name="tumour-free", tumour=replace(TRAINING.tumour, free_share=1.0))
"""No tumour at all: for false positives."""

COHORT: Final = replace(
    TRAINING,
    name="cohort",
    tumour=COHORT_TUMOURS,
    physics=replace(TRAINING.physics, signal_jitter_share=0.0, mixture_share=0.0),
    acquisition=replace(TRAINING.acquisition, noise=(0.008, 0.03), gamma_share=0.0),
)
"""Data sets to give away: physical contrast alone, no gamma, less noise, all families of tumours."""

_THICK_2D: Final = replace(COHORT.acquisition, thick_share=0.8, slice_mm=(4.0, 6.0))
_THIN_3D: Final = replace(COHORT.acquisition, thick_share=0.0, psf_mm=(0.35, 0.6))

SCANNERS: Final = MappingProxyType(
    {
        "mixed": COHORT,
        "1.5t": replace(COHORT, name="1.5t", physics=replace(COHORT.physics, field_strengths_tesla=(1.5,))),
        "3t": replace(COHORT, name="3t", physics=replace(COHORT.physics, field_strengths_tesla=(3.0,))),
        "2d-spin-echo": replace(
            COHORT,
            name="2d-spin-echo",
            physics=replace(COHORT.physics, t1_family_shares=(0.8, 0.0, 0.0, 0.2)),
            acquisition=_THICK_2D,
        ),
        "3d-gradient-echo": replace(
            COHORT,
            name="3d-gradient-echo",
            physics=replace(
                COHORT.physics,
                field_strengths_tesla=(3.0,),
                t1_family_shares=(0.0, 0.4, 0.6, 0.0),
                repeated_t1_share=1.0,
            ),
            acquisition=_THIN_3D,
        ),
    }
)
"""Scanner presets of a cohort by name: field strength, T1 sequence families and slices; all else is `COHORT`'s."""

PRESETS: Final = MappingProxyType(
    {
        preset.name: preset
        for preset in (TRAINING, COHORT, HARD_EDGES, FAINT_OEDEMA, CYSTIC, OTHER_PHYSICS, THICK_SLICES, TUMOUR_FREE)
    }
)
"""All presets by name."""

SHIFTED: Final = (HARD_EDGES, FAINT_OEDEMA, CYSTIC, OTHER_PHYSICS, THICK_SLICES)
"""The validation presets with tumours; the worst of them decides."""


def preset(name: str) -> SimulatorSettings:
    """Returns a named preset.

    Raises:
        InvalidParameterError: No such preset.
    """
    if name not in PRESETS:
        raise InvalidParameterError(
            f"there is no simulator preset {name!r}; choose one of {', '.join(PRESETS)}", field="preset", got=name
        )
    return PRESETS[name]
