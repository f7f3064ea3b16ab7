"""Tests of training.evaluate_real on a made-up case; the real ones are scored by hand of the command."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from training.data.fakes import simulate_ball
from training.evaluate_real import find, main
from training.loop.run_folder import save_weights
from training.networks.unet2d import UNet2d
from training.segmentation.presets import PRESETS, SEGMENTERS
from training.segmentation.real_cases import LARGE_ET_ML, RealCase, load_case, summary
from training.segmentation.region_model import TorchModel, load_model
from training.segmentation.rules import TEST_TIME, joint_logits


class ContrastThresholds(nn.Module):
    """A fake joint network that knows the balls' rule: FLAIR is WT, T1 or T1c is TC, T1c is ET, each above 1."""

    def forward(self, contrasts: Tensor) -> Tensor:
        t1n, t1c, _, t2f = torch.split(contrasts, 1, dim=1)
        return torch.cat([t2f, torch.maximum(t1n, t1c), t1c], dim=1) - 1


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


@pytest.fixture
def ball() -> RealCase:
    """A noise-free ball of tumour, as a real case would come."""
    made = simulate_ball(np.random.default_rng(1))
    shown = np.stack([made.labels == 1, made.labels == 3, made.labels > 0, made.labels > 0])
    return RealCase("ball", np.float32(2) * shown.astype(np.float32), made.brain, made.labels)


def write(path: Path, preset_name: str) -> Path:
    """Writes new weights of a preset with their facts."""
    preset = SEGMENTERS[preset_name]
    save_weights(path, UNet2d(preset.spec), {"preset": preset_name, "spec": preset.spec.as_json()})
    return path


def test_a_case_is_read_in_ras_order_with_modern_labels(folder: Path) -> None:
    """LPS index (0, 0, 0) becomes RAS index (3, 2, 0); old label 4 becomes 3; 0 is outside the brain."""
    case = load_case(folder)
    assert np.argwhere(case.labels == 3).tolist() == [[3, 2, 0]]
    assert np.argwhere(~case.brain).tolist() == [[0, 0, 1]]
    assert case.contrasts[:, case.brain].mean() == pytest.approx(0, abs=1e-5)
    assert not case.contrasts[:, 0, 0, 1].any()


def test_the_cascade_s_model_answers_what_the_network_says(tmp_path: Path) -> None:
    """The adapter adds nothing: same logits, the preset's channels, the fixed threshold; old facts will do."""
    preset = PRESETS[Region.ET]
    network = UNet2d(preset.spec).eval()
    facts: dict[str, object] = {"region": "ET", "spec": {"channels": 4, "widths": list(preset.spec.widths)}}
    save_weights(tmp_path / "best.safetensors", network, facts)
    model = load_model(tmp_path / "best.safetensors")
    batch = np.random.default_rng(0).normal(size=(2, 4, 16, 32)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(batch)).numpy()
    assert np.array_equal(model.submit(batch).result(), expected)
    assert model.channels == ("t1c-t1n", "t1c", "t2w", "t2f")
    assert model.threshold == 0.5


def test_a_joint_network_s_answers_become_nested_labels(ball: RealCase) -> None:
    """One that knows the rule finds the ball to the voxel, whichever way the volume is sliced."""
    models = (TorchModel(ContrastThresholds(), SEGMENTERS["joint"]),)
    for rules in ("published", "flip", "three-planes"):
        assert np.array_equal(find(ball, models, TEST_TIME[rules]), ball.labels), rules


def test_rules_change_what_is_kept(ball: RealCase) -> None:
    """A stray voxel of FLAIR goes with the component filter, and stays without it."""
    contrasts = ball.contrasts.copy()
    stray = tuple(np.argwhere(ball.brain & (ball.labels == 0))[0])
    contrasts[(3, *stray)] = 5.0
    models = (TorchModel(ContrastThresholds(), SEGMENTERS["joint"]),)
    noisy = RealCase("noisy", contrasts, ball.brain, ball.labels)
    assert find(noisy, models, TEST_TIME["published"])[stray] == 0
    assert find(noisy, models, TEST_TIME["no-component-filter"])[stray] > 0
    assert find(noisy, models, TEST_TIME["largest-component"])[stray] == 0


def test_logits_outside_the_brain_s_box_say_nothing(ball: RealCase) -> None:
    """They are -inf, below every threshold."""
    brain = np.zeros_like(ball.brain)
    brain[20:30, 20:30, 4] = True
    logits = joint_logits(TorchModel(ContrastThresholds(), SEGMENTERS["joint"]), ball.contrasts, brain)
    assert np.isfinite(logits[:, brain]).all()
    assert np.isneginf(logits[:, :, :, 5]).all()


def test_the_command_scores_every_case_under_every_rule(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line a case and rule; the JSON holds the first rule's rows and means."""
    weights = write(tmp_path / "joint.safetensors", "joint-tiny")
    rules = ["no-component-filter", "published"]
    main(["--joint", str(weights), "--data", str(folder), "--json", str(tmp_path / "r.json"), "--rules", *rules])
    printed = capsys.readouterr().out
    assert printed.count("case_1") == 2
    assert json.loads((tmp_path / "r.json").read_text())["cases"][0]["reference_ml"]["ET"] == pytest.approx(0.001)


def test_a_cascade_needs_all_three(tmp_path: Path) -> None:
    """Two networks of three are refused before anything is loaded."""
    with pytest.raises(InvalidParameterError, match="--joint"):
        main(["--wt", str(tmp_path / "wt"), "--tc", str(tmp_path / "tc")])


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
    assert mean[f"ET_above_{LARGE_ET_ML:g}_ml"]["dice"] == pytest.approx(0.8)
