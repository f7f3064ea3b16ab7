"""Tests of training.networks.unet2d."""

from dataclasses import replace

import pytest
import torch

from training.networks.unet2d import UNet2d, UNet2dSpec
from training.segmentation.presets import SEGMENTERS

SPEC = UNet2dSpec(channels=4, widths=(4, 6, 8, 10))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 80)])
def test_gives_one_logit_per_pixel_for_any_multiple_of_16(height: int, width: int) -> None:
    """The service sends boxes of any such size."""
    assert SPEC.multiple == 16
    assert UNet2d(SPEC)(torch.zeros(2, 4, height, width)).shape == (2, 1, height, width)


def test_gradient_reaches_every_parameter() -> None:
    """No block is left out of the path from input to logit."""
    network = UNet2d(SPEC)
    generator = torch.Generator().manual_seed(0)
    network(torch.randn(2, 4, 32, 32, generator=generator)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_a_mirrored_padding_shift_moves_the_answer_with_the_image() -> None:
    """A shift by the coarsest stride, 16 pixels, moves the logits by 16 pixels away from the border."""
    network = UNet2d(SPEC).eval()
    image = torch.zeros(1, 4, 160, 16)
    image[:, :, 64:72, 4:12] = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    moved = torch.roll(image, 16, dims=2)
    with torch.no_grad():
        first, second = network(image), network(moved)
    assert torch.allclose(first[:, :, 56:80], second[:, :, 72:96], atol=1e-5)
    assert not torch.allclose(first[:, :, 56:80], first[:, :, 72:96], atol=1e-3)


def test_pixels_inside_one_fold_are_told_apart() -> None:
    """Space-to-depth loses nothing: an impulse's place inside its 2x2 square changes the answer."""
    network = UNet2d(SPEC).eval()
    one, other = torch.zeros(1, 4, 16, 16), torch.zeros(1, 4, 16, 16)
    one[0, 0, 8, 8] = other[0, 0, 9, 9] = 5.0
    with torch.no_grad():
        assert not torch.allclose(network(one), network(other), atol=1e-4)


def test_options_leave_what_older_weights_were_built_with() -> None:
    """A spec file of channels and widths alone gives the same keys and, from the same seed, the same answer."""
    old = UNet2dSpec.from_json({"channels": 4, "widths": [4, 6, 8, 10]})
    assert old == SPEC
    assert UNet2dSpec.from_json(replace(SPEC, norm="group", outputs=3).as_json()).outputs == 3
    keys = set(UNet2d(SPEC).state_dict())
    assert keys == set(UNet2d(replace(SPEC, dropout=0.5)).state_dict())
    assert {"encoder.0.conv1.weight", "encoder.3.norm2.running_var", "decoder.2.up.bias", "head.bias"} <= keys


def test_deep_supervision_adds_coarser_answers_in_training_alone() -> None:
    """Two regions and two coarser scales: six channels in training, two else, the same finest ones."""
    torch.manual_seed(0)
    network = UNet2d(replace(SPEC, outputs=2, deep_supervision=2, norm="group"))
    image = torch.randn(1, 4, 32, 48, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        taught, asked = network.train()(image), network.eval()(image)
    assert taught.shape == (1, 6, 32, 48)
    assert torch.allclose(taught[:, :2], asked, atol=1e-6)
    network.train()(image)[:, 4:].square().sum().backward()
    assert network.coarse_heads[1].conv.weight.grad is not None  # type: ignore[union-attr]
    assert network.head.weight.grad is None or not network.head.weight.grad.any()


def test_group_norm_makes_a_slice_s_answer_its_own() -> None:
    """In training a slice's logits do not depend on the batch it came in; with batch norm they do."""
    images = torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(2))
    images[1] *= 5
    for norm, own in (("group", True), ("batch", False)):
        torch.manual_seed(0)
        network = UNet2d(replace(SPEC, norm=norm)).train()
        with torch.no_grad():
            assert torch.allclose(network(images)[:1], network(images[:1]), atol=1e-5) is own


def test_dropout_acts_in_training_alone() -> None:
    """Two passes differ in training and agree in evaluation."""
    network = UNet2d(replace(SPEC, dropout=0.5, norm="group"))
    image = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        assert not torch.equal(network.train()(image), network(image))
        assert torch.equal(network.eval()(image), network(image))


def test_the_paper_s_network_works_on_every_pixel() -> None:
    """Base 64 without a fold: four poolings, multiples of 16, 31 M parameters, 4 channels in."""
    with torch.device("meta"):
        network = UNet2d(SEGMENTERS["unet64"].spec)
    assert network.spec.multiple == 16
    assert round(sum(p.numel() for p in network.parameters()) / 1e6) == 31
    assert network.encoder[0].conv1.weight.shape == (64, 4, 3, 3)  # type: ignore[union-attr]
