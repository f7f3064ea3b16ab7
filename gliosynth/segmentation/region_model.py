"""What the cascade asks of a network: slices in, logits out, several batches in flight."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import ModelError

Batch = NDArray[np.float32]
"""``(B, C, H, W)`` float32: axial slices, H along X and W along Y of the volume."""

CHECK_INTERVAL_S: Final = 0.1
"""How often in seconds a wait for a model looks whether its caller is still there."""


class RegionModel(Protocol):
    """A network that finds one region in axial slices.

    It may run anywhere: in this process, on another machine, or be a function in a test.
    """

    @property
    def channels(self) -> tuple[str, ...]:
        """Its input channels in order, such as ``("t1c-t1n", "t1c", "t2w", "t2f")``, see `channels`."""
        ...

    @property
    def batch_size(self) -> int:
        """The most slices it takes at once."""
        ...

    @property
    def threshold(self) -> float:
        """Probability in 0 to 1 (exclusive) above which a voxel belongs to the region."""
        ...

    def submit(self, batch: Batch) -> "Future[Batch]":
        """Starts one batch and returns at once.

        Args:
            batch: ``(B, C, H, W)`` float32 with B at most `batch_size`, H and W multiples of 16.

        Returns:
            A future of the logits ``(B, 1, H, W)`` float32. Cancelling it stops the work where the engine can.
        """
        ...


@dataclass(frozen=True, eq=False)
class _Running:
    """A batch that was submitted: the Z indices of its slices and the answer to come."""

    indices: NDArray[np.intp]
    shape: tuple[int, ...]
    future: "Future[Batch]"


def stream_logits(
    model: RegionModel,
    batches: Iterator[tuple[NDArray[np.intp], Batch]],
    *,
    in_flight: int,
    check: Callable[[], None],
) -> Iterator[tuple[NDArray[np.intp], Batch]]:
    """Yields the logits of each batch in the order given, with several batches in flight.

    Args:
        model: The network.
        batches: Pairs of Z indices ``(B,)`` and slices ``(B, C, H, W)``; drawn no earlier than they can be submitted.
        in_flight: The most batches that are submitted and not yet answered.
        check: Called before each batch and while one is awaited; what it raises stops the work and is passed on.

    Yields:
        The Z indices and the logits ``(B, 1, H, W)``.

    Raises:
        ModelError: The model answers another shape or values that are not finite (BAD_LOGITS).
    """
    running: deque[_Running] = deque()
    try:
        for indices, batch in batches:
            check()
            running.append(_Running(indices, batch.shape, model.submit(batch)))
            if len(running) >= in_flight:
                yield _answer(running.popleft(), check)
        while running:
            yield _answer(running.popleft(), check)
    finally:
        for left in running:
            left.future.cancel()


def _answer(running: _Running, check: Callable[[], None]) -> tuple[NDArray[np.intp], Batch]:
    try:
        while not wait([running.future], timeout=CHECK_INTERVAL_S).done:
            check()
    except BaseException:
        running.future.cancel()
        raise
    logits = running.future.result()
    batch, _, height, width = running.shape
    if logits.shape != (batch, 1, height, width) or not np.isfinite(logits).all():
        raise ModelError(
            f"the model answered logits of shape {logits.shape}, or not finite, to slices of shape {running.shape};"
            f" expected {(batch, 1, height, width)} and finite values: export the model again",
            field="logits",
            got=str(logits.shape),
            reason="BAD_LOGITS",
        )
    return running.indices, logits
