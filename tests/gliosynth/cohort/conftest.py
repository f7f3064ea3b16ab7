"""A small cohort that the tests of this folder share."""

import pytest

from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import CaseArtefacts, make_case
from gliosynth.cohort.spec import CohortSpec, parse_spec

CASES = 4


def small(**changes: object) -> CohortSpec:
    """Returns a spec of cases that take less than a second: 40 x 48 x 40 voxels of 4 mm."""
    fields: dict[str, object] = {
        "name": "Small cohort",
        "case_count": CASES,
        "seed": 11,
        "grid": {"shape": [40, 48, 40], "spacing_mm": [4.0, 4.0, 4.0]},
        "tumour": {"free_share": 0.2},
    }
    return parse_spec(fields | changes)


def make(spec: CohortSpec, index: int) -> CaseArtefacts:
    """Returns a case without segmenter and without interruption."""
    return make_case(spec, index, anatomies=SpecAnatomies(spec), segment=None, check=lambda: None)


@pytest.fixture(scope="session")
def spec() -> CohortSpec:
    return small()


@pytest.fixture(scope="session")
def cases(spec: CohortSpec) -> tuple[CaseArtefacts, ...]:
    """All cases of `spec`, in order."""
    return tuple(make(spec, index) for index in range(spec.case_count))
