"""Simulated heads and the brain extractor's trainer: reproducible, consistent, and exported under the served names."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from gliosynth.anatomy import Tissue, load_anatomy
from training.data.ring import Ring, RingShape
from training.export.skull_strip import config_text, rename_input
from training.skull_strip.head_simulator import (
    POOLED_SHAPE,
    SHAPE,
    STORED_PER_UNIT,
    TISSUE_COUNT,
    SimulatedHead,
    add_tumour,
    class_table,
    cut,
    pooled,
    simulate_head,
)
from training.train_skull_strip import Options, augmented, draw_batch, main, plan, validation_dice


@pytest.fixture(scope="module")
def head() -> SimulatedHead:
    """One simulated head."""
    return simulate_head(load_anatomy("head_01"), rng=np.random.default_rng(3))


def test_same_seed_gives_the_same_head(head: SimulatedHead) -> None:
    """The generator decides everything."""
    again = simulate_head(load_anatomy("head_01"), rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again.contrasts, head.contrasts)
    np.testing.assert_array_equal(again.brain, head.brain)


def test_a_head_has_a_brain_of_human_size_and_four_scaled_images(head: SimulatedHead) -> None:
    """600 to 2500 ml at 2 mm; intensities 0 to 1.5 in the ring's unit; each image shows something."""
    assert head.contrasts.shape == (4, *POOLED_SHAPE)
    assert 600 < head.brain.sum() * 8 / 1000 < 2500
    assert head.contrasts.min() == 0.0
    assert head.contrasts.max() <= 1.5 * STORED_PER_UNIT + 1e-5
    assert (head.contrasts.std(axis=(1, 2, 3)) > 0.1).all()


def test_pooling_averages_pixels_two_by_two() -> None:
    """Pixels 1, 2, 3, 6 of one slice become 3."""
    image = np.zeros(SHAPE, dtype=np.float32)
    image[0:2, 0:2, 5] = [[1, 2], [3, 6]]
    assert pooled(image)[0, 0, 5] == 3.0
    assert pooled(image).sum() == 3.0


def test_air_is_dark_and_tumour_has_classes_of_its_own() -> None:
    """Background has no signal in any drawn contrast; the table covers both tumour parts."""
    for seed in range(20):
        table = class_table(np.ones(TISSUE_COUNT, dtype=np.float32), np.random.default_rng(seed))
        assert table.shape == (TISSUE_COUNT + 2,)
        assert table[Tissue.BACKGROUND] == 0.0
        assert table.min() >= 0.0


def test_a_tumour_stays_inside_the_brain() -> None:
    """Nothing outside the mask changes its class."""
    brain = np.zeros(SHAPE, dtype=np.bool_)
    brain[40:150, 40:180, 20:80] = True
    tissues = np.full(SHAPE, int(Tissue.WHITE_MATTER), dtype=np.uint8)
    found = [add_tumour(tissues, brain, np.random.default_rng(seed)) for seed in range(4)]
    assert any((classes >= TISSUE_COUNT).any() for classes in found)
    assert not any((classes[~brain] >= TISSUE_COUNT).any() for classes in found)


def test_cutting_only_sets_voxels_to_zero() -> None:
    """De-facing, stripping and fields of view change no intensity, and some cut something."""
    rng = np.random.default_rng(0)
    image = rng.uniform(1, 2, SHAPE).astype(np.float32)
    brain = np.zeros(SHAPE, dtype=np.bool_)
    brain[60:130, 60:160, 30:70] = True
    distance_mm = np.where(brain, 0.0, 20.0).astype(np.float32)
    shares = []
    for seed in range(5):
        seen = cut(image, brain, distance_mm, np.random.default_rng(seed))
        assert ((seen == image) | (seen == 0)).all()
        shares.append(float((seen == 0).mean()))
    assert max(shares) > 0.05


def test_augmentation_moves_image_and_brain_together() -> None:
    """Where the brain was bright, it is bright after mirror and shift; zeros stay zero."""
    image = np.zeros((48, 48), dtype=np.float32)
    image[20:30, 12:28] = 1.0
    for seed in range(6):
        moved, brain = augmented(image, image > 0, np.random.default_rng(seed))
        np.testing.assert_array_equal(moved > 0, brain)


def test_batches_come_from_the_ring_and_their_seed(tmp_path: Path, head: SimulatedHead) -> None:
    """Same seed, same batch; masks are 0 and 1, intensities in range; a perfect network scores 1."""
    ring = Ring.create(tmp_path, RingShape(1, POOLED_SHAPE[2], POOLED_SHAPE[0], POOLED_SHAPE[1], 2.0))
    ring.put(0, head)
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


def test_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No folder is made."""
    main(["--run", str(tmp_path / "run"), "--dry-run"])
    assert capsys.readouterr().out.strip() == plan(Options())
    assert not (tmp_path / "run").exists()


def test_the_served_input_is_called_contrast(tmp_path: Path) -> None:
    """Renaming the input changes no answer, and the configuration names the same tensors."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["contrasts", "contrasts"], ["logits"])],
        "doubler",
        [helper.make_tensor_value_info("contrasts", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    rename_input(model, "contrasts", "contrast")
    onnx.save(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    answer = session.run(["logits"], {"contrast": np.array([1.5], dtype=np.float32)})[0]
    assert answer.tolist() == [3.0]
    assert 'name: "contrast"' in config_text()
    assert 'name: "logits"' in config_text()
