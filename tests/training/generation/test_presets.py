"""Tests of training.generation.presets: one contrast or all, and a network from its facts."""

import json

import pytest
import torch

from gliosynth.errors import InvalidParameterError
from training.generation.presets import GENERATORS, SPADE, channels_of, generator_of, makers_of, preset_of


@pytest.mark.parametrize("name", GENERATORS)
def test_slices_and_crops_fit_the_network(name: str) -> None:
    """Sizes are multiples of what the cascade of doublings needs, and crops lie inside slices."""
    preset = GENERATORS[name]
    for have, crop in zip(preset.size, preset.crop, strict=True):
        assert have % preset.spec.multiple == 0
        assert crop % preset.spec.multiple == 0
        assert crop <= have


def test_a_contrast_makes_a_model_of_that_contrast() -> None:
    """Generator and discriminator of one image, whatever the preset was for."""
    preset = preset_of("augmentation_network", contrast="t2f")
    assert (preset.spec.contrasts, preset.discriminator.contrasts) == (1, 1)
    assert channels_of("t2f") == (3,)
    assert channels_of(None) == (0, 1, 2, 3)


def test_the_papers_preset_asks_for_its_contrast() -> None:
    """The paper trains one model per contrast; there is no joint one of that size."""
    with pytest.raises(InvalidParameterError, match="--contrast"):
        preset_of("augmentation_network_paper", contrast=None)


@pytest.mark.parametrize(("name", "contrast"), [("crn", None), ("tiny", "flair")])
def test_unknown_names_are_refused(name: str, contrast: str | None) -> None:
    """With those that there are."""
    with pytest.raises(InvalidParameterError, match="there are"):
        preset_of(name, contrast=contrast)


@pytest.mark.parametrize("name", ["tiny", "spade_tiny"])
def test_facts_rebuild_the_network(name: str) -> None:
    """Kind and spec, through JSON, give a network that takes the weights and paints the same."""
    preset = GENERATORS[name]
    torch.manual_seed(0)
    network = makers_of(preset)["generator"]().eval()
    facts = json.loads(json.dumps({"kind": preset.kind, "spec": preset.spec.as_json()}))
    rebuilt = generator_of(facts).eval()
    rebuilt.load_state_dict(network.state_dict())
    maps = torch.randint(0, 8, (1, 4, 64, 96), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    with torch.no_grad():
        assert torch.equal(rebuilt(maps), network(maps))


def test_facts_of_something_else_are_refused() -> None:
    """A segmenter's facts make no generator."""
    with pytest.raises(InvalidParameterError, match=SPADE):
        generator_of({"kind": "unet", "spec": {}})
