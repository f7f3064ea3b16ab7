"""Tests of the engines in this process: both serve the same folder and give the same answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gliosynth.errors import DeadlineExceededError, InvalidParameterError, ModelError, UnknownModelError
from gliosynth.labels import Label
from gliosynth.segmentation import segment_case
from services.runtime.inference.embedded import EmbeddedEngine
from services.runtime.inference.engine import Engine, EngineSettings
from services.runtime.inference.onnx_engine import OnnxEngine
from services.runtime.inference.openvino_engine import OpenVinoEngine
from services.runtime.inference.region_models import load_cascade
from services.runtime.inference.repository import ModelRepository

if TYPE_CHECKING:
    from conftest import TinyRepository

OpenEngine = Callable[[], Engine]


@pytest.fixture(params=[OnnxEngine, OpenVinoEngine])
def open_engine(request: pytest.FixtureRequest, models: TinyRepository) -> Iterator[OpenEngine]:
    """Returns a function that opens an engine over the folder as it is now; each is closed at the end."""
    opened: list[EmbeddedEngine] = []

    def open_() -> Engine:
        opened.append(request.param(ModelRepository(models.root), EngineSettings(threads=1)))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.close()


def sample(batch: int = 2, channels: int = 4) -> dict[str, np.ndarray]:
    """Returns a batch of numbers."""
    values = np.random.default_rng(3).normal(size=(batch, channels, 16, 32)).astype(np.float32)
    return {"contrasts": values}


def test_answer_is_what_the_network_computes(models: TinyRepository, open_engine: OpenEngine) -> None:
    """Weights 1, 2, 3, 4 and bias 0.5, worked out in NumPy."""
    models.add("sum", [1.0, 2.0, 3.0, 4.0], 0.5)
    inputs = sample()
    logits = open_engine().load("sum").submit(inputs).result()["logits"]
    expected = np.tensordot(inputs["contrasts"], np.array([1, 2, 3, 4]), axes=(1, 0))[:, None] + 0.5
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)


def test_half_precision_weights_are_computed_in_single(models: TinyRepository, open_engine: OpenEngine) -> None:
    """A weight of 0.1 stored as fp16 answers as that number in fp32, beyond what fp16 can hold."""
    models.add("half", [0.1], stored_as=np.float16)
    value = np.float32(1234.567)
    inputs = {"contrasts": np.full((1, 1, 16, 16), value, dtype=np.float32)}
    logits = open_engine().load("half").submit(inputs).result()["logits"]
    np.testing.assert_allclose(logits, np.float32(np.float16(0.1)) * value, rtol=1e-6)


def test_newest_version_answers_unless_another_is_named(models: TinyRepository, open_engine: OpenEngine) -> None:
    """Version 2 doubles, version 1 does not; both are served where the policy says so."""
    both = "version_policy: { latest { num_versions: 2 } }"
    models.add("scale", [1.0], version=1)
    models.add("scale", [2.0], version=2, extra=both)
    engine = open_engine()
    ones = {"contrasts": np.ones((1, 1, 16, 16), dtype=np.float32)}
    assert engine.load("scale").submit(ones).result()["logits"].max() == 2.0
    assert engine.load("scale", "1").submit(ones).result()["logits"].max() == 1.0
    with pytest.raises(UnknownModelError) as caught:
        engine.load("scale", "3")
    assert caught.value.reason == "UNKNOWN_MODEL_VERSION"


def test_model_is_loaded_once(models: TinyRepository, open_engine: OpenEngine) -> None:
    """The same object answers again."""
    models.add("sum", [1.0])
    engine = open_engine()
    assert engine.load("sum") is engine.load("sum", "1")


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"image": np.zeros((1, 4, 16, 16), np.float32)},
        {"contrasts": np.zeros((1, 4, 16, 16), np.float64)},
        {"contrasts": np.zeros((1, 3, 16, 16), np.float32)},
        {"contrasts": np.zeros((5, 4, 16, 16), np.float32)},
        {"contrasts": np.zeros((0, 4, 16, 16), np.float32)},
        {"contrasts": np.zeros((4, 16, 16), np.float32)},
    ],
    ids=["none", "name", "dtype", "channels", "batch too large", "batch empty", "no batch axis"],
)
def test_input_outside_the_configuration_is_refused(
    inputs: dict[str, np.ndarray], models: TinyRepository, open_engine: OpenEngine
) -> None:
    """Before the network sees it, with the model's name and what is wrong."""
    models.add("sum", [1.0, 1.0, 1.0, 1.0])
    with pytest.raises(InvalidParameterError, match="model sum: tensor") as caught:
        open_engine().load("sum").submit(inputs)
    assert caught.value.reason == "BAD_MODEL_INPUT"


def test_work_that_comes_too_late_is_not_begun(models: TinyRepository, open_engine: OpenEngine) -> None:
    """A deadline in the past."""
    models.add("sum", [1.0])
    inputs = {"contrasts": np.zeros((1, 1, 16, 16), np.float32)}
    with pytest.raises(DeadlineExceededError):
        open_engine().load("sum").submit(inputs, timeout_s=-1.0).result()


def test_network_that_disagrees_with_its_configuration_is_refused(
    models: TinyRepository, open_engine: OpenEngine
) -> None:
    """config.pbtxt names an input that the network does not have."""
    folder = models.add("sum", [1.0])
    text = (folder / "config.pbtxt").read_text()
    (folder / "config.pbtxt").write_text(text.replace('"contrasts"', '"image"'))
    with pytest.raises(ModelError) as caught:
        open_engine().load("sum")
    assert caught.value.reason == "CONFIG_MISMATCH"


