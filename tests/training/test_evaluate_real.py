"""Tests of training.evaluate_real on a made-up case; the real ones are scored by hand of the command."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from gliosynth.labels import Region
from training import evaluate_real
from training.evaluate_real import TorchModel, load_case, summary
from training.loop.run_folder import save_weights
from training.networks.unet2d import UNet2d
from training.segmentation.presets import PRESETS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A case of 4x3x2 voxels in LPS order whose first voxel alone is enhancing tumour (old label 4)."""
    case = tmp_path / "case_1"
    case.mkdir()
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    image = np.arange(24, dtype=np.int16).reshape(4, 3, 2) + 1
    image[3, 2, 1] = 0
    for ending in ("t1", "t1ce", "t2", "flair"):
        nibabel.save(nibabel.Nifti1Image(image, affine), case / f"case_1_{ending}.nii.gz")
    labels = np.zeros(image.shape, dtype=np.uint8)
    labels[0, 0, 0] = 4
    nibabel.save(nibabel.Nifti1Image(labels, affine), case / "case_1_seg.nii.gz")
    return case


def test_a_case_is_read_in_ras_order_with_modern_labels(folder: Path) -> None:
    """LPS index (0, 0, 0) becomes RAS index (3, 2, 0); old label 4 becomes 3; 0 is outside the brain."""
    case = load_case(folder)
    assert np.argwhere(case.labels == 3).tolist() == [[3, 2, 0]]
    assert np.argwhere(~case.brain).tolist() == [[0, 0, 1]]
    assert case.contrasts[:, case.brain].mean() == pytest.approx(0, abs=1e-5)
    assert not case.contrasts[:, 0, 0, 1].any()


def test_the_cascade_s_model_answers_what_the_network_says(tmp_path: Path) -> None:
    """The adapter adds nothing: same logits, the preset's channels, the fixed threshold."""
    network = UNet2d(PRESETS[Region.ET].spec).eval()
    save_weights(tmp_path / "best.safetensors", network, {})
    model = TorchModel(tmp_path / "best.safetensors", Region.ET)
    batch = np.random.default_rng(0).normal(size=(2, 4, 16, 32)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(batch)).numpy()
    assert np.array_equal(model.submit(batch).result(), expected)
    assert model.channels == ("t1c-t1n", "t1c", "t2w", "t2f")
    assert model.threshold == 0.5


def test_large_enhancing_tumours_have_a_mean_of_their_own() -> None:
    """Dice of ET .8 at 20 ml and .1 at .2 ml: .45 over both, .8 over those above 5 ml."""

    def row(dice: float, volume_ml: float) -> dict[str, object]:
        values = dict.fromkeys(("WT", "TC", "ET"), dice)
        return {
            "dice": values,
            "hd95": values,
            "baseline_dice": values,
            "reference_ml": {"WT": 50.0, "TC": 30.0, "ET": volume_ml},
        }

    mean = summary([row(0.8, 20.0), row(0.1, 0.2)])
    assert mean["dice"]["ET"] == pytest.approx(0.45)
    assert mean[f"ET_above_{evaluate_real.LARGE_ET_ML:g}_ml"]["dice"] == pytest.approx(0.8)
