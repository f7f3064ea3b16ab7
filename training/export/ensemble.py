"""Joins the three segmenters: an ensemble that takes a batch of slices once and gives WT, TC and ET.

``contrasts`` FP32 ``(B, 4, H, W)``, the z-scores t1n, t1c, t2w, t2f -> ``logits_wt``, ``logits_tc``, ``logits_et`` FP32
``(B, 1, H, W)``. A segmenter whose first channel is t1c - t1n gets it from a model of its own, `segmenter_channels`: so
the segmenters' graphs stay what the cascade of the segmentation service calls, and their weights exist once. The
service does not call the ensemble: its cascade runs TC and ET in WT's box alone, which is less work; the ensemble is
for callers that have slices and no volume.
"""

import argparse
import re
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper

from gliosynth.errors import InvalidParameterError, ModelError
from gliosynth.labels import CONTRASTS, REGIONS, Region
from gliosynth.segmentation.channels import Channel, parse_channels
from training.export.card import LICENCE
from training.export.config import SERVED_VERSIONS, config_text, tensor_text
from training.export.contract import MAX_BATCH, Contract, TensorContract
from training.export.gate import check_graph
from training.export.onnx_file import OPSET
from training.export.repository import Version, next_version, put_version
from training.export.runners import Runner, onnx_runners

NAME: Final = "segmenter"
"""Folder of the ensemble."""

STEP_NAME: Final = "segmenter_channels"
"""Folder of the step that computes the differences."""

CONTRASTS_NAME: Final = "contrasts"
"""The ensemble's input, and the segmenters'."""

LOGITS_NAME: Final = "logits"
"""The segmenters' output."""

IR_VERSION: Final = 8
"""ONNX file format that goes with the operator set."""

PLACEHOLDER: Final = ".gitkeep"
"""An ensemble's version folder holds nothing that Triton reads, and git keeps no empty folders."""

PARAMETER: Final = 'parameters {{ key: "{}" value: {{ string_value: "([^"]*)" }} }}'
"""A parameter as `training.export.config` writes it."""

Channels = tuple[Channel, ...]
"""Input channels of a segmenter."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    parser.add_argument("--version", type=int, help="version to write; the newest may be replaced (default: the next)")


def export_ensemble(repository: Path, *, version: int | None = None) -> list[Version]:
    """Writes the ensemble over the three segmenters of a repository, and the step that it needs.

    Args:
        repository: Holds ``segmenter_wt``, ``segmenter_tc`` and ``segmenter_et``.
        version: Number of the version; None for the next.

    Returns:
        What was written: the step, where a segmenter wants differences, and the ensemble.

    Raises:
        InvalidParameterError: A segmenter is missing (NO_SEGMENTER) or sees the slices beside (NEEDS_VOLUME).
        ModelError: The step does not pass the gate.
    """
    channels = {region: channels_of(repository, region) for region in REGIONS}
    made = list(dict.fromkeys(each for each in channels.values() if each != plain()))
    with tempfile.TemporaryDirectory() as scratch:
        step = Path(scratch) / "model.onnx"
        if made:
            onnx.save(channels_graph(made), step)
            check_step(step, made)
        written = [put_step(repository, step, made, version)] if made else []
        keep = Path(scratch) / PLACEHOLDER
        keep.touch()
        place = next_version(repository / NAME, wanted=version)
        put_version(place, files=(keep,), config=ensemble_text(channels, made), card=ensemble_card(channels))
    return [*written, place]


def channels_of(repository: Path, region: Region) -> Channels:
    """Returns the input channels of a region's segmenter, as its config.pbtxt names them.

    Raises:
        InvalidParameterError: See `export_ensemble`.
    """
    path = repository / f"{NAME}_{region.lower()}" / "config.pbtxt"
    found = re.search(PARAMETER.format("channels"), path.read_text(encoding="utf-8")) if path.is_file() else None
    if found is None:
        raise InvalidParameterError(
            f"{path} is missing or names no channels; export the segmenter of {region} into this repository first",
            field="repository",
            got=str(repository),
            reason="NO_SEGMENTER",
        )
    channels = parse_channels(tuple(found[1].split(",")))
    if any(channel.offset for channel in channels):
        raise InvalidParameterError(
            f"the segmenter of {region} sees the slices beside ({found[1]}), which an ensemble over single slices does"
            " not have; export one that sees a slice alone, or use the segmentation service",
            field="repository",
            got=found[1][:80],
            reason="NEEDS_VOLUME",
        )
    return channels


def plain() -> Channels:
    """Returns the four contrasts as they are: what needs no step."""
    return tuple(Channel(contrast) for contrast in CONTRASTS)


def tensor_name(position: int) -> str:
    """Returns the name of the step's output of a position."""
    return f"channels_{position}"


