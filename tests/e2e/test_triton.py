"""One real case through the cascade on three engines that serve the project's own model repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest

from gliosynth.labels import LabelMap
from gliosynth.preprocessing.intensity import normalise
from gliosynth.segmentation import segment_case
from services.runtime.inference import Engine, EngineSettings, ModelRepository, load_cascade, open_engine

if TYPE_CHECKING:
    from conftest import ServeModels

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "model_repository"
CASE = ROOT / "examples" / "cases" / "Brats18_TCIA02_370_1"

FAST_ENGINE_AGREEMENT = 0.999
"""Least share of the tumour's voxels on which the fast engine agrees with the reference."""


@pytest.fixture(scope="module")
def triton_url(serve_models: ServeModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Starts a real tritonserver over model_repository/ and yields its address."""
    with serve_models(MODELS, tmp_path_factory.mktemp("triton") / "triton.log") as ports:
        yield f"127.0.0.1:{ports['grpc_port']}"


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray]:
    """Returns the real case's normalised contrasts and its brain (it comes skull-stripped at 1 mm), in RAS."""
    paths = [CASE / f"{CASE.name}_{kind}.nii.gz" for kind in ("t1", "t1ce", "t2", "flair")]
    raw = [np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj) for path in paths]
    brain = np.any([image > 0 for image in raw], axis=0)
    return np.stack([normalise(image, brain) for image in raw]), brain


def labels_of(engine: Engine, case: tuple[np.ndarray, np.ndarray]) -> LabelMap:
    """Returns the label map that one engine gives, and closes the engine."""
    contrasts, brain = case
    models, _ = load_cascade(engine, remaining_s=lambda: 300.0)
    try:
        return segment_case(contrasts, brain, models=models).labels
    finally:
        engine.close()


@pytest.fixture(scope="module")
def reference(case: tuple[np.ndarray, np.ndarray]) -> LabelMap:
    """Returns the label map of the reference engine, embedded onnxruntime."""
    labels = labels_of(open_engine("onnxruntime", ModelRepository(MODELS), settings=EngineSettings()), case)
    assert np.count_nonzero(labels) > 1000, "the models find no tumour in the example: nothing to compare"
    return labels


@pytest.mark.triton
def test_triton_gives_the_label_map_of_the_embedded_engine_voxel_by_voxel(
    triton_url: str, case: tuple[np.ndarray, np.ndarray], reference: LabelMap
) -> None:
    """The same model repository, another engine, not one voxel of difference."""
    engine = open_engine("triton", ModelRepository(MODELS), settings=EngineSettings(), triton_url=triton_url)
    np.testing.assert_array_equal(labels_of(engine, case), reference)


def test_openvino_agrees_on_nearly_every_voxel_of_the_tumour(
    case: tuple[np.ndarray, np.ndarray], reference: LabelMap
) -> None:
    """In fp32, on at least 99.9 % of the voxels that either engine calls tumour."""
    engine = open_engine("openvino", ModelRepository(MODELS), settings=EngineSettings(precision="fp32"))
    fast = labels_of(engine, case)
    tumour = (fast > 0) | (reference > 0)
    assert (fast == reference)[tumour].mean() >= FAST_ENGINE_AGREEMENT
