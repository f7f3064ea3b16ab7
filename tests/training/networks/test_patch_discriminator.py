"""Tests of training.networks.patch_discriminator: patches, scales, conditions."""

import torch

from training.networks.patch_discriminator import Discriminator, DiscriminatorSpec


def discriminator(spec: DiscriminatorSpec) -> Discriminator:
    """Returns a discriminator of fixed weights."""
    torch.manual_seed(0)
    return Discriminator(spec).eval()


def test_published_size() -> None:
    """Four 5x5 convolutions 64-128-256-512 on 8 + 1 channels, then 3x3 to one logit (METHODS A.002)."""
    made = discriminator(DiscriminatorSpec(1))
    pairs = ((9, 64), (64, 128), (128, 256), (256, 512))
    by_hand = sum(25 * a * b + b for a, b in pairs) + 9 * 512 + 1
    assert sum(p.numel() for p in made.parameters()) == by_hand


def test_a_logit_judges_a_patch_and_no_more() -> None:
    """A change of one corner changes the logits near it and leaves the far ones."""
    made = discriminator(DiscriminatorSpec(1, (4, 4)))
    maps, images = torch.full((1, 1, 64, 64), 3, dtype=torch.uint8), torch.zeros(1, 1, 64, 64)
    changed = images.clone()
    changed[..., 0, 0] = 1.0
    before, after = made(maps, images)[0].logits, made(maps, changed)[0].logits
    assert before.shape == (1, 1, 16, 16)
    assert before[..., 0, 0] != after[..., 0, 0]
    assert torch.equal(before[..., 4:, 4:], after[..., 4:, 4:])


def test_the_map_is_part_of_the_question() -> None:
    """The same image beside another map is judged differently."""
    made, images = discriminator(DiscriminatorSpec(1, (4, 4))), torch.full((1, 1, 16, 16), 0.5)
    one, other = (torch.full((1, 1, 16, 16), value, dtype=torch.uint8) for value in (3, 4))
    assert not torch.equal(made(one, images)[0].logits, made(other, images)[0].logits)


def test_second_scale_sees_half_the_resolution() -> None:
    """Its logits are those that its network gives for the 2x2 averaged input."""
    made = discriminator(DiscriminatorSpec(1, (4, 4), scales=2))
    maps, images = torch.full((1, 1, 32, 32), 3, dtype=torch.uint8), torch.rand(1, 1, 32, 32)
    coarse = images.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(-1, -2))
    judged = made.scales[1](made.scales[0].strided[0].weight.new_zeros(1, 9, 16, 16) + _input(coarse))
    torch.testing.assert_close(made(maps, images)[1].logits, judged.logits)


def _input(images: torch.Tensor) -> torch.Tensor:
    """Returns one-hot band 1 beside images."""
    lit = torch.zeros(1, 8, *images.shape[2:])
    lit[:, 3] = 1.0
    return torch.cat([lit, images], dim=1)
