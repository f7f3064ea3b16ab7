"""Sizes of the study, one line each: which networks, how many cases, how long each is trained."""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from training.data.ring import RingShape
from training.loop.options import LoopOptions
from training.networks.unet2d import UNet2dSpec
from training.segmentation.options import loop_defaults
from training.segmentation.presets import Preset, segmenter

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts of the synthetic cases that are added to the base cases, as in paper 002; each lies inside the next."""


@dataclass(frozen=True)
class StudyPreset:
    """A size of the study.

    Attributes:
        name: What ``--preset`` calls it.
        segmenters: One network each for WT, TC and ET.
        loop: Course of every run; the seed is set by the study.
        seeds: Seeds of the networks, their batches and the order of the synthetic cases.
        base_cases: Base cases to simulate; a folder is taken as it is.
        synthetic_cases: Synthetic cases to simulate; a generator makes one of each base case.
        held_out_cases: Cases to simulate for evaluation.
        held_out_share: Share of a folder's patients that is held out for evaluation.
        shape: Size of the rings; the number of slots does not count.
        simulated: What ``simulator`` stands for: heads (`gliosynth.contrast`) or balls (`training.data.fakes`).
    """

    name: str
    segmenters: tuple[Preset, Preset, Preset]
    loop: LoopOptions
    seeds: tuple[int, ...]
    base_cases: int
    synthetic_cases: int
    held_out_cases: int
    held_out_share: float
    shape: RingShape
    simulated: str = "heads"

    def segmenter(self, region: Region) -> Preset:
        """Returns the network of a region."""
        return next(one for one in self.segmenters if one.region is region)


def _sized(name: str, widths: tuple[int, ...], crop: tuple[int, int], *, jitter_px: int) -> Preset:
    """Returns the shipped network of a region with other widths on smaller slices."""
    return replace(segmenter(name), name=f"study-{name}", spec=UNet2dSpec(4, widths), crop=crop, jitter_px=jitter_px)


_BALLS: Final = tuple(_sized(name, (8, 12, 16, 24), (48, 64), jitter_px=4) for name in ("wt", "tc", "et"))
_SMALL: Final = (
    _sized("wt", (8, 16, 32, 48), (144, 176), jitter_px=8),
    _sized("tc", (12, 24, 40, 64), (96, 96), jitter_px=16),
    _sized("et", (12, 24, 40, 64), (96, 96), jitter_px=16),
)
_FOLDER_SHAPE: Final = RingShape(slots=1, slices=80, slice_mm=2.0)

PRESETS: Final = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            StudyPreset(
                "tiny", (_BALLS[0], _BALLS[1], _BALLS[2]),
                LoopOptions(steps=40, batch=4, learning_rate=2e-2, warm_up=2, ema=0.8, evaluate_every=20),
                (0,), 3, 4, 6, 0.5, RingShape(slots=1, slices=12, height=64, width=80), "balls",
            ),
            StudyPreset(
                "small", _SMALL,
                LoopOptions(steps=300, batch=8, learning_rate=4e-3, warm_up=20, ema=0.98, evaluate_every=150),
                (0, 1), 8, 16, 12, 0.3, _FOLDER_SHAPE,
            ),
            StudyPreset(
                "shipped", (segmenter("wt"), segmenter("tc"), segmenter("et")),
                LoopOptions(steps=4000, batch=16), (0, 1, 2), 64, 64, 40, 0.25, _FOLDER_SHAPE,
            ),
            StudyPreset(
                "paper", (segmenter("unet64"), segmenter("unet64-tc"), segmenter("unet64-et")),
                replace(loop_defaults(segmenter("unet64")), steps=100_000, report_every=500, evaluate_every=5000),
                (0, 1, 2), 210, 210, 75, 0.26, replace(_FOLDER_SHAPE, slices=160, slice_mm=1.0),
            ),
        )
    }
)  # fmt: skip
"""``tiny`` checks the machinery on balls in a minute; ``small`` is half an hour on one CPU core; ``shipped`` has the
networks that are served; ``paper`` has paper 002's (210 cases, 75 held out, base 64, about 100 epochs of 64 slices)."""


def preset_named(name: str) -> StudyPreset:
    """Returns a preset.

    Raises:
        InvalidParameterError: There is none of this name.
    """
    if name not in PRESETS:
        raise InvalidParameterError(f"there is no study {name!r}; choose one of {', '.join(PRESETS)}", field="preset")
    return PRESETS[name]
