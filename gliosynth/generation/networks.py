"""Generator networks as the library sees them: brain maps in, contrasts out, whoever runs them.

A joint network paints four contrasts at once, each from its own brain map; a network of one contrast paints that one.
A set of networks paints every contrast once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import CONTRASTS, Contrast

Generate = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""A network: brain maps ``(B, M, H, W)`` uint8, values of `gliosynth.brain_map.BrainChannel`, to unit intensities
``(B, M, H, W)`` float32 in 0 to 1; M is the number of its contrasts."""


@dataclass(frozen=True)
class NetworkIdentity:
    """Which network painted, for the lineage of what it painted.

    Attributes:
        name: The model.
        version: Its version.
        digest: ``"sha256:..."`` of its files.
        engine: What computed it, with version and precision: ``"onnxruntime 1.27.0 fp32"``.
        trained_on: What images it was trained on, in words.
    """

    name: str
    version: str
    digest: str
    engine: str
    trained_on: str

    @property
    def text(self) -> str:
        """Everything but its training, in one line: ``"name/1@sha256:... (onnxruntime 1.27.0 fp32)"``."""
        return f"{self.name}/{self.version}@{self.digest} ({self.engine})"


@dataclass(frozen=True)
class SliceSize:
    """Heights and widths of the slices that a network takes.

    Attributes:
        multiple: Both are multiples of this many pixels.
        fixed: The one height and width that it takes, or None where any multiple will do.
    """

    multiple: int = 1
    fixed: tuple[int, int] | None = None

    def holding(self, extent: tuple[int, int]) -> tuple[int, int]:
        """Returns the smallest height and width that hold an extent.

        Args:
            extent: Pixels along both axes that must fit.

        Raises:
            InvalidParameterError: The one size is too small (SLICE_TOO_LARGE).
        """
        height, width = (-(-size // self.multiple) * self.multiple for size in extent)
        if self.fixed is None:
            return height, width
        if any(size > most for size, most in zip(extent, self.fixed, strict=True)):
            raise InvalidParameterError(
                f"grid: the brain is {extent[0]} x {extent[1]} voxels in a slice, the generator's network takes"
                f" {self.fixed[0]} x {self.fixed[1]}; ask for a grid of larger voxels",
                field="grid",
                got=f"{extent[0]} x {extent[1]}",
                reason="SLICE_TOO_LARGE",
            )
        return self.fixed


@dataclass(frozen=True, eq=False)
class GeneratorNetwork:
    """One network.

    Attributes:
        identity: Which one.
        contrasts: What it paints, in the order of its channels.
        size: Slices that it takes.
        batch_size: Most slices at once.
        generate: Runs it.
    """

    identity: NetworkIdentity
    contrasts: tuple[Contrast, ...]
    size: SliceSize
    batch_size: int
    generate: Generate


def check_networks(networks: Sequence[GeneratorNetwork]) -> None:
    """Refuses networks that do not paint every contrast once.

    Args:
        networks: Together one generator.

    Raises:
        InvalidParameterError: A contrast is missing or painted twice (NOT_EVERY_CONTRAST_ONCE).
    """
    painted = [contrast for network in networks for contrast in network.contrasts]
    if sorted(painted) != sorted(CONTRASTS):
        raise InvalidParameterError(
            f"networks: they paint {', '.join(painted) or 'nothing'}; give networks that paint"
            f" {', '.join(CONTRASTS)} once each",
            field="networks",
            got=", ".join(painted),
            reason="NOT_EVERY_CONTRAST_ONCE",
        )
