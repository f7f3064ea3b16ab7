"""The gate before the model repository: a file that fails one check is not put down, and the error names the check.

The checks, in order, with the error's reason:

- GATE_SIZE: the file is larger than the repository allows.
- GATE_CONTRACT: an ONNX graph's inputs and outputs are not those of the contract (name, type, channels, free axes).
- GATE_SHAPE: the network does not run, or answers in another shape or type: at a batch of 3, a batch of 1, and at
  another height.
- GATE_BATCH: a sample's answer depends on the batch it comes in.
- GATE_NUMERIC: an answer differs from torch in fp32 by more than the kind of network tolerates.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from gliosynth.errors import ModelError
from training.export.contract import Answer, Contract, TensorContract
from training.export.runners import Runner

LEAST_EQUAL_SHARE: Final = 0.999
"""Share of equal pixels that must be exceeded."""

BATCH: Final = 3
"""Samples that are answered together and one by one."""

BATCH_SHARE: Final = 0.1
"""Share of the numeric tolerance within which a sample's answers in two batches agree."""

ONNX_TYPES: Final = {"FP32": TensorProto.FLOAT, "UINT8": TensorProto.UINT8}
"""ONNX's number of each type of a contract."""


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may be from torch's.

    Attributes:
        largest: Largest absolute difference of a value, excluded.
        mean: Mean absolute difference, excluded.
        threshold: Value that divides pixels; two pixels are equal when they are on its same side. None: when they
            differ by less than `largest`.
        unit: What the values are, for the error and the card: ``"logit"``.
    """

    largest: float
    mean: float
    threshold: float | None
    unit: str


@dataclass(frozen=True)
class Parity:
    """Agreement of an exported file with torch in fp32.

    Attributes:
        engine: Name, version and precision of the engine.
        largest: Largest absolute difference of a value.
        mean: Mean absolute difference.
        equal_share: Share of equal pixels, 0 to 1.
    """

    engine: str
    largest: float
    mean: float
    equal_share: float

    def passes(self, tolerance: Tolerance) -> bool:
        """Returns whether all limits hold; a value that is not a number fails."""
        close = self.largest < tolerance.largest and self.mean < tolerance.mean
        return close and self.equal_share > LEAST_EQUAL_SHARE


def check_size(path: Path, *, limit_mib: float) -> None:
    """Refuses a file that is too large.

    Raises:
        ModelError: GATE_SIZE.
    """
    size_mib = path.stat().st_size / 2**20
    if size_mib > limit_mib:
        raise _stopped(
            "GATE_SIZE",
            path.name,
            f"{size_mib:.1f} MiB, at most {limit_mib:g} MiB go into this repository",
            "--limit-mib",
        )


def check_graph(path: Path, contract: Contract) -> None:
    """Refuses an ONNX graph whose inputs and outputs are not the contract's.

    Raises:
        ModelError: GATE_CONTRACT.
    """
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # protobuf's errors differ between its versions
        raise _stopped("GATE_CONTRACT", path.name, "is no ONNX file", "the exporter") from error
    for what, found, wanted in (("input", graph.input, (contract.input,)), ("output", graph.output, contract.outputs)):
        seen, asked = [_seen(value) for value in found], [_asked(one) for one in wanted]
        if seen != asked:
            raise _stopped("GATE_CONTRACT", path.name, f"{what} is {seen}, the contract says {asked}", "the exporter")


def check_answers(
    runner: Runner, reference: Runner, inputs: NDArray[Any], *, contract: Contract, tolerance: Tolerance
) -> Parity:
    """Returns the agreement of a file with torch, after it has answered in every shape and batch.

    Args:
        runner: The file in an engine.
        reference: Torch in fp32.
        inputs: At least `BATCH` samples ``(N, C, H, W)`` of what the network is made for.
        contract: Input and outputs.
        tolerance: Limits of the difference.

    Raises:
        ModelError: GATE_SHAPE, GATE_BATCH or GATE_NUMERIC.
    """
    together = answer(runner, inputs[:BATCH], contract)
    alone = [answer(runner, inputs[i : i + 1], contract) for i in range(BATCH)]
    for position, one in enumerate(contract.outputs):
        apart = float(np.abs(together[position] - np.concatenate([each[position] for each in alone])).max())
        if not apart < BATCH_SHARE * tolerance.largest:
            raise _stopped(
                "GATE_BATCH",
                runner.engine,
                f"{one.name} of a sample changes by {apart:.3g} with its batch",
                "the exporter",
            )
    taller = np.concatenate([inputs[:1], inputs[:1]], axis=2)
    parts = [inputs[i : i + contract.max_batch] for i in range(0, len(inputs), contract.max_batch)]
    pairs = [(answer(reference, part, contract), answer(runner, part, contract)) for part in (*parts, taller)]
    return judged(compare(runner.engine, pairs, tolerance), tolerance)


def answer(runner: Runner, inputs: NDArray[Any], contract: Contract) -> Answer:
    """Returns a runner's answer to a batch, if it has the contract's shapes and types.

    Raises:
        ModelError: GATE_SHAPE.
    """
    batch, _, height, width = inputs.shape
    wanted = [(one.shape(batch, height, width), one.dtype) for one in contract.outputs]
    try:
        answers = runner.run(np.ascontiguousarray(inputs))
    except Exception as error:  # the engines' exceptions share no public base class
        why = f"does not run on {inputs.shape}: {str(error).splitlines()[0][:200]}"
        raise _stopped("GATE_SHAPE", runner.engine, why, "the exporter") from error
    found = [(one.shape, one.dtype) for one in answers]
    if found != wanted:
        raise _stopped("GATE_SHAPE", runner.engine, f"answers {found} to {inputs.shape}, not {wanted}", "the exporter")
    return answers


def compare(engine: str, pairs: list[tuple[Answer, Answer]], tolerance: Tolerance) -> Parity:
    """Returns the agreement of pairs of answers: torch's and the engine's."""
    expected = np.concatenate([value.ravel() for first, _ in pairs for value in first]).astype(np.float64)
    given = np.concatenate([value.ravel() for _, second in pairs for value in second]).astype(np.float64)
    difference = np.abs(expected - given)
    if tolerance.threshold is None:
        equal = difference < tolerance.largest
    else:
        equal = (expected > tolerance.threshold) == (given > tolerance.threshold)
    return Parity(engine, float(difference.max()), float(difference.mean()), float(equal.mean()))


def judged(parity: Parity, tolerance: Tolerance) -> Parity:
    """Returns an agreement that passes.

    Raises:
        ModelError: GATE_NUMERIC.
    """
    if not parity.passes(tolerance):
        why = (
            f"differs from torch by {parity.largest:.3g} in a {tolerance.unit} (mean {parity.mean:.3g}) and agrees on"
            f" {parity.equal_share:.5f} of the pixels; below {tolerance.largest:.3g}, {tolerance.mean:.3g} and above"
            f" {LEAST_EQUAL_SHARE} are asked"
        )
        raise _stopped("GATE_NUMERIC", parity.engine, why, "the faulty operator")
    return parity


def _seen(value: Any) -> tuple[str, int, tuple[int | str, ...]]:
    """Returns name, type and axes of a graph's tensor, ``"free"`` for an axis of any size."""
    axes = value.type.tensor_type.shape.dim
    sizes = tuple(axis.dim_value if axis.HasField("dim_value") else "free" for axis in axes)
    return value.name, value.type.tensor_type.elem_type, sizes


def _asked(one: TensorContract) -> tuple[str, int, tuple[int | str, ...]]:
    return one.name, ONNX_TYPES[one.type], ("free", one.channels, "free", "free")


def _stopped(reason: str, what: str, why: str, remedy: str) -> ModelError:
    return ModelError(
        f"gate, {reason.removeprefix('GATE_').lower()}: {what} {why}; correct {remedy} and export again, nothing was"
        " written",
        field=what,
        got=why[:80],
        reason=reason,
    )
