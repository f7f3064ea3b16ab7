"""Tests of training.losses.perceptual."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from gliosynth.errors import InvalidParameterError
from training.loop.run_folder import save_weights
from training.losses.perceptual import PerceptualLoss, perceptual_of
from training.networks.encoder import KIND, EncoderSpec, FeatureEncoder


class Doubling:
    """Features that can be worked out by hand: twice the image, and its means over 2 x 2 pixels."""

    def features(self, contrast: Tensor) -> list[Tensor]:
        """Returns both."""
        return [2 * contrast, torch.nn.functional.avg_pool2d(contrast, 2)]


def loss_of_two() -> PerceptualLoss:
    """Returns the loss with weights 1 and 10."""
    return PerceptualLoss(Doubling(), weights=(1.0, 10.0), described={"network": "doubling"})


def test_terms_are_mean_distances_of_features() -> None:
    """One pixel of four differs by 1: means 2/4 and 1/4, sum .5 + 10 x .25 (equation 2, as means)."""
    loss = loss_of_two()
    real = torch.zeros(1, 1, 2, 2)
    synthetic = real.clone()
    synthetic[0, 0, 0, 1] = 1
    fine, coarse = loss.terms(synthetic, real, torch.ones(1, 1, 2, 2))
    assert (float(fine), float(coarse)) == (0.5, 0.25)
    assert float(loss(synthetic, real, torch.ones(1, 1, 2, 2))) == 3.0
    assert loss.names == ("perceptual_1", "perceptual_2")


def test_only_pixels_of_the_mask_count() -> None:
    """A difference outside the brain costs nothing at the finest layer; without any brain all terms are 0."""
    loss, real = loss_of_two(), torch.zeros(1, 1, 4, 4)
    synthetic = real.clone()
    synthetic[..., 2:] = 1
    mask = torch.zeros(1, 1, 4, 4)
    assert [float(term) for term in loss.terms(synthetic, real, mask)] == [0, 0]
    mask[..., :2] = 1
    assert [float(term) for term in loss.terms(synthetic, real, mask)] == [0, 0]
    mask[..., :3] = 1
    fine, coarse = loss.terms(synthetic, real, mask)
    assert float(fine) == pytest.approx(2 * 4 / 12)
    assert float(coarse) == pytest.approx(0.5 / 1.5)


def test_contrasts_are_looked_at_one_by_one() -> None:
    """The loss of two contrasts is the mean of the losses of each."""
    loss, mask = loss_of_two(), torch.ones(1, 1, 4, 4)
    generator = torch.Generator().manual_seed(0)
    synthetic, real = (torch.rand(1, 2, 4, 4, generator=generator) for _ in range(2))
    both = loss(synthetic, real, mask)
    each = [loss(synthetic[:, [c]], real[:, [c]], mask) for c in (0, 1)]
    torch.testing.assert_close(both, (each[0] + each[1]) / 2)


def test_gradients_reach_the_synthetic_image_alone() -> None:
    """The network is frozen, and nothing flows to the real image."""
    torch.manual_seed(0)
    network = FeatureEncoder(EncoderSpec(widths=(4, 6), joined=4))
    loss = PerceptualLoss(network, weights=(1.0, 1.0), described={})
    synthetic, real = torch.rand(1, 1, 8, 8, requires_grad=True), torch.rand(1, 1, 8, 8, requires_grad=True)
    total = loss(synthetic, real, torch.ones(1, 1, 8, 8))
    (gradient,) = torch.autograd.grad(total, [synthetic], retain_graph=True)
    assert gradient.abs().sum() > 0
    assert torch.autograd.grad(total, [real], allow_unused=True)[0] is None
    assert not any(p.requires_grad for p in network.parameters())


def test_a_weight_for_each_layer_is_asked_for() -> None:
    """Three weights for two layers are a mistake."""
    loss = PerceptualLoss(Doubling(), weights=(1.0, 1.0, 1.0), described={})
    with pytest.raises(InvalidParameterError, match="3 for a network of 2 layers"):
        loss.terms(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))


def test_a_file_says_which_network_it_is(tmp_path: Path) -> None:
    """Our encoder by the facts beside it, named as such with what it was taught; any other file must be VGG-19."""
    torch.manual_seed(0)
    network = FeatureEncoder(EncoderSpec(widths=(4, 6, 8), joined=4))
    facts = {"kind": KIND, "spec": network.spec.as_json(), "targets": "balls", "step": 3, "score": 0.5}
    save_weights(tmp_path / "best.safetensors", network, facts)
    loss = perceptual_of(tmp_path / "best.safetensors")
    assert loss.facts() == {
        "network": KIND, "targets": "balls", "step": 3, "score": 0.5, "layer_weights": [1.0, 1.0, 1.0],
    }  # fmt: skip
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(loss.network.features(image)[2], network.eval().features(image)[2])
    (tmp_path / "best.json").unlink()
    with pytest.raises(InvalidParameterError, match="VGG-19"):
        perceptual_of(tmp_path / "best.safetensors")
