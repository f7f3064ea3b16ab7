"""Tissue priors: proton density, T1 and T2 of head tissues and glioma parts at 1.5 T and 3 T, and gadolinium.

The ranges are METHODS.md C.3: textbook values (BrainWeb; Wansapura 1999; Stanisz 2005; Rooney 2007) moved to what
clinical spin-echo contrasts of gliomas show. T2 of oedema and tumour are *effective* values in sequence space: the
published 203-226 ms of oedema (Oh 2005) make simulated FLAIR far too bright.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from gliosynth.anatomy import Tissue
from gliosynth.ranges import Range


class Part(StrEnum):
    """Parts of a tumour that contrast tells apart (finer than the labels)."""

    ED = "ED"
    """Oedema and infiltration."""
    NET = "NET"
    """Solid, non-enhancing tumour."""
    ET = "ET"
    """Enhancing tumour."""
    NCR = "NCR"
    """Necrosis and cyst."""
    CYST = "CYST"
    """Fluid of a cyst or a cavity: nearly CSF."""
    BLOOD = "BLOOD"
    """Subacute haemorrhage: short T1 (methaemoglobin), short T2."""


@dataclass(frozen=True)
class TissuePrior:
    """Uniform ranges of one tissue.

    Attributes:
        density: Proton density relative to CSF.
        t1_low_field: T1 at 1.5 T, ms.
        t1_high_field: T1 at 3 T, ms.
        t2: Effective T2, ms (nearly independent of field).
    """

    density: Range
    t1_low_field: Range
    t1_high_field: Range
    t2: Range


@dataclass(frozen=True)
class Relaxation:
    """One draw of a tissue's constants.

    Attributes:
        density: Proton density relative to CSF.
        t1_ms: T1 in ms.
        t2_ms: T2 in ms.
    """

    density: float
    t1_ms: float
    t2_ms: float


WHITE: Final = TissuePrior((0.68, 0.73), (600, 690), (780, 950), (68, 82))
"""White matter: 660/825 ms T1 (GE), 656 (Rooney 1.5 T), 832/80 (Wansapura 3 T)."""

GREY: Final = TissuePrior((0.80, 0.84), (950, 1200), (1300, 1500), (78, 95))
"""Cortical grey matter: 1188 ms (Rooney 1.5 T), 1331/110 (Wansapura 3 T)."""

DEEP_GREY: Final = TissuePrior((0.78, 0.82), (850, 1050), (1050, 1250), (65, 80))
"""Deep grey matter: iron shortens T2."""

FLUID: Final = TissuePrior((1.0, 1.0), (3800, 4500), (3800, 4500), (1000, 2200))
"""Cerebrospinal fluid: 4270-4329 ms T1."""

MUSCLE: Final = TissuePrior((0.9, 1.0), (850, 950), (1300, 1450), (30, 47))
"""Muscle: 900/1400 ms T1, 30-47 ms T2 (C.3; BrainWeb 900/47)."""

FAT: Final = TissuePrior((0.95, 1.0), (250, 270), (350, 390), (60, 70))
"""Fat: 260/370 ms T1, 60-70 ms T2 (C.3; BrainWeb 350/70)."""

SKULL: Final = TissuePrior((0.03, 0.08), (230, 270), (230, 270), (4, 8))
"""Cortical bone: density .05, T1 250, T2 5 ms (C.3)."""

PUBLISHED_PART_PRIORS: Final[dict[Part, TissuePrior]] = {
    Part.ED: TissuePrior((0.78, 0.88), (900, 1300), (1100, 1600), (85, 140)),
    Part.NET: TissuePrior((0.82, 0.90), (1100, 1600), (1300, 1900), (100, 170)),
    Part.ET: TissuePrior((0.82, 0.88), (1100, 1600), (1300, 1900), (95, 150)),
    Part.NCR: TissuePrior((0.86, 0.96), (1300, 2200), (1500, 2600), (120, 300)),
}
"""Priors of tumour parts as C.3 prints them: MR fingerprinting and spin echo of gliomas, in sequence space."""

PART_PRIORS: Final[dict[Part, TissuePrior]] = {
    Part.ED: TissuePrior((0.79, 0.89), (900, 1300), (1100, 1600), (103, 168)),
    Part.NET: TissuePrior((0.82, 0.90), (1200, 2050), (1400, 2500), (102, 200)),
    Part.ET: TissuePrior((0.82, 0.88), (950, 1450), (1150, 1750), (92, 180)),
    Part.NCR: TissuePrior((0.86, 0.96), (1400, 2800), (1600, 3200), (130, 350)),
    Part.CYST: TissuePrior((0.94, 1.0), (2300, 3800), (2500, 4000), (350, 1200)),
    Part.BLOOD: TissuePrior((0.78, 0.90), (420, 800), (550, 1000), (40, 110)),
}
"""Priors of tumour parts that are drawn: `PUBLISHED_PART_PRIORS`, T2 reaching 10 to 25 % and core T1 20 % higher,
which gives the medians of real regions once routine protocols' contrast is flat
(`training/preparation/montage.py` prints both), and ET T1 nearer grey matter (PROTOTYPE.md 9.3)."""

GREY_TISSUES: Final = (
    Tissue.CORTICAL_GREY,
    Tissue.CAUDATE,
    Tissue.PUTAMEN,
    Tissue.PALLIDUM,
    Tissue.THALAMUS,
    Tissue.HIPPOCAMPUS,
    Tissue.CEREBELLAR_GREY,
)
"""Tissues that are moved towards white matter where contrast is flat."""

WHITE_TISSUES: Final = (Tissue.BRAINSTEM, Tissue.CEREBELLAR_WHITE, Tissue.SPINAL_CORD, Tissue.OPTIC_NERVE)
"""Tissues that look like white matter."""

TISSUE_PRIORS: Final[dict[Tissue, TissuePrior]] = {
    Tissue.WHITE_MATTER: WHITE,
    Tissue.CORTICAL_GREY: GREY,
    Tissue.CAUDATE: TissuePrior((0.80, 0.84), (930, 1150), (1200, 1400), (74, 90)),
    Tissue.PUTAMEN: DEEP_GREY,
    Tissue.PALLIDUM: TissuePrior((0.72, 0.78), (700, 850), (900, 1080), (55, 70)),
    Tissue.THALAMUS: TissuePrior((0.75, 0.80), (780, 920), (980, 1150), (70, 84)),
    Tissue.HIPPOCAMPUS: TissuePrior((0.80, 0.85), (980, 1200), (1300, 1500), (84, 100)),
    Tissue.VENTRICLE: FLUID,
    Tissue.SULCAL_CSF: FLUID,
    Tissue.SULCUS_EDGE: FLUID,
    Tissue.OUTER_CSF: FLUID,
    Tissue.CHOROID_PLEXUS: TissuePrior((0.85, 0.95), (1300, 2200), (1500, 2500), (120, 400)),
    Tissue.WHITE_MATTER_LESION: TissuePrior((0.72, 0.80), (700, 950), (900, 1250), (80, 110)),
    Tissue.BRAINSTEM: TissuePrior((0.70, 0.76), (660, 780), (860, 1020), (70, 86)),
    Tissue.CEREBELLAR_GREY: TissuePrior((0.78, 0.84), (900, 1130), (1200, 1430), (78, 95)),
    Tissue.CEREBELLAR_WHITE: WHITE,
    Tissue.ARTERY: TissuePrior((0.2, 0.7), (1200, 1500), (1500, 1800), (20, 80)),
    Tissue.VEIN: TissuePrior((0.4, 0.8), (1200, 1500), (1500, 1800), (30, 90)),
    Tissue.DURA: TissuePrior((0.5, 0.7), (900, 1200), (1100, 1400), (30, 60)),
    Tissue.CORTICAL_BONE: SKULL,
    Tissue.MARROW: TissuePrior((0.6, 0.95), (260, 500), (350, 600), (50, 75)),
    Tissue.SOFT_TISSUE: TissuePrior((0.8, 1.0), (260, 900), (350, 1300), (35, 75)),
    Tissue.SKIN: TissuePrior((0.7, 1.0), (280, 700), (370, 900), (35, 65)),
    Tissue.EYE: TissuePrior((0.95, 1.0), (2500, 3800), (2800, 4200), (400, 1200)),
    Tissue.EYE_MUSCLE: MUSCLE,
    Tissue.MUCOSA: TissuePrior((0.8, 1.0), (900, 1400), (1200, 1800), (60, 150)),
    Tissue.SPINAL_CORD: TissuePrior((0.70, 0.76), (680, 800), (880, 1050), (72, 88)),
    Tissue.OPTIC_NERVE: TissuePrior((0.68, 0.75), (620, 760), (820, 1000), (68, 84)),
}
"""Priors of the head's tissues (C.3); grey nuclei, vessels and extracranial tissues that C.3 leaves out are set between
its neighbours; the maps do not tell fat from muscle, so soft tissue spans both."""

HIGH_FIELD_TESLA: Final = 3.0
"""Field strength whose T1 column is used from here on, tesla."""


def draw_relaxation(prior: TissuePrior, *, field_tesla: float, rng: np.random.Generator) -> Relaxation:
    """Returns one uniform draw of a tissue's constants.

    Args:
        prior: Ranges to draw from.
        field_tesla: 1.5 or 3; below 3 the 1.5 T column is used.
        rng: Random generator.
    """
    t1_range = prior.t1_high_field if field_tesla >= HIGH_FIELD_TESLA else prior.t1_low_field
    return Relaxation(
        density=float(rng.uniform(*prior.density)),
        t1_ms=float(rng.uniform(*t1_range)),
        t2_ms=float(rng.uniform(*prior.t2)),
    )


def middle_relaxation(prior: TissuePrior, *, field_tesla: float) -> Relaxation:
    """Returns the centre of a prior's ranges: textbook constants without spread."""
    t1_range = prior.t1_high_field if field_tesla >= HIGH_FIELD_TESLA else prior.t1_low_field
    return Relaxation(sum(prior.density) / 2, sum(t1_range) / 2, sum(prior.t2) / 2)
