"""Tests of training.validation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gliosynth.labels import Region
from training.data.fakes import BALL_SHAPE, simulate_ball
from training.data.ring import Ring, RingShape
from training.segmentation.presets import PRESETS
from training.segmentation.validation import Scores, box_range, rings_below, score_presets, volume_score


class FlairThreshold(nn.Module):
    """A fake segmenter: FLAIR above 1 is tumour."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, contrasts: Tensor) -> Tensor:
        return contrasts[:, 3:4] - 1


def test_volume_score_is_dice_by_hand() -> None:
    """Two pixels each, one shared: 2 * 1 / 4."""
    prediction, reference = np.array([True, True, False]), np.array([False, True, True])
    assert volume_score(prediction, reference, pixel_ml=1.0) == 0.5


def test_volume_without_the_region_is_scored_by_false_volume() -> None:
    """Nothing found 1, 5 ml falsely found .5, 20 ml 0."""
    empty = np.zeros(20, dtype=bool)
    for found, score in ((0, 1.0), (5, 0.5), (20, 0.0)):
        assert volume_score(np.arange(20) < found, empty, pixel_ml=1.0) == score


def test_a_segmenter_that_knows_the_rule_scores_high(validation: Path) -> None:
    """The fake reads the balls' FLAIR rule; noise costs it little."""
    scores = score_presets(FlairThreshold().eval(), PRESETS[Region.WT], rings_below(validation))
    assert list(scores.by_preset) == ["shifted"]
    assert 0.9 < scores.worst < 1


def test_a_simulator_without_tumours_does_not_score_core_networks(tmp_path: Path) -> None:
    """TC and ET run only where WT is; nothing to run is neither a success nor a failure."""
    empty = replace(simulate_ball(np.random.default_rng(0)), labels=np.zeros(BALL_SHAPE, dtype=np.uint8))
    Ring.create(tmp_path / "tumour-free", RingShape(1, 12, 64, 80)).put(0, empty)
    network = FlairThreshold().eval()
    assert score_presets(network, PRESETS[Region.ET], rings_below(tmp_path)).by_preset == {}
    assert list(score_presets(network, PRESETS[Region.WT], rings_below(tmp_path)).by_preset) == ["tumour-free"]


def test_the_worst_preset_counts() -> None:
    """A mean would hide a simulator on which the network fails."""
    assert Scores({"WT": {"easy": 0.9, "hard": 0.2}}).worst == 0.2


@pytest.mark.parametrize(
    ("low", "high", "limit", "expected"),
    [
        (40, 60, 160, slice(32, 80)),
        (0, 10, 160, slice(0, 32)),
        (150, 160, 160, slice(128, 160)),
        (3, 77, 80, slice(0, 80)),
    ],
)
def test_box_has_a_margin_and_a_multiple_of_16(low: int, high: int, limit: int, expected: slice) -> None:
    """20 pixels + 2 x 8 margin = 36 -> 48; boxes at an edge are pushed inside."""
    assert box_range(low, high, limit=limit) == expected
