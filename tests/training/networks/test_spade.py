"""Tests of training.networks.spade: the published size, the modulation, and what the map decides."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from training.generation.presets import GENERATORS
from training.networks import spade
from training.networks.spade import SpadeGenerator, SpadeResBlock, SpadeSpec, SpatiallyAdaptiveNorm

CITYSCAPES_MAPS = 36
"""35 labels and the edges of objects, in the paper's Cityscapes model."""


def plain(layer: nn.Module) -> nn.Module:
    """Stands in for spectral norm, which has no parameters but takes long to start on the meta device."""
    return layer


def parameters(spec: SpadeSpec) -> int:
    """Returns the number of a generator's parameters."""
    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.setattr(spade, "spectral_norm", plain)
        return sum(p.numel() for p in SpadeGenerator(spec).parameters())


def test_paper_size_is_the_published_one() -> None:
    """The authors' Cityscapes generator has 93.0 M parameters; ours differs by what fewer maps and one image save."""
    spec = GENERATORS["spade_paper"].spec
    assert isinstance(spec, SpadeSpec)
    norms = 18
    saved = (CITYSCAPES_MAPS - 8) * 9 * (norms * spec.hidden + 16 * spec.width) + 2 * (9 * spec.width + 1)
    assert parameters(spec) + saved == pytest.approx(93.0e6, rel=2e-3)


def test_small_preset_fits_16_mib_as_fp16() -> None:
    """At two bytes a parameter."""
    spec = GENERATORS["spade"].spec
    assert isinstance(spec, SpadeSpec)
    assert parameters(spec) * 2 < 16 * 2**20


def test_norm_is_scaled_and_shifted_where_the_map_says() -> None:
    """X = 1, 3 has mean 2, sd 1: -1, 1. With gamma 1 and beta 10 where the map is lit: 8, 12; elsewhere unchanged."""
    norm = SpatiallyAdaptiveNorm(1, maps=1, hidden=1)
    with torch.no_grad():
        for conv, middle, bias in ((norm.shared, 1.0, 0.0), (norm.gamma, 1.0, 0.0), (norm.beta, 10.0, 0.0)):
            conv.weight.zero_()
            conv.weight[0, 0, 1, 1] = middle
            conv.bias.fill_(bias)  # type: ignore[union-attr]
    x = torch.tensor([1.0, 3.0, 1.0, 3.0]).view(1, 1, 1, 4)
    layout = torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 1, 4)
    torch.testing.assert_close(norm(x, layout).flatten(), torch.tensor([8.0, 12.0, -1.0, 1.0]), atol=1e-3, rtol=0)


def test_block_keeps_its_input_where_widths_agree() -> None:
    """The shortcut is the identity: with a silenced main path the block returns its input."""
    torch.manual_seed(0)
    block = SpadeResBlock(4, 4, maps=3, hidden=2)
    x, layout = torch.randn(2, 4, 6, 6), torch.randn(2, 3, 6, 6)
    parametrize.remove_parametrizations(block.conv2, "weight")
    for parameter in block.conv2.parameters():
        nn.init.zeros_(parameter)
    torch.testing.assert_close(block.eval()(x, layout), x)
    assert not SpadeResBlock(4, 2, maps=3, hidden=2).eval()(x, layout).isnan().any()


def test_spectral_norm_holds_the_main_path_to_one() -> None:
    """The largest singular value of a convolution's weights is 1 (Miyato et al. 2018), and it can be taken off."""
    torch.manual_seed(0)
    conv = SpadeResBlock(8, 8, maps=3, hidden=2).conv1
    for _ in range(50):
        weight = conv.weight
    assert torch.linalg.matrix_norm(weight.flatten(1), ord=2).item() == pytest.approx(1.0, abs=0.02)  # type: ignore[operator]
    parametrize.remove_parametrizations(conv, "weight")
    assert isinstance(conv.weight, nn.Parameter)


def test_map_alone_decides_the_image() -> None:
    """Same map, same image; another band somewhere, another image there; black outside the brain."""
    torch.manual_seed(0)
    network = SpadeGenerator(SpadeSpec(1, 2, 3)).eval()
    maps = torch.full((1, 1, 64, 32), 4, dtype=torch.uint8)
    maps[..., :4] = 7
    changed = maps.clone()
    changed[..., 40:48, 16:24] = 3
    with torch.no_grad():
        first, again, other = network(maps), network(maps), network(changed)
    assert torch.equal(first, again)
    assert (first[..., :4] == 0).all()
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first[..., 40:48, 16:24], other[..., 40:48, 16:24])
