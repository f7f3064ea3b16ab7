"""Tests of training.skull_strip.system: batches, scores, and that it learns."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from training.data.ring import Ring, RingShape
from training.loop.options import LoopOptions
from training.loop.train import train
from training.skull_strip.head_simulator import POOLED_SHAPE, STORED_PER_UNIT, SimulatedHead
from training.skull_strip.system import SkullStripSystem, augmented, draw_batch, validation_dice


def ball_head(rng: np.random.Generator) -> SimulatedHead:
    """Returns a bright brain in a darker head of noise, at a random place."""
    axes = np.stack(np.meshgrid(*(np.linspace(-1, 1, size) for size in POOLED_SHAPE), indexing="ij"))
    far = np.sqrt(((axes - rng.uniform(-0.2, 0.2, (3, 1, 1, 1))) ** 2).sum(axis=0))
    brain = far < rng.uniform(0.4, 0.6)
    image = 0.4 * (far < 0.75) + 0.5 * brain + rng.normal(0, 0.05, (4, *POOLED_SHAPE))
    contrasts = np.clip(image, 0, 1.5).astype(np.float32) * np.float32(STORED_PER_UNIT)
    return SimulatedHead(contrasts=contrasts, labels=np.zeros(POOLED_SHAPE, np.uint8), brain=brain)


@pytest.fixture
def heads(tmp_path: Path) -> tuple[Ring, Ring]:
    """Rings of two heads to learn from and one held out."""
    rings = []
    for name, slots in (("train", 2), ("validation", 1)):
        ring = Ring.create(tmp_path / name, RingShape(slots, POOLED_SHAPE[2], POOLED_SHAPE[0], POOLED_SHAPE[1], 2.0))
        for number in range(slots):
            ring.put(number, ball_head(np.random.default_rng([slots, number])))
        rings.append(ring)
    return rings[0], rings[1]


def test_augmentation_moves_image_and_brain_together() -> None:
    """Where the brain was bright, it is bright after mirror and shift; zeros stay zero."""
    image = np.zeros((48, 48), dtype=np.float32)
    image[20:30, 12:28] = 1.0
    for seed in range(6):
        moved, brain = augmented(image, image > 0, np.random.default_rng(seed))
        np.testing.assert_array_equal(moved > 0, brain)


def test_batches_come_from_the_ring_and_their_seed(heads: tuple[Ring, Ring]) -> None:
    """Same seed, same batch; masks are 0 and 1, intensities in range; a perfect network scores 1."""
    ring = heads[1]
    first, brain = draw_batch(ring, count=5, rng=np.random.default_rng(1))
    second, _ = draw_batch(ring, count=5, rng=np.random.default_rng(1))
    assert torch.equal(first, second)
    assert first.shape == brain.shape == (5, 1, *POOLED_SHAPE[:2])
    assert set(brain.unique().tolist()) <= {0.0, 1.0}
    assert float(first.max()) <= 1.5

    class Perfect(torch.nn.Module):
        """Answers with the stored mask of the scored slices."""

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            planes = np.arange(0, POOLED_SHAPE[2], 4)
            stored = ring.read(0, planes)
            assert stored is not None
            assert len(inputs) == len(planes)
            return torch.from_numpy(stored.brain[:, None].astype(np.float32)) - 0.5

    assert validation_dice(Perfect(), ring) == 1.0


def test_training_finds_the_brain(heads: tuple[Ring, Ring], tmp_path: Path) -> None:
    """Sixty steps: the loss falls, and the held-out head's brain is found far better than by taking all of it."""
    course = LoopOptions(steps=60, batch=4, learning_rate=1e-2, warm_up=2, ema=0.8, report_every=10, evaluate_every=60)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    system = SkullStripSystem(course, fabric, ring=heads[0], validation=heads[1])
    train(system, course, folder=tmp_path, fabric=fabric)
    rows = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    losses = [row["losses"]["loss"] for row in rows if "losses" in row]
    assert losses[-1] < losses[0] - 0.2
    brain = heads[1].areas[0, ::4, 0].sum()
    everything = 2 * brain / (brain + heads[1].areas[0, ::4, 0].size * POOLED_SHAPE[0] * POOLED_SHAPE[1])
    assert json.loads((tmp_path / "best.json").read_text())["score"] > everything + 0.3
    assert system.picture(system.trained) is not None