def test_answer_outside_the_configuration_is_refused(models: TinyRepository, open_engine: OpenEngine) -> None:
    """The configuration promises two channels, the network answers one."""
    folder = models.add("sum", [1.0])
    text = (folder / "config.pbtxt").read_text()
    (folder / "config.pbtxt").write_text(
        text.replace('name: "logits" data_type: TYPE_FP32 dims: [ 1,', 'name: "logits" data_type: TYPE_FP32 dims: [ 2,')
    )
    engine = open_engine()
    with pytest.raises(ModelError) as caught:
        engine.warm(engine.load("sum"))
    assert caught.value.reason == "BAD_MODEL_OUTPUT"


def test_file_that_is_no_network_is_refused(models: TinyRepository, open_engine: OpenEngine) -> None:
    """A truncated file fails at loading, with the model's name."""
    folder = models.add("sum", [1.0])
    (folder / "1" / "model.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match="sum version 1 cannot be loaded") as caught:
        open_engine().load("sum")
    assert caught.value.reason == "MODEL_NOT_LOADABLE"


def test_unknown_backend_is_refused(models: TinyRepository, open_engine: OpenEngine) -> None:
    """The embedded engines serve ONNX files."""
    folder = models.add("sum", [1.0])
    text = (folder / "config.pbtxt").read_text()
    (folder / "config.pbtxt").write_text(text.replace('backend: "onnxruntime"', 'backend: "tensorrt"'))
    with pytest.raises(ModelError) as caught:
        open_engine().load("sum")
    assert caught.value.reason == "UNSUPPORTED_BACKEND"


def test_warm_model_has_answered(models: TinyRepository, open_engine: OpenEngine) -> None:
    """Warming a model that works raises nothing; a network that fails at run time raises."""
    models.add("sum", [1.0, 1.0])
    engine = open_engine()
    engine.warm(engine.load("sum"))


def test_cascade_over_an_engine_finds_the_nested_tumour(models: TinyRepository, open_engine: OpenEngine) -> None:
    """Networks that read FLAIR, T2 and T1c - T1 give the label map worked out by hand."""
    models.add_segmenter()
    contrasts = np.zeros((4, 40, 44, 12), dtype=np.float32)
    contrasts[3, 10:30, 10:30, 2:10] = 2.0
    contrasts[2, 14:26, 14:26, 3:9] = 2.0
    contrasts[1, 16:24, 16:24, 4:8] = 2.0
    cascade, entries = load_cascade(open_engine())
    result = segment_case(contrasts, np.ones((40, 44, 12), dtype=np.bool_), models=cascade)
    counts = [int((result.labels == label).sum()) for label in (Label.ED, Label.NCR, Label.ET)]
    assert counts == [20 * 20 * 8 - 12 * 12 * 6, 12 * 12 * 6 - 8 * 8 * 4, 8 * 8 * 4]
    assert [entry.name for entry in (entries.wt, entries.tc, entries.et)] == [
        "segmenter_wt",
        "segmenter_tc",
        "segmenter_et",
    ]


def test_deadline_of_the_caller_reaches_the_model(models: TinyRepository, open_engine: OpenEngine) -> None:
    """No time is left: the cascade ends with the deadline's error."""
    models.add_segmenter()
    cascade, _ = load_cascade(open_engine(), remaining_s=lambda: -0.1)
    contrasts = np.ones((4, 16, 16, 2), dtype=np.float32)
    with pytest.raises(DeadlineExceededError):
        segment_case(contrasts, np.ones((16, 16, 2), dtype=np.bool_), models=cascade)


@pytest.mark.parametrize(("parameter", "wrong"), [("t1n,t1c,t2w,t2f", "t1n,t1c"), ('"0.5"', '"1.5"'), ('"0.5"', '"x"')])
def test_region_model_with_bad_parameters_is_refused(
    parameter: str, wrong: str, models: TinyRepository, open_engine: OpenEngine
) -> None:
    """Two channel names for four channels, or a threshold that is no probability."""
    models.add_segmenter()
    config = models.root / "segmenter_wt" / "config.pbtxt"
    config.write_text(config.read_text().replace(parameter, wrong))
    with pytest.raises(ModelError) as caught:
        load_cascade(open_engine())
    assert caught.value.reason == "BAD_CONFIG"


def test_onnxruntime_refuses_a_precision_it_does_not_offer(models: TinyRepository) -> None:
    """bf16 is OpenVINO's."""
    with pytest.raises(InvalidParameterError) as caught:
        OnnxEngine(ModelRepository(models.root), EngineSettings(precision="bf16"))
    assert caught.value.reason == "UNSUPPORTED_PRECISION"


def test_device_that_is_not_there_is_refused(models: TinyRepository) -> None:
    """No silent step back to the CPU."""
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ModelError) as caught:
        OnnxEngine(ModelRepository(models.root), EngineSettings(device="cuda"))
    assert caught.value.reason == "UNSUPPORTED_DEVICE"


def test_identity_names_engine_version_and_precision(open_engine: OpenEngine) -> None:
    """Every answer can say what computed it."""
    identity = open_engine().identity()
    assert identity.name in ("onnxruntime", "openvino")
    assert identity.version[0].isdigit()
    assert (identity.precision, identity.device) == ("fp32", "cpu")
