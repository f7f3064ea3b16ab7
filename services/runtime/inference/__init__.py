"""Inference: one model repository, three engines that serve it (embedded onnxruntime and OpenVINO, remote Triton)."""

from typing import Literal

from services.runtime.inference.engine import (
    Engine,
    EngineIdentity,
    EngineSettings,
    LoadedModel,
    Precision,
    Tensors,
)
from services.runtime.inference.region_models import RegionEntries, load_cascade
from services.runtime.inference.repository import ModelEntry, ModelRepository

EngineName = Literal["onnxruntime", "openvino", "triton"]
"""The engines by name."""


def open_engine(
    name: EngineName, repository: ModelRepository, *, settings: EngineSettings, triton_url: str = ""
) -> Engine:
    """Returns an engine over a model repository; only the engine that is named is imported.

    Args:
        name: Which engine.
        repository: The models.
        settings: How an embedded engine uses this machine; Triton has its own.
        triton_url: ``host:port`` of Triton's gRPC; for ``"triton"`` alone.

    Raises:
        InvalidParameterError: The engine does not offer the precision or device.
        ModelError: This machine does not offer it, or no Triton answers.
    """
    if name == "triton":
        from services.runtime.inference.triton_engine import TritonEngine

        return TritonEngine(repository, triton_url)
    if name == "openvino":
        from services.runtime.inference.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(repository, settings)
    from services.runtime.inference.onnx_engine import OnnxEngine

    return OnnxEngine(repository, settings)


__all__ = [
    "Engine",
    "EngineIdentity",
    "EngineName",
    "EngineSettings",
    "LoadedModel",
    "ModelEntry",
    "ModelRepository",
    "Precision",
    "RegionEntries",
    "Tensors",
    "load_cascade",
    "open_engine",
]
