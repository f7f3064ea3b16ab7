"""What goes into a served network and what comes out: names, types and shapes, the same in every file format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

TensorType = Literal["FP32", "UINT8"]
"""Data types of the networks' tensors, named as config.pbtxt names them (``TYPE_FP32``)."""

NUMPY_TYPES: Final[Mapping[TensorType, type[np.generic]]] = {"FP32": np.float32, "UINT8": np.uint8}
"""NumPy's name of each type."""

TORCH_TYPES: Final[Mapping[TensorType, torch.dtype]] = {"FP32": torch.float32, "UINT8": torch.uint8}
"""Torch's name of each type."""

MAX_BATCH: Final = 16
"""Largest batch that a configuration admits."""


@dataclass(frozen=True)
class TensorContract:
    """One input or output: ``(B, channels, H / shrink, W / shrink)``, batch, height and width free.

    Attributes:
        name: Its name in the file and in config.pbtxt.
        type: Its data type.
        channels: Its second axis.
        shrink: By how much it is smaller than the input along each side.
    """

    name: str
    type: TensorType
    channels: int
    shrink: int = 1

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """NumPy's data type."""
        return np.dtype(NUMPY_TYPES[self.type])

    def shape(self, batch: int, height: int, width: int) -> tuple[int, int, int, int]:
        """Returns its shape for an input of a batch, height and width."""
        return batch, self.channels, height // self.shrink, width // self.shrink


@dataclass(frozen=True)
class Contract:
    """Input and outputs of a network.

    Attributes:
        input: The only input; the argument of ``forward`` has its name.
        outputs: In the order in which the network returns them.
        multiple: Height and width of the input are multiples of this.
        size: Height and width that the network is typically run at: warm-up and speed are of it.
        max_batch: Largest batch.
    """

    input: TensorContract
    outputs: tuple[TensorContract, ...]
    multiple: int
    size: tuple[int, int]
    max_batch: int = MAX_BATCH

    def example(self) -> torch.Tensor:
        """Returns an input of zeros, two samples of unequal sides, for tracing."""
        shape = self.input.shape(2, 2 * self.multiple, 3 * self.multiple)
        return torch.zeros(shape, dtype=TORCH_TYPES[self.input.type])


Answer = tuple[NDArray[Any], ...]
"""Outputs of a network, in the order of its contract."""