def step_contract(made: list[Channels]) -> Contract:
    """Returns input and outputs of the step."""
    outputs = tuple(TensorContract(tensor_name(i), "FP32", len(each)) for i, each in enumerate(made))
    return Contract(TensorContract(CONTRASTS_NAME, "FP32", len(CONTRASTS)), outputs, multiple=1, size=(16, 16))


def channels_graph(made: list[Channels]) -> onnx.ModelProto:
    """Returns the step's graph: split the contrasts, subtract, join; nothing in it is learned.

    Args:
        made: The lists of channels to make, one output each.
    """
    nodes = [helper.make_node("Split", [CONTRASTS_NAME], [str(contrast) for contrast in CONTRASTS], axis=1)]
    for position, channels in enumerate(made):
        parts = []
        for channel in channels:
            parts.append(str(channel.contrast))
            if channel.minus is not None:
                name = f"{tensor_name(position)}_{channel.contrast}_minus_{channel.minus}"
                nodes.append(helper.make_node("Sub", [str(channel.contrast), str(channel.minus)], [name]))
                parts[-1] = name
        nodes.append(helper.make_node("Concat", parts, [tensor_name(position)], axis=1))
    contract = step_contract(made)
    free = ["batch", "height", "width"]
    values = [
        helper.make_tensor_value_info(one.name, TensorProto.FLOAT, [free[0], one.channels, *free[1:]])
        for one in (contract.input, *contract.outputs)
    ]
    graph = helper.make_graph(nodes, STEP_NAME, values[:1], values[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def check_step(path: Path, made: list[Channels]) -> None:
    """Refuses a step whose graph is another, or whose answer is not NumPy's bit by bit in both engines.

    Raises:
        ModelError: GATE_CONTRACT or GATE_NUMERIC.
    """
    contract = step_contract(made)
    check_graph(path, contract)
    slices = np.random.default_rng(0).normal(size=(3, len(CONTRASTS), 4, 6)).astype(np.float32)
    for runner in onnx_runners(path, contract):
        _check_equal(runner, slices, made)


def _check_equal(
    runner: Runner, slices: np.ndarray[tuple[int, ...], np.dtype[np.float32]], made: list[Channels]
) -> None:
    names = list(CONTRASTS)
    for given, channels in zip(runner.run(slices), made, strict=True):
        expected = np.stack(
            [
                slices[:, names.index(one.contrast)]
                - (slices[:, names.index(one.minus)] if one.minus else np.float32(0))
                for one in channels
            ],
            axis=1,
        )
        if not np.array_equal(given, expected):
            raise ModelError(
                f"gate, numeric: {STEP_NAME} in {runner.engine} differs from NumPy's subtraction; nothing was written",
                field=runner.engine,
                reason="GATE_NUMERIC",
            )


def put_step(repository: Path, step: Path, made: list[Channels], version: int | None) -> Version:
    """Writes the step's model."""
    place = next_version(repository / STEP_NAME, wanted=version)
    config = config_text(
        STEP_NAME,
        step_contract(made),
        backend="onnxruntime",
        parameters={tensor_name(i): ",".join(map(expression, each)) for i, each in enumerate(made)},
        device="auto",
        versions=SERVED_VERSIONS,
    )
    card = (
        f"# {STEP_NAME}: differences of contrasts\n\nA step of the ensemble `{NAME}`: subtracts contrasts of axial"
        " slices; nothing in it is learned.\n\n## Licence\n\nApache-2.0, as the project.\n"
    )
    put_version(place, files=(step,), config=config, card=card)
    return place


def expression(channel: Channel) -> str:
    """Returns a channel as config.pbtxt writes it."""
    return str(channel.contrast) if channel.minus is None else f"{channel.contrast}-{channel.minus}"


def ensemble_text(channels: dict[Region, Channels], made: list[Channels]) -> str:
    """Returns the ensemble's config.pbtxt; every step is the newest version of its model.

    Args:
        channels: Input channels of each region's segmenter.
        made: Those that the step makes.
    """
    outputs = [TensorContract(f"{LOGITS_NAME}_{region.lower()}", "FP32", 1) for region in channels]
    steps = [
        step_text(f"{NAME}_{region.lower()}", source_of(each, made), {LOGITS_NAME: f"{LOGITS_NAME}_{region.lower()}"})
        for region, each in channels.items()
    ]
    if made:
        steps.insert(
            0, step_text(STEP_NAME, CONTRASTS_NAME, {tensor_name(i): tensor_name(i) for i in range(len(made))})
        )
    joined = ",\n".join(steps)
    return (
        f'name: "{NAME}"\nplatform: "ensemble"\nmax_batch_size: {MAX_BATCH}\n'
        f"input [ {tensor_text(TensorContract(CONTRASTS_NAME, 'FP32', len(CONTRASTS)))} ]\n"
        f"output [ {', '.join(tensor_text(one) for one in outputs)} ]\n"
        f'parameters {{ key: "channels" value: {{ string_value: "{",".join(CONTRASTS)}" }} }}\n'
        f"ensemble_scheduling {{ step [\n{joined}\n] }}\n"
    )


def source_of(channels: Channels, made: list[Channels]) -> str:
    """Returns the ensemble's tensor that feeds a segmenter."""
    return tensor_name(made.index(channels)) if channels in made else CONTRASTS_NAME


def step_text(model: str, source: str, outputs: dict[str, str]) -> str:
    """Returns one step of an ensemble as config.pbtxt writes it."""
    given = " ".join(f'output_map {{ key: "{inner}" value: "{outer}" }}' for inner, outer in outputs.items())
    taken = f'input_map {{ key: "{CONTRASTS_NAME}" value: "{source}" }}'
    return f'  {{ model_name: "{model}" model_version: -1 {taken} {given} }}'


def ensemble_card(channels: dict[Region, Channels]) -> str:
    """Returns the ensemble's card."""
    steps = "\n".join(
        f"- `{NAME}_{region.lower()}` sees `{', '.join(map(expression, each))}`" for region, each in channels.items()
    )
    return (
        f"# {NAME}: WT, TC and ET of axial slices in one call\n\nAn ensemble of the newest versions of the three"
        f" segmenters; their cards say what made them, how good\nthey are and where they end.\n\n## Interface\n\n"
        f"- `{CONTRASTS_NAME}` FP32 `(B, {len(CONTRASTS)}, H, W)`: z-scores `{', '.join(CONTRASTS)}` as each segmenter"
        f" takes them.\n- `{LOGITS_NAME}_wt`, `{LOGITS_NAME}_tc`, `{LOGITS_NAME}_et` FP32 `(B, 1, H, W)`; a region is"
        f" where its logit is above 0.\n\n{steps}\n\n## Limits\n\nAll three run on whole slices here; TC and ET were"
        " trained on the box of WT, and the segmentation service runs\nthem there. Keep what lies in WT.\n\n"
        f"## Licence\n\n{LICENCE}"
    )
