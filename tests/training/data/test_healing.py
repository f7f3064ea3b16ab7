"""Tests of training.data.healing."""

import numpy as np

from gliosynth.brain_map import BrainChannel
from training.data.healing import heal_maps

OUT, B2, B3, B4, ED = (
    int(channel)
    for channel in (
        BrainChannel.BACKGROUND,
        BrainChannel.BAND_2,
        BrainChannel.BAND_3,
        BrainChannel.BAND_4,
        BrainChannel.ED,
    )
)


def test_the_old_place_takes_the_mirrored_bands_of_its_contrast() -> None:
    """Columns 1 to 6 are brain, so 1 mirrors 6 and 2 mirrors 5; what mirrors a lesion takes the commonest band."""
    one = np.array([OUT, B3, B3, B2, B2, B4, ED, OUT], dtype=np.uint8)
    two = np.array([OUT, B3, B3, B4, B4, B2, ED, OUT], dtype=np.uint8)
    maps = np.stack([one, two])[:, :, None, None]
    vacated = np.zeros((8, 1, 1), dtype=bool)
    vacated[1:3] = True
    healed = heal_maps(maps, vacated)
    assert healed[0, :, 0, 0].tolist() == [OUT, B2, B4, B2, B2, B4, ED, OUT]
    assert healed[1, :, 0, 0].tolist() == [OUT, B4, B2, B4, B4, B2, ED, OUT]


def test_only_vacated_voxels_change_and_each_slice_has_its_own_midline() -> None:
    """A slice without an old place is untouched; where nothing is healthy the paper's band stays."""
    maps = np.full((1, 4, 1, 3), OUT, dtype=np.uint8)
    maps[0, :3, 0, 0] = (B3, B2, B4)
    maps[0, :, 0, 1] = (B3, B2, B2, B4)
    maps[0, :2, 0, 2] = (B3, ED)
    vacated = np.zeros((4, 1, 3), dtype=bool)
    vacated[0, 0, [0, 2]] = True
    healed = heal_maps(maps, vacated)
    assert healed[0, :3, 0, 0].tolist() == [B4, B2, B4]
    np.testing.assert_array_equal(healed[..., 1], maps[..., 1])
    assert healed[0, :2, 0, 2].tolist() == [B3, ED]
