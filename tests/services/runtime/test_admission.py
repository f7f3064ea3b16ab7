"""Tests of services.runtime.admission: places and memory are bounded and come back."""

import pytest

from gliosynth.errors import BudgetExceededError
from services.runtime.admission import Admission
from services.runtime.settings import Settings


def admission(**values: int) -> Admission:
    return Admission(Settings(**values))


def test_one_request_too_many_is_refused_until_a_place_is_free() -> None:
    """With two places the third request is refused; it enters when one of the two has left."""
    places = admission(max_concurrent_requests=2)
    first = places.enter()
    places.enter()
    with pytest.raises(BudgetExceededError) as caught:
        places.enter()
    assert caught.value.reason == "TOO_MANY_REQUESTS"
    first.release()
    places.enter()


def test_memory_is_shared_by_all_and_given_back_once() -> None:
    """Requests together stay within the budget; leaving twice gives back once."""
    places = admission(max_concurrent_requests=2, max_buffered_bytes=100)
    first, second = places.enter(), places.enter()
    first.reserve(60)
    with pytest.raises(BudgetExceededError) as caught:
        second.reserve(41)
    assert caught.value.reason == "MEMORY_BUSY"
    assert places.held_bytes == 60
    first.release()
    first.release()
    assert places.held_bytes == 0
    second.reserve(100)


def test_an_error_gives_place_and_memory_back() -> None:
    """A request that fails leaves nothing behind."""
    places = admission(max_concurrent_requests=1)

    def fail() -> None:
        with places.enter() as lease:
            lease.reserve(10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert places.held_bytes == 0
    places.enter()
