"""A 2.5D network sees the same in the trainer and in the service, and answers the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gliosynth.geometry import Box
from gliosynth.segmentation.channels import channel_batch, parse_channels
from services.runtime.inference.engine import EngineSettings
from services.runtime.inference.onnx_engine import OnnxEngine
from services.runtime.inference.region_models import ServedRegionModel
from services.runtime.inference.repository import ModelRepository
from training.data.ring import Ring
from training.export.__main__ import main
from training.loop.run_folder import save_weights
from training.networks.unet2d import UNet2d, UNet2dSpec
from training.segmentation.presets import Preset, network_input, segmenter
from training.segmentation.samples import read_stacks

SPEC = UNet2dSpec(12, (4, 6, 8, 10))
PLANES = np.array([0, 4, 5, 11])
"""Slices of the ring, both ends among them."""


def seen_in_training(ring: Ring, preset: Preset) -> torch.Tensor:
    """Returns a network's input as the trainer makes it."""
    stacks = read_stacks(ring, 0, PLANES, neighbours=preset.neighbours)
    assert stacks is not None
    return network_input(torch.from_numpy(stacks.contrasts).flatten(1, 2), subtract=preset.subtract)


def seen_in_service(ring: Ring, channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Returns what the cascade makes of the volume at 1 mm: every second slice is the ring's."""
    slices = ring.read(0, np.arange(12))
    assert slices is not None
    volume = np.random.default_rng(0).normal(size=(4, 64, 80, 24)).astype(np.float32)
    volume[..., ::2] = np.moveaxis(slices.contrasts, 0, 3)
    box = Box(start=(0, 0, 0), stop=(64, 80, 24))
    return channel_batch(volume, parse_channels(channels), box=box, indices=2 * PLANES)


@pytest.mark.parametrize("name", ["wt-2.5d", "et-2.5d", "joint-2.5d-5"])
def test_the_service_sees_what_the_trainer_saw(ring: Ring, name: str) -> None:
    """Bit for bit: neighbours 2 mm apart, differences in each slice, zeros beyond the volume."""
    preset = segmenter(name)
    assert np.array_equal(seen_in_training(ring, preset).numpy(), seen_in_service(ring, preset.channels))


def test_an_exported_network_answers_in_the_service_as_in_the_trainer(
    ring: Ring, validation: Path, tmp_path: Path
) -> None:
    """Exported, gated, loaded by the service's engine: the same logits but for rounding, and no setting beside."""
    preset = replace(segmenter("et-2.5d"), spec=SPEC)
    torch.manual_seed(0)
    network = UNet2d(SPEC)
    for _ in range(3):
        network(seen_in_training(ring, preset))
    run: dict[str, object] = {"step": 3, "elapsed_s": 1.0, "options": {"batch": 4}, "validation": {"shifted": 0.5}}
    facts = {"preset": "et-2.5d", "region": "ET", "spec": SPEC.as_json(), **run}
    save_weights(tmp_path / "best.safetensors", network.eval(), facts)
    where = ["--validation", str(validation), "--repository", str(tmp_path / "models")]
    main(["segmenter", "--weights", str(tmp_path / "best.safetensors"), *where])
    engine = OnnxEngine(ModelRepository(tmp_path / "models"), EngineSettings(threads=1))
    model = ServedRegionModel(engine.load("segmenter_et", ""))
    assert model.channels == preset.channels
    answer = model.submit(seen_in_service(ring, model.channels)).result()
    with torch.no_grad():
        expected = network(seen_in_training(ring, preset)).numpy()
    assert np.abs(answer - expected).max() < 1e-2
    assert np.abs(expected).max() > 0.1
