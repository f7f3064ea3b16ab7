"""Tests of training.segmentation.system: options of the recipe, together, still learn."""

from dataclasses import replace
from pathlib import Path

from lightning_fabric import Fabric

from training.data.ring import Ring
from training.loop.options import LoopOptions
from training.loop.system import Evaluation
from training.loop.train import train
from training.networks.unet2d import UNet2dSpec
from training.segmentation.options import Options
from training.segmentation.presets import Variation, segmenter
from training.segmentation.region_model import load_model
from training.segmentation.system import SegmenterSystem
from training.segmentation.validation import rings_below, score_presets

JOINT = segmenter("joint-2.5d")
TINY = replace(
    JOINT,
    spec=UNet2dSpec(12, (6, 8, 10, 12), outputs=3, deep_supervision=1),
    recipe=replace(JOINT.recipe, logit_share=0.1),
    variation=Variation(0, 0, 0, 0, 0, 0, intensity=False, pose=False),
    crop=(48, 64),
)
COURSE = LoopOptions(steps=100, batch=4, learning_rate=2e-2, warm_up=5, ema=0.8, report_every=25, evaluate_every=100)


def test_a_joint_network_of_three_slices_learns_all_regions(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """2.5D, deep supervision and a logit warm-up: each region of a held-out ball is found above chance."""
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    options = Options(TINY, COURSE, validation_stride=1)
    held_out = {"own cases": ring}
    system = SegmenterSystem(options, fabric, rings=ring, validation=validation, held_out=held_out)
    untrained = system.evaluate({"network": system.trained["network"].eval()})
    system.trained["network"].train()
    train(system, COURSE, folder=tmp_path, fabric=fabric)
    trained = load_model(tmp_path / "last.safetensors")
    scores = score_presets(trained.network, TINY, rings_below(validation) | held_out)
    assert set(scores.by_preset) == {"shifted", "own cases"}
    for region in ("WT", "TC", "ET"):
        assert scores.by_region[region]["shifted"] > max(0.4, untrained.figures[region] + 0.2), region


def test_without_validation_every_evaluation_is_alike(ring: Ring) -> None:
    """A run that is judged elsewhere keeps its last weights."""
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    system = SegmenterSystem(Options(TINY, COURSE), fabric, rings=ring, validation=None)
    assert system.evaluate({"network": system.trained["network"]}) == Evaluation(0.0)
