"""Puts a network into the model repository: writes files, holds them to the gate, describes them, puts them down."""

import copy
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import torch
from numpy.typing import NDArray
from torch import nn

from gliosynth.errors import InvalidParameterError
from training.export.card import CardText, ExportReport, card_text
from training.export.config import SERVED_VERSIONS, Device, config_text
from training.export.contract import Contract
from training.export.gate import BATCH, Tolerance, check_answers, check_graph, check_size
from training.export.onnx_file import serving_network, write_half_onnx, write_onnx
from training.export.repository import (
    Version,
    digest_of,
    keeps_meaning,
    next_version,
    put_version,
    versions_of,
)
from training.export.runners import Runner, half_runner, onnx_runners, torch_runner, torchscript_runners
from training.export.speed import measure_speed
from training.export.torchscript import write_torchscript

FILE_LIMIT_MIB: Final = 16.0
"""Largest model file in git (DESIGN 7)."""

HALF_SLACK: Final = 10.0
"""How many times further from fp32 a network may be that computes in fp16; its pixels must be equal all the same."""


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A network with all that serving it needs.

    Attributes:
        name: Its folder in the repository.
        network: The network, as trained.
        contract: Input and outputs.
        parameters: What callers must know, by name, for config.pbtxt.
        tolerance: How far an exported file may be from it.
        samples: Inputs of what it is made for, ``(N, C, H, W)``, at least three.
        card: What its card says.
    """

    name: str
    network: nn.Module
    contract: Contract
    parameters: Mapping[str, str]
    tolerance: Tolerance
    samples: NDArray[Any]
    card: CardText


@dataclass(frozen=True)
class ExportOptions:
    """Where a model goes, and in which formats.

    Attributes:
        repository: The model repository.
        version: Number of the version; None for the next.
        torchscript: Whether a sister model holds TorchScript.
        half: Whether a sister model computes in fp16.
        device: Where Triton runs it.
        limit_mib: Largest ONNX file; TorchScript, whose weights are fp32, may have twice that.
        write: Whether to put it down; without, the gate alone is run.
    """

    repository: Path
    version: int | None = None
    torchscript: bool = False
    half: bool = False
    device: Device = "auto"
    limit_mib: float = FILE_LIMIT_MIB
    write: bool = True


@dataclass(frozen=True)
class FileFormat:
    """A format of exported files.

    Attributes:
        suffix: What the sister model's name ends in.
        title: What it is, for the card.
        backend: Triton's backend.
        file: Name of the file in a version folder.
        write: Writes a network from `serving_network`.
        size_factor: Bytes of a weight as a multiple of ONNX's.
        slack: Factor on the tolerance.
    """

    suffix: str
    title: str
    backend: str
    file: str
    write: Callable[[nn.Module, Path, Contract], None]
    size_factor: float = 1.0
    slack: float = 1.0


ONNX: Final = FileFormat("", "ONNX, weights stored as fp16, fp32 arithmetic", "onnxruntime", "model.onnx", write_onnx)
"""What is served everywhere."""

TORCHSCRIPT: Final = FileFormat("_torchscript", "TorchScript, fp32", "pytorch", "model.pt", write_torchscript, 2.0)
"""For Triton's `pytorch` backend."""

HALF: Final = FileFormat(
    "_fp16", "ONNX, fp16 arithmetic, fp32 at both ends", "onnxruntime", "model.onnx", write_half_onnx, slack=HALF_SLACK
)
"""For GPUs, whose tensor cores want fp16."""


@dataclass(frozen=True)
class Exported:
    """A model that passed the gate.

    Attributes:
        name: Its folder.
        version: Where it went, or would go.
        report: What the gate saw.
    """

    name: str
    version: Version
    report: ExportReport


@dataclass(frozen=True)
class Passed:
    """A file in a scratch folder that may be put down.

    Attributes:
        exported: Name, version and report.
        file: The file.
        config: Text of its config.pbtxt.
        card: Text of its card.
    """

    exported: Exported
    file: Path
    config: str
    card: str


