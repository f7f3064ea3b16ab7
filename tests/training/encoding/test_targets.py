"""Tests of training.encoding.targets."""

import numpy as np
import pytest
import torch

from gliosynth.brain_map import BrainChannel
from training.data.pairs import Pairs
from training.encoding.targets import NOT_ASKED, Overlaps, lesson_losses, lesson_of
from training.networks.encoder import BAND_CLASSES, LOGITS, TUMOUR_CLASSES

MAPS = np.array(
    [
        [BrainChannel.NCR, BrainChannel.ED, BrainChannel.ET, BrainChannel.BACKGROUND],
        [BrainChannel.BAND_1, BrainChannel.BAND_2, BrainChannel.BAND_3, BrainChannel.BAND_4],
    ],
    dtype=np.uint8,
)


def pairs() -> Pairs:
    """Returns one slice of 2 x 4 pixels whose four maps are equal, and whose contrast c is c / 4 everywhere."""
    contrasts = np.broadcast_to(np.array([0, 0.25, 0.5, 0.75], dtype=np.float32)[None, :, None, None], (1, 4, 2, 4))
    maps = np.broadcast_to(MAPS, (1, 4, 2, 4)).copy()
    return Pairs(maps, contrasts.copy(), maps[:, :1] != BrainChannel.BACKGROUND, np.zeros((1, 1, 2, 4), np.uint8))


def perfect_logits() -> torch.Tensor:
    """Returns logits that say exactly what is wanted, by 20."""
    lesson = lesson_of(pairs(), torch.tensor([0]))
    tumour = torch.nn.functional.one_hot(lesson.tumour.clamp_min(0), TUMOUR_CLASSES).movedim(-1, 1)
    bands = [
        torch.nn.functional.one_hot(lesson.bands[:, m].clamp_min(0), BAND_CLASSES).movedim(-1, 1) for m in range(4)
    ]
    return 20.0 * torch.cat([tumour, *bands], dim=1)


def test_a_lesson_asks_for_tumour_in_the_brain_and_bands_outside_the_tumour() -> None:
    """One contrast is shown; NCR 1, ED 2, ET 3, brain 0; bands 0 to 3 from the brightest."""
    lesson = lesson_of(pairs(), torch.tensor([2]))
    assert (lesson.contrast == 0.5).all()
    assert lesson.tumour[0].tolist() == [[1, 2, 3, NOT_ASKED], [0, 0, 0, 0]]
    assert lesson.bands[0, 3].tolist() == [[NOT_ASKED] * 4, [0, 1, 2, 3]]


def test_the_right_answer_costs_nothing_and_ignorance_the_logarithm_of_four() -> None:
    """Cross entropy of four equal chances is log 4, soft Dice of them near 2 x .25 / (1 + 7 / 4)."""
    lesson = lesson_of(pairs(), torch.tensor([0]))
    right = lesson_losses(perfect_logits(), lesson)
    assert max(float(loss) for loss in right.values()) < 1e-3
    ignorant = lesson_losses(torch.zeros(1, LOGITS, 2, 4), lesson)
    assert float(ignorant["tumour"]) == pytest.approx(np.log(4))
    assert float(ignorant["bands"]) == pytest.approx(np.log(4))
    assert float(ignorant["dice"]) == pytest.approx(1 - (2 * 0.25 + 1) / (7 * 0.25 + 1 + 1))


def test_overlaps_count_only_where_an_answer_is_wanted() -> None:
    """The right answer has Dice 1; one that calls all of it NCR finds 1 pixel of 7 + 1, and no ED or ET."""
    lesson = lesson_of(pairs(), torch.tensor([0]))
    right = Overlaps()
    right.add(perfect_logits(), lesson)
    assert (right.mean("tumour"), right.mean("band"), right.mean("whole")) == (1, 1, 1)
    wrong, logits = Overlaps(), torch.zeros(1, LOGITS, 2, 4)
    logits[:, 1] = 1
    wrong.add(logits, lesson)
    assert wrong.mean("tumour") == pytest.approx((2 * 1 / 8 + 0 + 0) / 3)
    assert wrong.mean("whole") == pytest.approx(2 * 3 / (7 + 3))
