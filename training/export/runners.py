"""Runs an exported file on this machine's CPU in each engine that serves it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.export.contract import Answer, Contract
from training.export.onnx_file import HalfNetwork

Run = Callable[[NDArray[Any]], Answer]
"""Answers one batch."""

ONLY_ERRORS = 3
"""onnxruntime's log level that leaves out its remarks about graphs."""


@dataclass(frozen=True)
class Runner:
    """A file opened by an engine.

    Attributes:
        engine: Name, version and precision of the engine.
        run: Answers one batch.
    """

    engine: str
    run: Run


def torch_runner(network: nn.Module) -> Runner:
    """Returns torch itself on a network."""

    def run(inputs: NDArray[Any]) -> Answer:
        with torch.no_grad():
            answer = network(torch.from_numpy(inputs))
        tensors = (answer,) if isinstance(answer, Tensor) else tuple(answer)
        return tuple(tensor.numpy() for tensor in tensors)

    return Runner(f"torch {torch.__version__.split('+')[0]} fp32", run)


def half_runner(network: nn.Module) -> Runner:
    """Returns torch on a network in fp16: on a CPU this alone rounds every layer's result as a GPU does."""
    return Runner(f"torch {torch.__version__.split('+')[0]} fp16", torch_runner(HalfNetwork(network)).run)


def onnx_runners(path: Path, contract: Contract) -> list[Runner]:
    """Returns onnxruntime and OpenVINO on an ONNX file, both held to fp32 and to torch's number of threads."""
    return [onnxruntime_runner(path, contract), openvino_runner(path, contract)]


def onnxruntime_runner(path: Path, contract: Contract) -> Runner:
    """Returns onnxruntime on an ONNX file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ONLY_ERRORS
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in contract.outputs]

    def run(inputs: NDArray[Any]) -> Answer:
        return tuple(session.run(names, {contract.input.name: inputs}))

    return Runner(f"onnxruntime {onnxruntime.__version__}", run)


def openvino_runner(path: Path, contract: Contract) -> Runner:
    """Returns OpenVINO on an ONNX file, in fp32: its silent default differs between machines."""
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = core.compile_model(core.read_model(path), "CPU", options)

    def run(inputs: NDArray[Any]) -> Answer:
        answers = compiled({contract.input.name: inputs})
        return tuple(np.array(answers[one.name]) for one in contract.outputs)

    return Runner(f"OpenVINO {openvino.__version__.split('-')[0]} f32", run)


def torchscript_runners(path: Path) -> list[Runner]:
    """Returns torch on a TorchScript file; the contract's names are not in such a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        loaded = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    return [Runner(f"TorchScript, torch {torch.__version__.split('+')[0]}", torch_runner(loaded).run)]
