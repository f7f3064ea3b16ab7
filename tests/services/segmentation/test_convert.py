"""Tests of services.segmentation.convert: pages of models and the share of the cascade."""

import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from gliosynth.segmentation import CascadeProgress
from gliosynth.v1 import segmentation_pb2
from services.segmentation.convert import LARGEST_PAGE, cascade_share, page_of

NAMES = [f"model_{number:03d}" for number in range(250)]


def request(page_size: int = 0, page_token: str = "") -> segmentation_pb2.ListModelsRequest:
    return segmentation_pb2.ListModelsRequest(page_size=page_size, page_token=page_token)


@pytest.mark.parametrize("page_size", [1, 7, 100, 125, 0, 10_000])
def test_the_pages_together_are_all_models_once(page_size: int) -> None:
    """Following the tokens lists every model in order, whatever the page size, and ends with an empty token."""
    listed, token = [], ""
    while True:
        page, token = page_of(NAMES, request(page_size, token))
        assert len(page) <= min(page_size or LARGEST_PAGE, LARGEST_PAGE)
        listed += page
        if not token:
            break
    assert listed == NAMES


def test_a_page_that_ends_exactly_has_no_successor() -> None:
    """No empty page follows the last full one."""
    assert page_of(NAMES[:100], request(100)) == (NAMES[:100], "")


def test_no_models_are_an_empty_page() -> None:
    """An empty repository is no error."""
    assert page_of([], request()) == ([], "")


def test_a_negative_page_size_is_refused() -> None:
    """AIP-158."""
    with pytest.raises(InvalidParameterError) as caught:
        page_of(NAMES, request(-1))
    assert caught.value.field == "page_size"


def test_each_region_is_a_third_of_the_cascade() -> None:
    """Half of TC's slices are half of the cascade; all of ET's are all of it."""
    assert cascade_share(CascadeProgress(Region.WT, 0, 80)) == 0.0
    assert cascade_share(CascadeProgress(Region.TC, 20, 40)) == pytest.approx(0.5)
    assert cascade_share(CascadeProgress(Region.ET, 10, 10)) == pytest.approx(1.0)
