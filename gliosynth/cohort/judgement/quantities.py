"""Quantities of a case whose distributions are compared with the real cases': volumes, shape, texture, morphology."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.cohort.judgement.resolution import have_one_resolution
from gliosynth.cohort.measurement import CaseMeasurement, TumourShape
from gliosynth.labels import Contrast, Label
from gliosynth.metrics.fidelity import Equivalence, equivalence, kolmogorov_smirnov, wasserstein

MARGIN_SD: Final = 0.5
"""Equivalence margin of a mean, in standard deviations of the real cases (METHODS.md D.1)."""

Reading = Callable[[CaseMeasurement], float | None]
"""Reads a quantity from a case; None where the case has none."""


@dataclass(frozen=True)
class Quantity:
    """One number that a case has.

    Attributes:
        id: Stable name.
        title: In words.
        unit: Or ``""``.
        logarithmic: Whether its logarithm is compared.
        read: From a case.
    """

    id: str
    title: str
    unit: str
    logarithmic: bool
    read: Reading


@dataclass(frozen=True)
class QuantityJudgement:
    """One quantity of the cohort beside that of the real cases.

    Attributes:
        quantity: Which.
        synthetic: One value for each case that has it, in its unit.
        real: Likewise.
        distance: Kolmogorov-Smirnov, 0 to 1; None where either side has no case.
        carried: Wasserstein-1, in the quantity's unit (of its decadic logarithm where that is compared); likewise.
        equivalence: Of the means; None where either side has fewer than two cases or the real ones are all equal.
    """

    quantity: Quantity
    synthetic: tuple[float, ...]
    real: tuple[float, ...]
    distance: float | None
    carried: float | None
    equivalence: Equivalence | None


def _of_shape(read: Callable[[TumourShape], float | None]) -> Reading:
    return lambda case: None if case.shape is None else read(case.shape)


def _variation(contrast: Contrast, label: Label) -> Reading:
    return lambda case: next(one.variation for one in case.texture if (one.contrast, one.label) == (contrast, label))


def _autocorrelation(contrast: Contrast, label: Label, place: int) -> Reading:
    return lambda case: next(
        one.autocorrelation[place] for one in case.texture if (one.contrast, one.label) == (contrast, label)
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


QUANTITIES: Final = (
    Quantity("wt_ml", "Whole tumour", "ml", True, lambda case: case.volumes.wt_ml or None),
    Quantity("tc_ml", "Tumour core", "ml", True, lambda case: case.volumes.tc_ml or None),
    Quantity("et_ml", "Enhancing tumour", "ml", True, lambda case: case.volumes.et_ml or None),
    Quantity(
        "tc_share", "Core of whole tumour", "", False, lambda case: _share(case.volumes.tc_ml, case.volumes.wt_ml)
    ),
    Quantity("oedema_reach", "Reach of oedema (p95)", "mm", False, _of_shape(lambda shape: shape.oedema_reach_mm)),
    Quantity("et_depth", "Depth of enhancement (p95)", "mm", False, _of_shape(lambda shape: shape.enhancing_depth_mm)),
    Quantity("et_cover", "Core surface that enhances", "", False, _of_shape(lambda shape: shape.enhancing_cover)),
    Quantity("sphericity", "Sphericity", "", False, _of_shape(lambda shape: shape.sphericity)),
    Quantity("parts", "Separate parts", "", False, _of_shape(lambda shape: float(shape.parts))),
    Quantity("ed_variation", "FLAIR variation in oedema", "", False, _variation(Contrast.T2F, Label.ED)),
    Quantity(
        "ed_grain", "FLAIR autocorrelation in oedema, 4 mm", "", False, _autocorrelation(Contrast.T2F, Label.ED, 2)
    ),
    Quantity("et_variation", "T1c variation in enhancement", "", False, _variation(Contrast.T1C, Label.ET)),
    Quantity("white", "White matter of brain", "", False, lambda case: case.morphology.white_share),
    Quantity("ventricles", "Deep fluid of brain", "", False, lambda case: case.morphology.deep_fluid_share),
    Quantity("mirror", "Mirror Dice of brain", "", False, lambda case: case.morphology.mirror_dice),
)
"""Every quantity that is compared. None is a test of release by itself: seven real cases have no power for it."""


TEXTURES: Final = frozenset({"ed_variation", "ed_grain", "et_variation"})
"""Ids of the quantities that depend on the grid."""


def judge_quantities(
    measurements: Sequence[CaseMeasurement], real: Sequence[CaseMeasurement]
) -> tuple[QuantityJudgement, ...]:
    """Returns every quantity of the cohort beside that of the real cases, `TEXTURES` at the same resolution alone.

    Args:
        measurements: One for each case.
        real: The reference cases.
    """
    left_out = frozenset() if have_one_resolution(measurements, real) else TEXTURES
    return tuple(_judge(quantity, measurements, real) for quantity in QUANTITIES if quantity.id not in left_out)


def _judge(
    quantity: Quantity, measurements: Sequence[CaseMeasurement], real: Sequence[CaseMeasurement]
) -> QuantityJudgement:
    synthetic, reference = (
        tuple(value for value in map(quantity.read, cases) if value is not None) for cases in (measurements, real)
    )
    sample, norm = np.array(synthetic), np.array(reference)
    if quantity.logarithmic:
        sample, norm = np.log10(sample), np.log10(norm)
    compared = sample.size > 0 and norm.size > 0
    tested = min(sample.size, norm.size) > 1 and float(norm.std()) > 0
    return QuantityJudgement(
        quantity=quantity,
        synthetic=synthetic,
        real=reference,
        distance=kolmogorov_smirnov(norm, sample) if compared else None,
        carried=wasserstein(norm, sample) if compared else None,
        equivalence=equivalence(norm, sample, margin=MARGIN_SD) if tested else None,
    )
