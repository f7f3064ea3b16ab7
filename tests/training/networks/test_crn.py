"""Tests of training.networks.crn: the published size, what each module sees, the norms, where images are black."""

import pytest
import torch
from torch import Tensor, nn

from training.generation.presets import GENERATORS
from training.networks.crn import CascadedRefinementNetwork, CrnSpec, PixelNorm, RefinementModule
from training.networks.one_hot import one_hot

SMALL = CrnSpec(4, (6, 5, 4), candidates=2, side_kernel=1, norm_over_pixels=False)


def maps_of(height: int, width: int, *, seed: int = 0) -> Tensor:
    """Returns random brain maps of two slices, brain everywhere but in the first column."""
    maps = torch.randint(3, 7, (2, 4, height, width), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    maps[..., 0] = 7
    maps[:, :, 3:5, 3:5] = 2
    return maps


def network(spec: CrnSpec = SMALL) -> CascadedRefinementNetwork:
    """Returns a network of fixed weights."""
    torch.manual_seed(0)
    return CascadedRefinementNetwork(spec).eval()


def test_paper_preset_has_the_published_size() -> None:
    """142.5 M parameters: seven modules, 1024 channels up to 64 px and 512 from 128, nine outputs (METHODS A.002)."""
    with torch.device("meta"):
        made = CascadedRefinementNetwork(GENERATORS["augmentation_network_paper"].spec)  # type: ignore[arg-type]
    assert sum(p.numel() for p in made.parameters()) == pytest.approx(142.5e6, rel=1e-4)


def test_shipped_preset_fits_16_mib_as_fp16() -> None:
    """At two bytes a parameter."""
    with torch.device("meta"):
        made = CascadedRefinementNetwork(GENERATORS["augmentation_network"].spec)  # type: ignore[arg-type]
    assert sum(p.numel() for p in made.parameters()) * 2 < 16 * 2**20


def test_modules_work_from_4_to_256_pixels_in_the_paper() -> None:
    """Seven modules, each twice the resolution of the one before; here narrow ones in their places."""
    made, seen = network(CrnSpec(1, (2,) * 7)), []
    for module in made.cascade:
        module.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0].shape[-1], output.shape[-1])))
    made(torch.full((1, 1, 256, 256), 3, dtype=torch.uint8))
    assert seen == [(size, size) for size in (4, 8, 16, 32, 64, 128, 256)]


def test_every_module_is_fed_the_map_averaged_over_its_pixels() -> None:
    """The last channels of module i's input are the mean of the one-hot map over 2^(n-i) x 2^(n-i) pixels."""
    made, maps, inputs = network(), maps_of(8, 12), []
    for module in made.cascade:
        module.register_forward_hook(lambda _, given, output: inputs.append(given[0]))
    made(maps)
    finest = one_hot(maps)
    for edge, given in zip((4, 2, 1), inputs, strict=True):
        blocks = finest.unfold(2, edge, edge).unfold(3, edge, edge).mean(dim=(-1, -2))
        torch.testing.assert_close(given[:, -20:], blocks)
    assert [given.shape[1] for given in inputs] == [20, 26, 25]


def test_module_is_the_residual_block_of_its_equation() -> None:
    """Written out once more with the module's own weights."""
    torch.manual_seed(1)
    module, x = RefinementModule(3, 4, CrnSpec()), torch.randn(2, 3, 5, 6)

    def normed(y: Tensor) -> Tensor:
        mean, var = y.mean(dim=(1, 2, 3), keepdim=True), y.var(dim=(1, 2, 3), keepdim=True, correction=0)
        return (y - mean) / torch.sqrt(var + 1e-5)

    first = nn.functional.leaky_relu(normed(module.conv1(x)), 0.2)
    expected = nn.functional.leaky_relu(normed(module.conv2(first)) + module.side(x), 0.2)
    torch.testing.assert_close(module(x), expected)


def test_layer_norm_over_channels_by_hand() -> None:
    """Channels 1, 3 of one pixel have mean 2 and sd 1: -1 and 1; gamma 2 and beta 5 make 3 and 7."""
    norm = PixelNorm(2)
    with torch.no_grad():
        norm.norm.weight.fill_(2.0)
        norm.norm.bias.fill_(5.0)
    y = norm(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1).expand(1, 2, 3, 4))
    torch.testing.assert_close(y, torch.tensor([3.0, 7.0]).view(1, 2, 1, 1).expand(1, 2, 3, 4), atol=1e-4, rtol=0)


def test_images_are_black_outside_the_brain_and_in_range() -> None:
    """Values in 0 to 1, exactly 0 in the background."""
    images = network()(maps_of(8, 12))
    assert images.shape == (2, 4, 8, 12)
    assert images.dtype == torch.float32
    assert (images[..., 0] == 0).all()
    assert images[..., 1:].min() >= 0
    assert images.max() <= 1


def test_padding_does_not_change_the_brain_far_from_it() -> None:
    """With norms over channels only, more background around the slice leaves its middle as it was."""
    maps = maps_of(48, 48)
    padded = nn.functional.pad(maps, (16, 16, 16, 16), value=7)
    inner = slice(20, 28)
    whole = network()(padded)[..., 16:-16, 16:-16]
    torch.testing.assert_close(whole[..., inner, inner], network()(maps)[..., inner, inner])


def test_served_image_is_the_first_candidate_clipped() -> None:
    """Candidates are not clipped, so that a gradient comes from everywhere."""
    made, maps = network(), maps_of(8, 12)
    candidates = made.candidates(maps)
    assert candidates.shape == (2, 2, 4, 8, 12)
    torch.testing.assert_close(made(maps), candidates[:, 0].clamp(0, 1))
    assert not torch.equal(candidates[:, 0], candidates[:, 1])
