"""Whether a cohort may leave: fidelity and memorisation against the release thresholds, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.cohort.judgement.fidelity import (
    FidelityJudgement,
    fidelity_reasons,
    judge_fidelity,
)
from gliosynth.cohort.judgement.memorisation import (
    MemorisationJudgement,
    judge_memorisation,
    memorisation_reasons,
)
from gliosynth.cohort.judgement.reference import Donors, load_donors, load_reference
from gliosynth.cohort.judgement.resolution import have_one_resolution
from gliosynth.cohort.judgement.thresholds import ReleaseThresholds
from gliosynth.cohort.measurement.case import CaseMeasurement
from gliosynth.errors import InvalidParameterError

SEED: Final = 20240501
"""Seed of the draws inside the judgement: the same cohort gets the same verdict."""


LINKABLE_SHARE: Final = 0.5
"""Above this share of donors found, the report says that cases can be linked to their donors."""


@dataclass(frozen=True)
class CohortJudgement:
    """The verdict on a cohort.

    Attributes:
        case_count: Cases that were judged.
        fidelity: How like real tumours they are.
        memorisation: How near they come to what they were made from.
        released: Whether the cohort may leave.
        reasons: Why not, one sentence each; empty where it may.
        remarks: What could not be judged, and what a receiver must know, one sentence each.
    """

    case_count: int
    fidelity: FidelityJudgement
    memorisation: MemorisationJudgement
    released: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def judge_cohort(
    measurements: Sequence[CaseMeasurement],
    *,
    thresholds: ReleaseThresholds,
    donors: Donors | None = None,
    made_from: Sequence[str] | None = None,
) -> CohortJudgement:
    """Returns whether a cohort may leave, and why not. The same measurements get the same verdict.

    Args:
        measurements: One for each case, in the order of the cohort.
        thresholds: What is required.
        donors: The anatomies that cases may be made from; None stands for those that ship with the library.
        made_from: Name of the donor of each case, so that the report can say how often it is found; None leaves it out.

    Raises:
        InvalidParameterError: No case, or measurements of another encoder than the reference's.
    """
    if not measurements:
        raise InvalidParameterError(
            "a cohort without a case cannot be judged; give one measurement at least", field="measurements", got="0"
        )
    reference = load_reference()
    real = [case.measurement for case in reference]
    _check_encoder(measurements, real[0].encoder)
    fidelity = judge_fidelity(measurements, real, thresholds=thresholds, rng=np.random.default_rng(SEED))
    memorisation = judge_memorisation(measurements, reference, donors or load_donors(), made_from=made_from)
    reasons = [
        *fidelity_reasons(fidelity, thresholds, case_count=len(measurements)),
        *memorisation_reasons(memorisation, thresholds),
    ]
    return CohortJudgement(
        case_count=len(measurements),
        fidelity=fidelity,
        memorisation=memorisation,
        released=not reasons,
        reasons=tuple(reasons),
        remarks=tuple(_remarks(measurements, real, memorisation, thresholds)),
    )


def _check_encoder(measurements: Sequence[CaseMeasurement], encoder: str) -> None:
    others = sorted({case.encoder for case in measurements} - {encoder})
    if others:
        raise InvalidParameterError(
            f"the cases were measured by the encoder {', '.join(others)} and the reference by {encoder};"
            " measure the cases again",
            field="measurements",
            got=", ".join(others),
            reason="ENCODERS_DIFFER",
        )


def _remarks(
    measurements: Sequence[CaseMeasurement],
    real: Sequence[CaseMeasurement],
    memorisation: MemorisationJudgement,
    thresholds: ReleaseThresholds,
) -> list[str]:
    remarks = []
    case_count = len(measurements)
    if case_count < thresholds.fewest_cases:
        remarks.append(
            f"Fidelity was not judged: the cohort has {case_count} cases, below {thresholds.fewest_cases}"
            " (release.fewest_cases) a median is that of one or two of them."
        )
    if not have_one_resolution(measurements, real):
        remarks.append(
            "Textures and distances of image features were not judged: the real cases have voxels of"
            f" {real[0].spacing_mm[0]:g} mm, the cohort has others, and a texture is that of its grid."
        )
    if memorisation.donors is None:
        remarks.append("Likeness to donor anatomies was not judged: no case has a tissue map.")
    if memorisation.donor_found is not None and memorisation.donor_found > LINKABLE_SHARE:
        remarks.append(
            f"Whoever has the label maps that the cohort was made from can tell which one a case came from, here in"
            f" {100 * memorisation.donor_found:.0f} % of the cases. The built-in ones are public; treat a cohort of"
            " patients' label maps as linked to them."
        )
    return remarks
