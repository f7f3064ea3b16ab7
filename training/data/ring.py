"""A ring of simulated volumes on disk, renewed by worker processes while the trainer draws slices from it.

On two CPU cores one simulated volume feeds many slices (PROTOTYPE 9.7), so volumes wait in a ring of memory-mapped
files; a worker overwrites the oldest. Volume ``n`` is a function of ``(seed, n)`` alone: whichever process makes it,
its bytes are the same. A reader checks the slot's volume number before and after copying and draws again where a worker
came between (a sequence lock with one writer per slot).
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError

Z_LIMIT: Final = 5.0
"""Largest absolute z-score, as the normalisation clips it."""

QUANTUM: Final = Z_LIMIT / 127
"""z-score per step of the stored int8: .04, far below the noise of an MR image."""

BRAIN_BIT: Final = 4
"""Bit of the stored label byte that marks brain; the two bits below hold the tumour label."""

EMPTY: Final = -1
"""Volume number of a slot that holds nothing, or is being written."""

LEAST_BRAIN_PX: Final = 400
"""Pixels of brain below which a slice is not worth a sample: 4 cm2."""

ATTEMPTS: Final = 100
"""Draws before a ring is taken for unusable."""


class SimulatedVolume(Protocol):
    """What the ring takes from a simulated case."""

    @property
    def contrasts(self) -> NDArray[np.float32]:
        """z-scores ``(4, X, Y, Z)``, 0 outside the brain."""

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Tumour labels ``(X, Y, Z)``, 0 to 3."""

    @property
    def brain(self) -> NDArray[np.bool_]:
        """Brain mask ``(X, Y, Z)``."""


Simulate = Callable[[np.random.Generator], SimulatedVolume]
"""Makes one volume from its own generator."""


@dataclass(frozen=True, eq=False)
class Slices:
    """Axial slices as the trainer takes them.

    Attributes:
        contrasts: z-scores ``(N, 4, X, Y)`` float32.
        labels: Tumour labels ``(N, X, Y)`` uint8.
        brain: Brain mask ``(N, X, Y)``.
    """

    contrasts: NDArray[np.float32]
    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]


@dataclass(frozen=True)
class RingShape:
    """Size of a ring.

    Attributes:
        slots: Volumes held at once.
        slices: Most axial slices of a volume; a volume with more is cut at both ends.
        height: Pixels along X.
        width: Pixels along Y.
        slice_mm: Distance of the slices; pixels are 1 mm.
    """

    slots: int = 240
    slices: int = 80
    height: int = 160
    width: int = 192
    slice_mm: float = 2.0


