"""The judgement as the content of the cohort's report: what `gliosynth.report.cohort` lays out as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import numpy as np

import gliosynth
from gliosynth.cohort.judgement.cohort import CohortJudgement
from gliosynth.cohort.judgement.memorisation_rows import memorisation_rows
from gliosynth.cohort.judgement.reference import ATTRIBUTIONS, load_reference
from gliosynth.cohort.judgement.rows import fidelity_rows, quantity_rows, ratio_rows
from gliosynth.cohort.judgement.thresholds import ReleaseThresholds
from gliosynth.cohort.measurement.case import CaseMeasurement
from gliosynth.report.cohort.content import CaseTile, CohortPage, Distribution, Fact, Place

SHOWN_CASES: Final = 16
"""Cases in the gallery."""


SIMULATED: Final = (
    "The images are simulated: no patient's image is in them. What can be repeated is the label map of the head that a"
    " case was made from, so memorisation is measured on label maps first."
)
"""How the images came about, and what memorisation means for them, where signal equations computed them."""


@dataclass(frozen=True)
class CohortFacts:
    """What the judgement does not know of a cohort.

    Attributes:
        name: Of the data set.
        sentence: The spec in a sentence.
        rejects: How often draws were rejected, by reason.
        lineage: What made the cohort, label and value.
        origin: How the images came about, and what memorisation means for them.
        further_reasons: Why it may not leave besides the judgement's reasons.
        enforced: Whether reasons keep it back; if not, it leaves with them on its report.
    """

    name: str
    sentence: str
    rejects: Mapping[str, int]
    lineage: tuple[tuple[str, str], ...]
    origin: str = SIMULATED
    further_reasons: tuple[str, ...] = ()
    enforced: bool = True


def shown_cases(case_count: int, *, seed: int) -> tuple[int, ...]:
    """Returns which cases the gallery shows: at most `SHOWN_CASES` at random, in order, the same for the same seed.

    Args:
        case_count: Cases of the cohort.
        seed: Of the cohort.
    """
    rng = np.random.default_rng([seed, case_count])
    chosen = rng.choice(case_count, min(SHOWN_CASES, case_count), replace=False)
    return tuple(sorted(int(index) for index in chosen))


def cohort_page(
    judgement: CohortJudgement,
    measurements: Sequence[CaseMeasurement],
    *,
    thresholds: ReleaseThresholds,
    facts: CohortFacts,
    tiles: Sequence[CaseTile],
) -> CohortPage:
    """Returns what the report says about a cohort.

    Args:
        judgement: The verdict.
        measurements: One for each case.
        thresholds: What was required.
        facts: What else is known.
        tiles: The cases of `shown_cases`, each with its panel.
    """
    real = [case.measurement for case in load_reference()]
    reasons = (*judgement.reasons, *facts.further_reasons)
    return CohortPage(
        name=facts.name,
        sentence=facts.sentence,
        version=gliosynth.__version__,
        released=not (reasons and facts.enforced),
        reasons=reasons,
        remarks=judgement.remarks,
        facts=_facts(judgement, measurements, facts),
        distributions=_distributions(judgement),
        places=(*_places(measurements, is_real=False), *_places(real, is_real=True)),
        ratios=ratio_rows(judgement.fidelity, real),
        quantities=quantity_rows(judgement.fidelity),
        fidelity=fidelity_rows(judgement, thresholds),
        memorisation=memorisation_rows(judgement, thresholds),
        rejects=tuple(sorted(facts.rejects.items(), key=lambda entry: (-entry[1], entry[0]))),
        synthetic=tuple(tiles),
        real=real_tiles(),
        lineage=facts.lineage,
        limits=(*LIMITS, facts.origin),
        attributions=ATTRIBUTIONS,
    )


def real_tiles() -> tuple[CaseTile, ...]:
    """Returns the pictures of the reference cases, drawn as those of synthetic cases are."""
    folder = files("gliosynth.report").joinpath("real_cases")
    return tuple(
        CaseTile(
            title=case.id,
            caption=case_caption(case.measurement),
            picture=folder.joinpath(f"{case.id}.jpg").read_bytes(),
        )
        for case in load_reference()
    )


def case_caption(measurement: CaseMeasurement) -> str:
    """Returns what is written below a case: its volumes."""
    volumes = measurement.volumes
    if volumes.wt_ml == 0:
        return "No tumour"
    return f"{volumes.wt_ml:.0f} ml whole tumour, {volumes.tc_ml:.0f} ml core, {volumes.et_ml:.0f} ml enhancing"


def _facts(judgement: CohortJudgement, measurements: Sequence[CaseMeasurement], facts: CohortFacts) -> tuple[Fact, ...]:
    volumes = [case.volumes.wt_ml for case in measurements if case.volumes.wt_ml > 0]
    return (
        Fact("Cases", str(judgement.case_count)),
        Fact("Without a tumour", str(judgement.case_count - len(volumes))),
        Fact("Median whole tumour", f"{np.median(volumes):.0f}" if volumes else "none", "ml" if volumes else ""),
        Fact("Draws rejected", str(sum(facts.rejects.values()))),
    )


def _distributions(judgement: CohortJudgement) -> tuple[Distribution, ...]:
    return tuple(
        Distribution(
            title=one.quantity.title,
            unit=one.quantity.unit,
            synthetic=one.synthetic,
            real=one.real,
            logarithmic=one.quantity.logarithmic,
            note=NOTES.get(one.quantity.id, ""),
        )
        for one in judgement.fidelity.quantities
    )


def _places(measurements: Sequence[CaseMeasurement], *, is_real: bool) -> tuple[Place, ...]:
    return tuple(Place(case.shape.centroid, is_real) for case in measurements if case.shape is not None)


NOTES: Final = {
    "wt_ml": "BraTS 2021 (n = 1251): mean 96.0 ml, median 89.3 ml.",
    "et_ml": "BraTS 2021: absent in 2.6 %.",
}
"""What is published on a quantity (METHODS.md C.2)."""

LIMITS: Final = (
    "The reference is seven real cases and published figures. Seven cases show neither how rare a look is nor where"
    " real tumours end; bands are therefore wide, and a cohort that passes is not proved to be like real patients.",
    "Distances of features see what their encoder sees. Ours is a list of named texture measures, not a reader.",
)
"""What the figures do not say."""
