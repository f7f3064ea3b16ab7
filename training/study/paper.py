"""The figures of paper 002's own study, as printed: they stand beside ours, and show what a table must not say.

``seeds/002``: section 3.1, tables one and two; section 3.2, table three.
"""

from types import MappingProxyType
from typing import Final

from gliosynth.labels import Contrast, Region
from training.study.rows import Metric

ARMS: Final = ("base", "+1/4", "+1/2", "+3/4", "+all")
"""The paper's arms by our names: BraTS alone, and with nested shares of its synthetic images."""

TABLE_THREE: Final = MappingProxyType(
    {
        (Metric.DSC, Region.ET): (0.559, 0.506, 0.607, 0.520, 0.607),
        (Metric.DSC, Region.WT): (0.818, 0.789, 0.817, 0.841, 0.828),
        (Metric.DSC, Region.TC): (0.648, 0.638, 0.701, 0.664, 0.683),
        (Metric.SENSITIVITY, Region.ET): (0.704, 0.795, 0.843, 0.782, 0.621),
        (Metric.SENSITIVITY, Region.WT): (0.887, 0.899, 0.887, 0.829, 0.796),
        (Metric.SENSITIVITY, Region.TC): (0.662, 0.740, 0.751, 0.769, 0.648),
        (Metric.SPECIFICITY, Region.ET): (0.985, 0.985, 0.989, 0.985, 0.990),
        (Metric.SPECIFICITY, Region.WT): (0.987, 0.979, 0.987, 0.994, 0.994),
        (Metric.SPECIFICITY, Region.TC): (0.992, 0.990, 0.994, 0.991, 0.995),
        (Metric.HD95, Region.ET): (11.8, 16.2, 11.2, 13.7, 8.5),
        (Metric.HD95, Region.WT): (17.0, 23.1, 17.0, 11.4, 11.7),
        (Metric.HD95, Region.TC): (17.4, 22.2, 17.0, 16.8, 13.4),
    }
)
"""Means by metric and region, one an arm; 75 BraTS 2018 cases were held out. Distances in mm."""

BEST_COUNTS: Final = (0, 1, 3, 4, 6)
"""Metrics in which an arm is the best or ties with it, of twelve, as section 3.2 counts them."""

IMAGE_TABLE: Final = MappingProxyType(
    {
        Contrast.T1N: (19.246, 23.375, 43.068, 0.443, 0.788),
        Contrast.T1C: (19.249, 22.805, 43.054, 0.437, 0.789),
        Contrast.T2W: (19.246, 23.391, 43.102, 0.45, 0.784),
        Contrast.T2F: (18.930, 24.119, 43.126, 0.46, 0.794),
    }
)
"""Table one: mean MSE, MAE, PSNR in dB, its spread, SSIM; "pixel range 0-255"."""

IMAGE_RANGE: Final = 255.0
"""Stated range of table one."""

MISCLASSIFIED_PERCENT: Final = MappingProxyType(
    {Contrast.T1N: 10.5, Contrast.T1C: 26.3, Contrast.T2W: 26.3, Contrast.T2F: 26.3}
)
"""Table two: one physician, 9 real and 10 synthetic images a contrast; 50 % is indistinguishable."""
