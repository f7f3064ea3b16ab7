"""Tests of training.networks.unet2d."""

import pytest
import torch

from training.networks.unet2d import UNet2d, UNet2dSpec

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
