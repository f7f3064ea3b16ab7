"""Tiny networks of every kind, as they come out of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.export.card import CardText
from training.export.contract import Contract, TensorContract
from training.export.encoder import served_encoder
from training.export.gate import Tolerance
from training.export.generator import served_generator
from training.export.model import ServedModel
from training.generation.presets import GENERATORS, network_of
from training.loop.run_folder import save_weights
from training.networks.encoder import EncoderSpec, FeatureEncoder
from training.networks.unet2d import UNet2d, UNet2dSpec

SPEC = UNet2dSpec(4, (4, 6, 8, 10))
CARD = CardText("a test", "Nothing.\n", "None.\n", "None.\n", "None.\n", "None.\n", "None.\n")


def tiny_network(channels: int = 4) -> UNet2d:
    """Returns a tiny network whose batch norms have seen data."""
    torch.manual_seed(0)
    made = UNet2d(UNet2dSpec(channels, SPEC.widths))
    for _ in range(3):
        made(torch.randn(4, channels, 32, 32) * 2)
    return made.eval()


def tiny_model(name: str = "net", channels: int = 4, parameters: dict[str, str] | None = None) -> ServedModel:
    """Returns a tiny segmenter ready to be exported."""
    samples = np.random.default_rng(0).normal(size=(5, channels, 32, 48)).astype(np.float32)
    return ServedModel(
        name=name,
        network=tiny_network(channels),
        contract=Contract(
            TensorContract("contrasts", "FP32", channels), (TensorContract("logits", "FP32", 1),), 16, (32, 48)
        ),
        parameters={"threshold": "0.5", **(parameters or {})},
        tolerance=Tolerance(1e-2, 1e-3, 0.0, "logit"),
        samples=samples,
        card=CARD,
    )


def generator_facts(preset_name: str) -> dict[str, Any]:
    """Returns the facts beside the weights of a generator."""
    preset = GENERATORS[preset_name]
    return {
        "kind": preset.kind,
        "preset": preset_name,
        "spec": preset.spec.as_json(),
        "contrasts": ["t1n", "t1c", "t2w", "t2f"],
        "size": list(preset.size),
        "multiple": preset.spec.multiple,
        "options": {"steps": 3},
        "validation": {"ssim": 0.5},
    }


def tiny_generator(preset_name: str = "tiny") -> ServedModel:
    """Returns a tiny generator ready to be exported; its preset's name tells its kind."""
    torch.manual_seed(0)
    facts = generator_facts(preset_name)
    maps = np.random.default_rng(0).integers(0, 7, size=(4, 4, *facts["size"]), dtype=np.uint8)
    maps[:, :, :8] = 7
    return served_generator(network_of(GENERATORS[preset_name].spec), facts, samples=maps)


def tiny_encoder() -> ServedModel:
    """Returns a tiny feature encoder ready to be exported."""
    torch.manual_seed(0)
    network = FeatureEncoder(EncoderSpec((4, 6, 8), 4))
    for _ in range(3):
        network(torch.rand(4, 1, 32, 32))
    facts = {"targets": "nothing", "options": {}, "validation": {}}
    samples = np.random.default_rng(0).random((4, 1, 32, 48), dtype=np.float32)
    return served_encoder(network.eval(), facts, samples=samples)


@pytest.fixture
def model() -> ServedModel:
    """A tiny segmenter ready to be exported."""
    return tiny_model()


@pytest.fixture(scope="session")
def make_model() -> Callable[..., ServedModel]:
    """Returns tiny segmenters."""
    return tiny_model


@pytest.fixture(scope="session")
def make_generator() -> Callable[..., ServedModel]:
    """Returns tiny generators."""
    return tiny_generator


@pytest.fixture(scope="session")
def make_encoder() -> Callable[..., ServedModel]:
    """Returns tiny encoders."""
    return tiny_encoder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A tiny TC network as a run folder holds it."""
    options = {"region": "TC", "steps": 3, "minutes": None, "batch": 4, "learning_rate": 0.1, "seed": 0}
    facts: dict[str, object] = {"step": 3, "elapsed_s": 1.0, "validation": {"shifted": 0.5}, "options": options}
    facts |= {"region": "TC", "spec": SPEC.as_json()}
    save_weights(tmp_path / "best.safetensors", tiny_network(), facts)
    return tmp_path / "best.safetensors"
