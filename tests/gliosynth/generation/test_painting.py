"""Brain maps of a case, and what networks paint of them: every voxel worked out by a table."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.brain_map import BrainChannel, Vacated, tumour_of
from gliosynth.errors import CancelledError, InvalidParameterError, ModelError
from gliosynth.generation import GeneratorNetwork, NetworkIdentity, SliceSize, brain_maps_of, paint
from gliosynth.labels import CONTRASTS, Label

if TYPE_CHECKING:
    from conftest import LookUp

TISSUE = np.s_[2:9, 1:6, 1:4]
"""Box of a small brain in a grid of 10 x 8 x 6."""


@pytest.fixture(scope="module")
def brain_maps() -> NDArray[np.uint8]:
    """Random channels in a box, other bands in each contrast, one tumour: background elsewhere."""
    rng = np.random.default_rng(0)
    maps = np.full((4, 10, 8, 6), BrainChannel.BACKGROUND, dtype=np.uint8)
    maps[:, *TISSUE] = rng.integers(BrainChannel.BAND_1, BrainChannel.BACKGROUND, (4, 7, 5, 3))
    maps[:, 4:6, 2:4, 2] = BrainChannel.ET
    return maps


def test_each_contrast_has_bands_of_its_own_and_all_have_one_tumour() -> None:
    """A ramp and its mirror image: the first voxel is the darkest band of one and the brightest of the other."""
    ramp = np.broadcast_to(np.linspace(100.0, 900.0, 40, dtype=np.float32)[:, None, None], (40, 5, 2))
    brain = np.ones(ramp.shape, dtype=np.bool_)
    labels = np.zeros(ramp.shape, dtype=np.uint8)
    labels[20:23, 1:4, 1] = Label.NCR
    contrasts = np.stack([ramp, ramp[::-1], ramp, ramp + 1000.0])
    maps = brain_maps_of(contrasts, labels, brain, moved_from=None)
    for one in maps:
        assert np.array_equal(tumour_of(one), labels)
    assert (maps[0, 0, 0, 0], maps[1, 0, 0, 0]) == (BrainChannel.BAND_4, BrainChannel.BAND_1)
    assert np.array_equal(maps[0], maps[3]), "an offset of the scanner changes no unit intensity"
    assert np.bincount(maps[0, :, 0, 0], minlength=8).tolist() == [0, 0, 0, 10, 10, 10, 10, 0]


def test_what_a_tumour_leaves_is_one_band_or_the_other_side() -> None:
    """As the authors do it in every contrast the third band; mirrored, what lies across the middle of the slice."""
    rng = np.random.default_rng(1)
    contrasts = rng.random((4, 8, 8, 2), dtype=np.float32)
    brain = np.ones((8, 8, 2), dtype=np.bool_)
    before, after = np.zeros((2, 8, 8, 2), dtype=np.uint8)
    before[1:4, 1:4], after[3:6, 3:6] = Label.ED, Label.ED
    left = (before > 0) & (after == 0)
    maps = brain_maps_of(contrasts, after, brain, moved_from=before, vacated=Vacated.BAND)
    healed = brain_maps_of(contrasts, after, brain, moved_from=before, vacated=Vacated.MIRRORED)
    assert (maps[:, after > 0] == BrainChannel.ED).all()
    assert (maps[:, left] == BrainChannel.BAND_3).all()
    assert np.array_equal(healed[:, ~left], maps[:, ~left])
    assert np.array_equal(healed[:, 1, 1:3], maps[:, 6, 1:3])
    assert np.array_equal(healed, brain_maps_of(contrasts, after, brain, moved_from=before))


@pytest.mark.parametrize("size", [SliceSize(multiple=1), SliceSize(multiple=16), SliceSize(fixed=(9, 12))])
def test_every_voxel_is_painted_where_it_is(
    brain_maps: NDArray[np.uint8], look_up: "LookUp", levels: NDArray[np.float32], size: SliceSize
) -> None:
    """Cut out, padded, in batches, put back: each voxel has the level of its own channel, the background 0."""
    painted = paint(brain_maps, [look_up(size=size)])
    shares = np.array([1.0, 1 / 2, 1 / 3, 1 / 4], dtype=np.float32)[:, None, None, None]
    assert painted.dtype == np.float32
    np.testing.assert_array_equal(painted, levels[brain_maps] * shares)


def test_four_networks_of_one_contrast_paint_what_a_joint_one_does(
    brain_maps: NDArray[np.uint8], look_up: "LookUp"
) -> None:
    """In whatever order they are given."""
    single = [look_up((contrast,)) for contrast in CONTRASTS]
    joint = paint(brain_maps, [look_up()])
    assert np.array_equal(paint(brain_maps, single), joint)
    assert np.array_equal(paint(brain_maps, single[::-1]), joint)


def test_a_network_sees_whole_slices_with_brain_and_background_around(
    brain_maps: NDArray[np.uint8], look_up: "LookUp"
) -> None:
    """Three slices have brain: in batches of two they come as 2 and 1; 7 x 5 pixels in the middle of 16 x 16."""
    seen: list[NDArray[np.uint8]] = []
    paint(brain_maps, [look_up(batch_size=2, seen=seen)])
    assert [batch.shape for batch in seen] == [(2, 4, 16, 16), (1, 4, 16, 16)]
    slices = np.concatenate(seen)
    assert np.array_equal(slices[:, :, 4:11, 5:10], np.moveaxis(brain_maps[:, *TISSUE], -1, 0))
    slices[:, :, 4:11, 5:10] = BrainChannel.BACKGROUND
    assert (slices == BrainChannel.BACKGROUND).all()


def test_the_work_stops_between_batches(brain_maps: NDArray[np.uint8], look_up: "LookUp") -> None:
    """What `check` raises comes out before the next batch."""
    seen: list[NDArray[np.uint8]] = []

    def check() -> None:
        if len(seen) == 2:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        paint(brain_maps, [look_up(batch_size=1, seen=seen)], check=check)
    assert len(seen) == 2


def answering(answer: NDArray[np.float32]) -> GeneratorNetwork:
    """Returns a network that always answers the same."""
    identity = NetworkIdentity("broken", "1", "sha256:0", "numpy", "nothing")
    return GeneratorNetwork(identity, CONTRASTS, SliceSize(multiple=16), 3, lambda _: answer)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.2, 1.2])
def test_values_that_are_no_intensities_are_refused(brain_maps: NDArray[np.uint8], value: float) -> None:
    """Not a number, or outside 0 to 1: the error names the model."""
    answer = np.full((3, 4, 16, 16), value, dtype=np.float32)
    with pytest.raises(ModelError, match="model broken: it answered") as caught:
        paint(brain_maps, [answering(answer)])
    assert caught.value.reason == "BAD_MODEL_OUTPUT"


def test_another_shape_is_refused(brain_maps: NDArray[np.uint8]) -> None:
    """Three contrasts where four were wanted."""
    with pytest.raises(ModelError, match=r"\(3, 3, 16, 16\)"):
        paint(brain_maps, [answering(np.zeros((3, 3, 16, 16), dtype=np.float32))])


def test_rounding_beyond_the_range_is_clipped(brain_maps: NDArray[np.uint8]) -> None:
    """1.005 is 1."""
    painted = paint(brain_maps, [answering(np.full((3, 4, 16, 16), 1.005, dtype=np.float32))])
    assert painted.max() == 1.0


def test_networks_that_miss_a_contrast_paint_nothing(brain_maps: NDArray[np.uint8], look_up: "LookUp") -> None:
    """They are refused before the first slice."""
    seen: list[NDArray[np.uint8]] = []
    with pytest.raises(InvalidParameterError):
        paint(brain_maps, [look_up(CONTRASTS[:3], seen=seen)])
    assert seen == []
