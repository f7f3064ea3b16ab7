"""Every kind of network, exported, answers alike embedded and from a real Triton."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch

from gliosynth.errors import InvalidParameterError, ModelError
from services.runtime.inference import EngineSettings, ModelRepository, open_engine
from services.runtime.inference.engine import Engine, LoadedModel
from services.runtime.inference.triton_engine import TritonEngine
from training.export.ensemble import export_ensemble
from training.export.model import ExportOptions, ServedModel, export_model
from training.export.runners import torch_runner

ServeModels = Callable[[Path, Path], AbstractContextManager[dict[str, int]]]
"""Serves a model repository for as long as the context lasts and gives the server's ports."""

CHANNELS = {"wt": "t1n,t1c,t2w,t2f", "tc": "t1c-t1n,t1c,t2w,t2f", "et": "t1c-t1n,t1c,t2w,t2f"}


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
    make_model: Callable[..., ServedModel],
    make_generator: Callable[..., ServedModel],
    make_encoder: Callable[..., ServedModel],
) -> tuple[Path, dict[str, ServedModel]]:
    """A repository with every kind in every format, and what it was exported from."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("exported") / "models"
    models = [make_model(f"segmenter_{region}", parameters={"channels": names}) for region, names in CHANNELS.items()]
    models += [make_model("skull_strip", channels=1), make_generator("tiny"), make_generator("spade_tiny")]
    models += [make_encoder()]
    for model in models:
        everything = model.name in {"segmenter_wt", "augmentation_network"}
        export_model(model, ExportOptions(root, torchscript=everything, half=everything))
    export_ensemble(root)
    return root, {model.name: model for model in models}


@pytest.fixture(scope="module")
def embedded(exported: tuple[Path, dict[str, ServedModel]]) -> Iterator[Engine]:
    """Onnxruntime in this process over the repository."""
    engine = open_engine("onnxruntime", ModelRepository(exported[0]), settings=EngineSettings(threads=1))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def triton(
    exported: tuple[Path, dict[str, ServedModel]],
    serve_models: ServeModels,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TritonEngine]:
    """A real Triton over the same repository."""
    with serve_models(exported[0], tmp_path_factory.mktemp("log") / "triton.log") as ports:
        engine = TritonEngine(ModelRepository(exported[0]), f"127.0.0.1:{ports['grpc_port']}")
        yield engine
        engine.close()


def answer(model: LoadedModel, samples: np.ndarray) -> dict[str, np.ndarray]:
    """Returns a model's outputs for samples, by name."""
    (spec,) = model.entry.config.inputs
    return dict(model.submit({spec.name: samples}, timeout_s=60.0).result(timeout=60.0))


@pytest.mark.triton
@pytest.mark.parametrize(
    "name", ["segmenter_wt", "skull_strip", "augmentation_network", "spade", "feature_encoder", "segmenter_wt_fp16"]
)
def test_triton_answers_as_the_embedded_engine(
    exported: tuple[Path, dict[str, ServedModel]], embedded: Engine, triton: TritonEngine, name: str
) -> None:
    """The same file and batch, the same bits; warmed at the size that its configuration names."""
    samples = exported[1][name.removesuffix("_fp16")].samples[:3]
    embedded.warm(embedded.load(name))
    expected, given = answer(embedded.load(name), samples), answer(triton.load(name), samples)
    assert expected.keys() == given.keys()
    for output, values in expected.items():
        np.testing.assert_array_equal(given[output], values)
        assert np.ptp(values) > 0


@pytest.mark.triton
@pytest.mark.parametrize("name", ["segmenter_wt", "augmentation_network"])
def test_torchscript_answers_on_triton_as_torch(
    exported: tuple[Path, dict[str, ServedModel]], triton: TritonEngine, name: str
) -> None:
    """`backend: "pytorch"` loads and gives what the trained network gives."""
    model = exported[1][name]
    (expected,) = torch_runner(model.network.eval()).run(model.samples[:3])
    (given,) = answer(triton.load(f"{name}_torchscript"), model.samples[:3]).values()
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_torchscript_is_refused_by_the_embedded_engines(embedded: Engine) -> None:
    """It lies in the same repository, and the message says who serves it not."""
    with pytest.raises(ModelError, match="'pytorch'") as caught:
        embedded.load("segmenter_wt_torchscript")
    assert caught.value.reason == "UNSUPPORTED_BACKEND"


@pytest.mark.triton
def test_ensemble_of_triton_equals_the_embedded_one_and_the_three_models(
    exported: tuple[Path, dict[str, ServedModel]], embedded: Engine, triton: TritonEngine
) -> None:
    """Slices go in once; TC and ET get t1c - t1n, WT gets t1n."""
    slices = np.random.default_rng(3).normal(size=(2, 4, 32, 48)).astype(np.float32)
    difference = slices.copy()
    difference[:, 0] = slices[:, 1] - slices[:, 0]
    joined, served = answer(embedded.load("segmenter"), slices), answer(triton.load("segmenter"), slices)
    for region, inputs in (("wt", slices), ("tc", difference), ("et", difference)):
        alone = answer(embedded.load(f"segmenter_{region}"), inputs)["logits"]
        np.testing.assert_array_equal(joined[f"logits_{region}"], alone)
        np.testing.assert_array_equal(served[f"logits_{region}"], alone)


def test_openvino_serves_the_same_files(exported: tuple[Path, dict[str, ServedModel]], embedded: Engine) -> None:
    """Another engine, within the gate's limit."""
    openvino = open_engine("openvino", ModelRepository(exported[0]), settings=EngineSettings(threads=1))
    for name in ("segmenter_wt", "augmentation_network", "feature_encoder"):
        model = exported[1][name]
        first, second = (answer(engine.load(name), model.samples[:2]) for engine in (embedded, openvino))
        for output, values in first.items():
            np.testing.assert_allclose(second[output], values, atol=model.tolerance.largest)
    openvino.close()


def test_generator_stays_in_range_and_says_what_callers_need(
    exported: tuple[Path, dict[str, ServedModel]], embedded: Engine
) -> None:
    """0 to 1, 0 on the background; contrasts and multiple stand in the configuration."""
    model = exported[1]["augmentation_network"]
    loaded = embedded.load("augmentation_network")
    images = answer(loaded, model.samples[:2])["contrasts"]
    assert images.min() >= 0
    assert images.max() <= 1
    assert (images[:, :, :8] == 0).all()
    parameters = loaded.entry.config.parameters
    assert parameters["contrasts"] == "t1n,t1c,t2w,t2f"
    assert parameters["multiple"] == str(model.contract.multiple)
    assert re.search(r"dims: \[ 4, 64, 80 \]", (exported[0] / "augmentation_network" / "config.pbtxt").read_text())


def test_ensemble_needs_segmenters_of_single_slices(make_model: Callable[..., ServedModel], tmp_path: Path) -> None:
    """One is missing; then one sees the slices beside."""
    for region in ("wt", "tc"):
        export_model(
            make_model(f"segmenter_{region}", parameters={"channels": CHANNELS[region]}), ExportOptions(tmp_path)
        )
    with pytest.raises(InvalidParameterError) as caught:
        export_ensemble(tmp_path)
    assert caught.value.reason == "NO_SEGMENTER"
    export_model(make_model("segmenter_et", parameters={"channels": "t1n,t1c,t2w,t2f@-2"}), ExportOptions(tmp_path))
    with pytest.raises(InvalidParameterError) as caught:
        export_ensemble(tmp_path)
    assert caught.value.reason == "NEEDS_VOLUME"
    assert not (tmp_path / "segmenter").exists()
