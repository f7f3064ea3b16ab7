"""Tests of training.networks.encoder."""

import torch

from training.encoding.presets import ENCODERS
from training.networks.encoder import LOGITS, EncoderSpec, FeatureEncoder, encoder_of

TINY = EncoderSpec(widths=(4, 6, 8), joined=5)


def trained(spec: EncoderSpec = TINY) -> FeatureEncoder:
    """Returns a network whose norms have seen images."""
    torch.manual_seed(0)
    network = FeatureEncoder(spec).train()
    for _ in range(3):
        network(torch.rand(2, 1, 16, 24) * 3)
    return network.eval()


def test_the_shipped_encoder_has_a_million_parameters() -> None:
    """1 to 2 million, and at most 16 MiB as fp16."""
    with torch.device("meta"):
        network = FeatureEncoder(ENCODERS["encoder"].spec)
    count = sum(p.numel() for p in network.parameters())
    assert 1_000_000 < count < 2_000_000


def test_features_go_from_fine_to_coarse() -> None:
    """Scale k has 1/2^k of the pixels and its own width; the head answers every pixel."""
    network, image = trained(), torch.rand(2, 1, 16, 24)
    assert [tuple(found.shape) for found in network.features(image)] == [(2, 4, 16, 24), (2, 6, 8, 12), (2, 8, 4, 6)]
    assert network(image).shape == (2, LOGITS, 16, 24)
    assert network.multiple == 4


def test_a_feature_sees_its_surroundings_only() -> None:
    """Two 3x3 convolutions of the finest scale reach two pixels; a far pixel changes nothing there."""
    network, image = trained(), torch.rand(1, 1, 16, 24)
    changed = image.clone()
    changed[0, 0, 8, 12] += 1
    moved = (network.features(image)[0] != network.features(changed)[0]).any(dim=1)[0]
    assert moved.any()
    rows, columns = torch.nonzero(moved, as_tuple=True)
    assert 6 <= rows.min() <= rows.max() <= 10
    assert 10 <= columns.min() <= columns.max() <= 14


def test_folding_the_norms_changes_no_answer() -> None:
    """The frozen copy has no norm left and says the same."""
    network, image = trained(), torch.rand(2, 1, 16, 24)
    folded = network.folded()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert not any(p.requires_grad for p in folded.parameters())
    torch.testing.assert_close(folded(image), network(image), atol=1e-5, rtol=1e-5)
    for one, two in zip(folded.features(image), network.features(image), strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)


def test_facts_rebuild_the_network() -> None:
    """A spec goes through JSON and back."""
    network = trained()
    again = encoder_of({"spec": network.spec.as_json()})
    again.load_state_dict(network.state_dict())
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(again.eval()(image), network(image))
