"""Four named volumes make a case; anything else is refused by name."""

import numpy as np
import pytest

from gliosynth.errors import InvalidCaseError
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.preprocessing.case import assemble_case
from gliosynth.volume import Volume

VOLUME = Volume(np.zeros((2, 2, 2), dtype=np.int16), np.eye(4))


def test_order_of_the_volumes_does_not_matter() -> None:
    """Each volume comes out under its own contrast."""
    named = [(contrast, Volume(np.full((1, 1, 1), n), np.eye(4))) for n, contrast in enumerate(CONTRASTS)]
    case = assemble_case(named[::-1])
    assert [int(volume.data[0, 0, 0]) for volume in case] == [0, 1, 2, 3]
    assert case.reference is case.t1c


def test_a_missing_contrast_is_named() -> None:
    """The field is the first that is missing."""
    with pytest.raises(InvalidCaseError) as caught:
        assemble_case([(Contrast.T1N, VOLUME), (Contrast.T1C, VOLUME), (Contrast.T2F, VOLUME)])
    assert (caught.value.reason, caught.value.field) == ("MISSING_CONTRAST", "t2w")


def test_a_contrast_given_twice_is_named() -> None:
    """Two T1c are refused even if all four are there."""
    with pytest.raises(InvalidCaseError) as caught:
        assemble_case([(contrast, VOLUME) for contrast in (*CONTRASTS, Contrast.T1C)])
    assert (caught.value.reason, caught.value.field, caught.value.got) == ("DUPLICATE_CONTRAST", "t1c", "2")
