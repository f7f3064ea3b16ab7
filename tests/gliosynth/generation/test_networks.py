"""What networks take and paint."""

from typing import TYPE_CHECKING

import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.generation import SliceSize, check_networks
from gliosynth.labels import CONTRASTS, Contrast

if TYPE_CHECKING:
    from conftest import LookUp


@pytest.mark.parametrize(
    ("extent", "expected"), [((128, 175), (128, 192)), ((129, 192), (192, 192)), ((1, 193), (64, 256))]
)
def test_slices_are_the_next_multiple_along_each_axis(extent: tuple[int, int], expected: tuple[int, int]) -> None:
    """Of 64: what fits stays, one pixel more takes the next one."""
    assert SliceSize(multiple=64).holding(extent) == expected


def test_a_network_of_one_size_takes_what_fits_and_refuses_the_rest() -> None:
    """A brain of 161 pixels does not go into 160."""
    size = SliceSize(fixed=(160, 192))
    assert size.holding((100, 192)) == (160, 192)
    with pytest.raises(InvalidParameterError, match=r"161 x 100 voxels in a slice.*160 x 192; ask for") as caught:
        size.holding((161, 100))
    assert caught.value.reason == "SLICE_TOO_LARGE"


def test_a_generator_paints_every_contrast_once(look_up: "LookUp") -> None:
    """One of four or four of one; not three, and none twice."""
    single = [look_up((contrast,)) for contrast in CONTRASTS]
    check_networks([look_up()])
    check_networks(single[::-1])
    for wrong in ([], single[:3], [*single, look_up((Contrast.T1C,))], [look_up(), look_up()]):
        with pytest.raises(InvalidParameterError) as caught:
            check_networks(wrong)
        assert caught.value.reason == "NOT_EVERY_CONTRAST_ONCE"
