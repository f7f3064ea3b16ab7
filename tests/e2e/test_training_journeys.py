"""Every system in its tiny size: trained by its command, exported through the gate, served by every engine alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from services.runtime.inference import Engine, EngineSettings, ModelRepository, open_engine
from training import train_encoder, train_generator, train_segmenter
from training.data.ring import Ring
from training.data.simulated import fill_validation
from training.export import __main__ as export_command
from training.preparation.ring import fill_ring

if TYPE_CHECKING:
    from conftest import ServeModels

VOLUMES = 6
"""Simulated volumes to learn from."""

ONE_BAND_ALONE = 0.25
"""Most that calling every pixel of a brain the same band can reach in the mean Dice over the four bands."""

ANSWER_TOLERANCE = 1e-3
"""Largest difference of an engine's answer from embedded onnxruntime's; logits and unit intensities are of order 1."""


@dataclass(frozen=True)
class Data:
    """Volumes of the real simulator.

    Attributes:
        ring: Heads to learn from.
        held_out: One ring of every shifted simulator, on heads never learnt from.
    """

    ring: Path
    held_out: Path

    @property
    def chance(self) -> float:
        """The mean Dice of calling every pixel of the brain tumour, over the shifted simulators with tumours."""
        areas = [Ring(path.parent).areas.sum(axis=(0, 1)) for path in self.held_out.glob("*/ring.json")]
        return float(np.mean([2 * area[1:].sum() / area.sum() for area in areas if area[1:].any()]))


@dataclass(frozen=True)
class Journey:
    """A system's way from its command to its model.

    Attributes:
        train: The command's main function.
        options: What it is told beside run folder and data.
        export: Kind and options of the export.
        model: Name in the model repository.
        learnt: Whether score and figures of its validation show that it learnt; given the Dice of chance.
    """

    train: Callable[[list[str]], None]
    options: str
    export: str
    model: str
    learnt: Callable[[float, dict[str, float], float], bool]


def _segments(_: float, figures: dict[str, float], chance: float) -> bool:
    shifted = ("cystic", "hard-edges", "thick-slices", "other-physics", "faint-oedema")
    return float(np.mean([figures[name] for name in shifted])) > 2 * chance


JOURNEYS = {
    "segmenter": Journey(
        train_segmenter.main,
        "--preset tiny --steps 150 --validation-volumes 1 --evaluate-every 150",
        "segmenter --weights {run}/best.safetensors --validation {held_out}",
        "segmenter_wt",
        _segments,
    ),
    "augmentation network": Journey(
        train_generator.main,
        "--preset tiny --steps 120 --validation-slices 4 --evaluate-every 120 --picture-every 120",
        "generator --run {run} --ring {held_out}/cystic --name augmentation_network",
        "augmentation_network",
        lambda score, _, __: score > 0.45,
    ),
    "spade": Journey(
        train_generator.main,
        "--preset spade_tiny --steps 120 --validation-slices 4 --evaluate-every 120 --picture-every 120",
        "generator --run {run} --ring {held_out}/cystic --name spade",
        "spade",
        lambda score, _, __: score > 0.4,
    ),
    "feature encoder": Journey(
        train_encoder.main,
        "--preset tiny --steps 300 --learning-rate 0.005 --stride 16 --evaluate-every 300 --picture-every 300",
        "encoder --run {run} --ring {held_out}/cystic",
        "feature_encoder",
        lambda _, figures, __: figures["bands"] > ONE_BAND_ALONE,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Keeps torch to one core."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Simulates what the journeys learn from and are judged on, once."""
    root = tmp_path_factory.mktemp("data")
    fill_ring(root / "ring", settings="training", volumes=VOLUMES, seed=3)
    fill_validation(root / "held-out", volumes=1)
    return Data(root / "ring", root / "held-out")


@pytest.fixture(scope="module")
def runs(data: Data, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Trains every system by its own command and returns the run folders."""
    folders = {}
    for name, journey in JOURNEYS.items():
        folders[name] = tmp_path_factory.mktemp("runs") / "run"
        flags = ["--run", str(folders[name]), "--ring", str(data.ring), "--validation", str(data.held_out)]
        journey.train([*journey.options.split(), *flags, "--workers", "0", "--slots", str(VOLUMES)])
    return folders


@pytest.fixture(scope="module")
def repository(data: Data, runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> ModelRepository:
    """Exports every system through the gate into a model repository of its own."""
    root = tmp_path_factory.mktemp("models")
    for name, journey in JOURNEYS.items():
        words = journey.export.format(run=runs[name], held_out=data.held_out).split()
        export_command.main([*words, "--repository", str(root)])
    return ModelRepository(root)


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_system_learns_from_the_simulator_in_its_tiny_size(name: str, runs: dict[str, Path], data: Data) -> None:
    """Its loss falls, and on held-out heads it is better than chance."""
    rows = [json.loads(line) for line in (runs[name] / "stats.jsonl").read_text().splitlines()]
    losses = [row["losses"].get("loss", sum(row["losses"].values())) for row in rows if "losses" in row]
    facts = json.loads((runs[name] / "best.json").read_text())
    assert losses[-1] < 0.9 * losses[0]
    assert JOURNEYS[name].learnt(facts["score"], facts["validation"], data.chance), facts


def answer(engine: Engine, name: str) -> dict[str, Any]:
    """Returns what an engine says to a model's random input of three samples."""
    model = engine.load(name)
    spec = model.entry.config.inputs[0]
    shape = (3, spec.dims[0], 64, 64)
    rng = np.random.default_rng(8)
    values = rng.integers(0, 8, shape) if spec.dtype == np.uint8 else rng.standard_normal(shape)
    return dict(model.submit({spec.name: values.astype(spec.dtype)}, timeout_s=120).result())


@pytest.mark.triton
def test_engines_answer_alike(repository: ModelRepository, serve_models: ServeModels, tmp_path: Path) -> None:
    """What the gate let through is served by embedded onnxruntime, OpenVINO and real Triton with the same answers."""
    settings = EngineSettings(threads=1)
    with serve_models(repository.root, tmp_path / "triton.log") as ports:
        address = f"127.0.0.1:{ports['grpc_port']}"
        engines = {
            "onnxruntime": open_engine("onnxruntime", repository, settings=settings),
            "openvino": open_engine("openvino", repository, settings=settings),
            "triton": open_engine("triton", repository, settings=settings, triton_url=address),
        }
        for journey in JOURNEYS.values():
            expected = answer(engines["onnxruntime"], journey.model)
            for engine in ("openvino", "triton"):
                found = answer(engines[engine], journey.model)
                assert found.keys() == expected.keys()
                for key, values in expected.items():
                    np.testing.assert_allclose(found[key], values, atol=ANSWER_TOLERANCE, err_msg=f"{engine} {key}")
        for engine in engines.values():
            engine.close()
