"""Memorisation: how near a synthetic case comes to a record that it must not repeat (METHODS.md D.3)."""

from gliosynth.metrics.privacy.correlation import ClosestRecords, closest_by_correlation
from gliosynth.metrics.privacy.geometry import pairwise_dice
from gliosynth.metrics.privacy.records import closest_distances, neighbour_ratios, overfit_share

__all__ = [
    "ClosestRecords",
    "closest_by_correlation",
    "closest_distances",
    "neighbour_ratios",
    "overfit_share",
    "pairwise_dice",
]