class Ring:
    """Volumes in memory-mapped files, shared by one reader and several writers.

    Attributes:
        shape: Size of the ring.
        index: ``(slots, 2)`` int64: volume number (or `EMPTY`) and its slice count.
        areas: ``(slots, slices, 4)`` int32: pixels of brain, NCR, ED and ET on each slice.
    """

    def __init__(self, folder: Path) -> None:
        """Opens a ring that `create` made."""
        self.folder = folder
        self.shape = RingShape(**json.loads((folder / "ring.json").read_text()))
        self._images = np.load(folder / "images.npy", mmap_mode="r+")
        self._labels = np.load(folder / "labels.npy", mmap_mode="r+")
        self.index = np.load(folder / "index.npy", mmap_mode="r+")
        self.areas = np.load(folder / "areas.npy", mmap_mode="r+")

    @classmethod
    def create(cls, folder: Path, shape: RingShape) -> "Ring":
        """Makes an empty ring in a folder, or opens the one that is there.

        Raises:
            InvalidParameterError: The folder holds a ring of another shape.
        """
        if (folder / "ring.json").exists():
            ring = cls(folder)
            if ring.shape != shape:
                raise InvalidParameterError(
                    f"{folder} holds a ring of {ring.shape}, not {shape}; name another folder", field="ring"
                )
            return ring
        folder.mkdir(parents=True, exist_ok=True)
        slots, slices, plane = shape.slots, shape.slices, (shape.height, shape.width)
        _allocate(folder / "images.npy", (slots, slices, 4, *plane), np.int8, 0)
        _allocate(folder / "labels.npy", (slots, slices, *plane), np.uint8, 0)
        _allocate(folder / "areas.npy", (slots, slices, 4), np.int32, 0)
        _allocate(folder / "index.npy", (slots, 2), np.int64, EMPTY)
        (folder / "ring.json").write_text(json.dumps(vars(shape)))
        return cls(folder)

    @property
    def filled(self) -> int:
        """Number of slots that hold a volume."""
        return int((self.index[:, 0] != EMPTY).sum())

    @property
    def held(self) -> NDArray[np.intp]:
        """Slots that may be drawn from, ``(N,)``, in an order that depends on nothing but their volumes' numbers."""
        return np.flatnonzero(self.index[:, 0] != EMPTY)

    def advance(self, step: int) -> None:
        """Makes ready for a step's draws; a ring as it lies is always ready."""

    def pick(self, rng: np.random.Generator) -> "Ring":  # noqa: ARG002  # a mixture draws here
        """Returns itself: a ring is a mixture of one."""
        return self

    @property
    def next_volume(self) -> int:
        """Number of the volume after the newest one held."""
        return int(self.index[:, 0].max()) + 1

    def put(self, number: int, volume: SimulatedVolume) -> None:
        """Stores volume ``number`` in slot ``number mod slots``, cut or zero-padded around the brain's centre."""
        slot = number % self.shape.slots
        self.index[slot, 0] = EMPTY
        box = _centred_box(volume.brain, (self.shape.height, self.shape.width, self.shape.slices))
        byte = volume.labels | np.where(volume.brain, np.uint8(BRAIN_BIT), np.uint8(0))
        planes = _slices_first(_take(byte, box))
        scores = np.clip(np.rint(volume.contrasts / QUANTUM), -127, 127).astype(np.int8)
        for channel in range(scores.shape[0]):
            self._images[slot, :, channel] = _slices_first(_take(scores[channel], box))
        self._labels[slot] = planes
        kinds = (planes >= BRAIN_BIT, *((planes & 3) == label for label in (1, 2, 3)))
        self.areas[slot] = np.stack([kind.sum(axis=(1, 2)) for kind in kinds], axis=-1)
        self.index[slot, 1] = self.shape.slices
        self.index[slot, 0] = number

    def read(self, slot: int, planes: NDArray[np.intp]) -> Slices | None:
        """Returns slices of one slot, or None where a worker replaced the volume meanwhile."""
        number = int(self.index[slot, 0])
        images, byte = self._images[slot, planes], self._labels[slot, planes]
        if number == EMPTY or int(self.index[slot, 0]) != number:
            return None
        return Slices(images.astype(np.float32) * np.float32(QUANTUM), byte & np.uint8(3), byte >= BRAIN_BIT)


def feed(ring: Ring, simulate: Simulate, *, seed: int, numbers: Iterable[int]) -> None:
    """Fills the ring with the volumes of some numbers, each from a generator of its own."""
    for number in numbers:
        ring.put(number, simulate(np.random.default_rng([seed, number])))


def _allocate(path: Path, shape: tuple[int, ...], dtype: type[np.generic], value: int) -> None:
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if value:
        array[:] = value
    array.flush()


def _slices_first(array: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(array, 2, 0)


def _centred_box(brain: NDArray[np.bool_], size: tuple[int, int, int]) -> tuple[tuple[int, int], ...]:
    """Returns (start, stop) per axis of a box of some size around the centre of the brain's bounding box."""
    box = []
    for axis, length in enumerate(size):
        used = np.flatnonzero(brain.any(axis=tuple(other for other in range(3) if other != axis)))
        centre = (int(used[0]) + int(used[-1]) + 1) // 2 if used.size else brain.shape[axis] // 2
        box.append((centre - length // 2, centre - length // 2 + length))
    return tuple(box)


def _take(array: NDArray[Any], box: tuple[tuple[int, int], ...]) -> NDArray[Any]:
    """Returns a box of an array, zero where it reaches over the edge."""
    inside = tuple(slice(max(0, start), max(0, stop)) for start, stop in box)
    part = array[inside]
    before = [max(0, -start) for start, _ in box]
    padding = [
        (low, stop - start - low - have) for low, (start, stop), have in zip(before, box, part.shape, strict=True)
    ]
    return np.pad(part, padding)
