"""The price of a cohort."""

from typing import TYPE_CHECKING

import pytest

from gliosynth.cohort.price import DATASET_BYTES, case_bytes, price_of
from gliosynth.cohort.spec import CohortSpec
from gliosynth.errors import InvalidParameterError

if TYPE_CHECKING:
    from conftest import MakeCase, SmallSpec


@pytest.mark.parametrize(("image", "edge_mm"), [("int16", 4.0), ("float32", 4.0), ("int16", 2.0)])
def test_a_real_case_needs_the_announced_bytes(
    small_spec: "SmallSpec", make: "MakeCase", image: str, edge_mm: float
) -> None:
    """Files and summary of a real case lie within a factor of two of the price, in both formats and at two sizes."""
    shape = [round(extent / edge_mm) for extent in (160, 192, 160)]
    spec = small_spec(formats={"image": image}, grid={"shape": shape, "spacing_mm": [edge_mm] * 3})
    case = make(spec, 0)
    real = sum(len(data) for data in case.files.values()) + len(case.summary.to_json())
    assert real / 2 < case_bytes(spec) < real * 2


def test_bytes_grow_with_the_cases_and_seconds_with_their_rounds(small_spec: "SmallSpec") -> None:
    """Ten cases are ten times one; four workers need three rounds for ten cases."""
    one, ten = small_spec(case_count=1), small_spec(case_count=10)
    assert price_of(ten).bytes - DATASET_BYTES == 10 * (price_of(one).bytes - DATASET_BYTES)
    assert price_of(ten).seconds == pytest.approx(10 * price_of(one).seconds, rel=0.05)
    assert price_of(ten, workers=4).seconds == pytest.approx(3 * price_of(one).seconds, rel=0.05)
    assert price_of(ten, workers=4).memory_bytes == price_of(one).memory_bytes


def test_a_painted_case_costs_what_its_network_takes(small_spec: "SmallSpec") -> None:
    """At 160 x 192 x 160 of 1 mm: 150 slices with brain at the measured time of each network, and nothing but time."""
    simulated, crn, spade = (
        price_of(small_spec(case_count=1, grid={}, generator=name))
        for name in ("simulator", "augmentation_network", "spade")
    )
    assert crn.seconds - simulated.seconds == pytest.approx(150 * 0.048 + 1.5, rel=0.15)
    assert spade.seconds - simulated.seconds == pytest.approx(150 * 0.28 + 1.5, rel=0.15)
    assert simulated.bytes == crn.bytes == spade.bytes


def test_a_full_case_fits_a_worker_of_two_gigabytes(small_spec: "SmallSpec") -> None:
    """The default grid stays below 2 GiB."""
    spec = small_spec(grid={})
    assert price_of(spec).memory_bytes < 2 << 30
    assert price_of(spec).memory_bytes > price_of(small_spec()).memory_bytes


def test_no_worker_is_refused(spec: CohortSpec) -> None:
    """A price for nobody makes no sense."""
    with pytest.raises(InvalidParameterError, match="one worker at least, got 0"):
        price_of(spec, workers=0)
