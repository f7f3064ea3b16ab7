"""A small cohort that the tests of this folder share."""

from collections.abc import Callable

import pytest

from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import CaseArtefacts, make_case
from gliosynth.cohort.spec import CohortSpec, parse_spec

SmallSpec = Callable[..., CohortSpec]
"""Returns a spec of small cases, with fields changed."""

MakeCase = Callable[[CohortSpec, int], CaseArtefacts]
"""Makes a case without segmenter and without interruption."""


def _small(**changes: object) -> CohortSpec:
    fields: dict[str, object] = {
        "name": "Small cohort",
        "case_count": 4,
        "seed": 11,
        "anatomies": {"built_in": ["head_03", "head_07", "head_12"]},
        "grid": {"shape": [40, 48, 40], "spacing_mm": [4.0, 4.0, 4.0]},
        "tumour": {"free_share": 0.2},
        "release": {"enforce": False},
    }
    return parse_spec(fields | changes)


def _make(spec: CohortSpec, index: int) -> CaseArtefacts:
    return make_case(spec, index, anatomies=SpecAnatomies(spec), segment=None, check=lambda: None)


@pytest.fixture(scope="session")
def small_spec() -> SmallSpec:
    """Specs of cases that take less than a second: 40 x 48 x 40 voxels of 4 mm."""
    return _small


@pytest.fixture(scope="session")
def make() -> MakeCase:
    return _make


@pytest.fixture(scope="session")
def spec() -> CohortSpec:
    """Four small cases."""
    return _small()


@pytest.fixture(scope="session")
def cases(spec: CohortSpec) -> tuple[CaseArtefacts, ...]:
    """All cases of `spec`, in order."""
    return tuple(_make(spec, index) for index in range(spec.case_count))
