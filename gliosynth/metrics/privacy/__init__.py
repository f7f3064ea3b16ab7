"""Memorisation: how near a synthetic case comes to a record that it must not repeat (METHODS.md D.3)."""

from gliosynth.metrics.privacy.closest import ClosestRecords
from gliosynth.metrics.privacy.correlation import closest_by_correlation
from gliosynth.metrics.privacy.geometry import closest_by_dice, pairwise_dice
from gliosynth.metrics.privacy.records import closest_distances, neighbour_ratios, overfit_share

__all__ = [
    "ClosestRecords",
    "closest_by_correlation",
    "closest_by_dice",
    "closest_distances",
    "neighbour_ratios",
    "overfit_share",
    "pairwise_dice",
]