def read_facts(weights: Path) -> dict[str, Any]:
    """Returns the JSON beside weights: what the network is and how it was trained.

    Raises:
        InvalidParameterError: There is no such file (NO_WEIGHTS).
    """
    path = weights.with_suffix(".json")
    if not (path.is_file() and weights.is_file()):
        raise InvalidParameterError(
            f"{weights}: the weights or the facts beside them ({path.name}) are missing; name a file that a training"
            " run wrote, such as RUN/best.safetensors",
            field="weights",
            got=str(weights),
            reason="NO_WEIGHTS",
        )
    return cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))


def export_model(model: ServedModel, options: ExportOptions) -> list[Exported]:
    """Writes one model, and its sister models, if the gate lets all of them pass.

    Args:
        model: What to write.
        options: Where, and in which formats.

    Raises:
        ModelError: A file does not pass the gate (`training.export.gate`); the repository is as it was.
        InvalidParameterError: The version cannot be written (BAD_VERSION).
    """
    formats = [ONNX, *([TORCHSCRIPT] if options.torchscript else []), *([HALF] if options.half else [])]
    with tempfile.TemporaryDirectory() as scratch:
        passed = [hold_to_gate(model, each, options, scratch=Path(scratch)) for each in formats]
        for one in passed if options.write else ():
            put_version(one.exported.version, files=(one.file,), config=one.config, card=one.card)
    return [one.exported for one in passed]


def hold_to_gate(model: ServedModel, form: FileFormat, options: ExportOptions, *, scratch: Path) -> Passed:
    """Returns a file of one format that passed the gate, with its configuration and card.

    Args:
        model: What to write.
        form: The format.
        options: Where it will go.
        scratch: A folder for the file.

    Raises:
        ModelError: See `export_model`.
    """
    name = model.name + form.suffix
    version = next_version(options.repository / name, wanted=options.version)
    file = scratch / name / str(version.number) / form.file
    file.parent.mkdir(parents=True)
    serving = serving_network(model.network)
    form.write(serving, file, model.contract)
    config = configuration(model, form, version, device=options.device)
    report = gate_report(model, form, file, limit_mib=options.limit_mib)
    report = replace(report, digest=digest_of(config, file))
    card = card_text(name, model.card, report)
    return Passed(Exported(name, version, report), file, config, card)


def gate_report(model: ServedModel, form: FileFormat, file: Path, *, limit_mib: float) -> ExportReport:
    """Returns what the gate saw of a file that passes, the digest still open.

    Raises:
        ModelError: It does not pass.
    """
    check_size(file, limit_mib=limit_mib * form.size_factor)
    if form.backend == "onnxruntime":
        check_graph(file, model.contract)
    reference = torch_runner(copy.deepcopy(model.network).eval())
    tolerance = replace(
        model.tolerance, largest=model.tolerance.largest * form.slack, mean=model.tolerance.mean * form.slack
    )
    runners = open_file(model, form, file)
    seen = [(each, model.samples) for each in runners]
    if form is HALF:
        # On a CPU the engines compute much of an fp16 graph in fp32; torch in fp16 shows what rounding every layer
        # does. It takes seconds a slice, so it sees the fewest that the gate can do with, and is not timed.
        seen.insert(0, (half_runner(serving_network(model.network)), model.samples[:BATCH]))
    parities = tuple(
        check_answers(each, reference, samples, contract=model.contract, tolerance=tolerance) for each, samples in seen
    )
    speeds = tuple(measure_speed(each, model.samples[:1]) for each in (reference, *runners))
    height, width = model.samples.shape[2:]
    size_mib = file.stat().st_size / 2**20
    return ExportReport(
        form.title, size_mib, "", parities, speeds, (height, width), torch.get_num_threads(), model.tolerance.unit
    )


def open_file(model: ServedModel, form: FileFormat, file: Path) -> list[Runner]:
    """Returns the engines that serve a file."""
    return torchscript_runners(file) if form.backend == "pytorch" else onnx_runners(file, model.contract)


def configuration(model: ServedModel, form: FileFormat, version: Version, *, device: Device) -> str:
    """Returns config.pbtxt; versions before are served beside it only where they mean the same."""
    name = model.name + form.suffix
    text = config_text(
        name,
        model.contract,
        backend=form.backend,
        parameters=model.parameters,
        device=device,
        versions=SERVED_VERSIONS,
    )
    others = [number for number in versions_of(version.folder) if number != version.number]
    if not others or keeps_meaning(version.folder, text):
        return text
    return text.replace(f"num_versions: {SERVED_VERSIONS}", "num_versions: 1")
