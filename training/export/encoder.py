"""What the feature encoder is to the model repository: features of one contrast at every scale.

``contrast`` FP32 ``(B, 1, H, W)`` -> ``features_0`` ... FP32 ``(B, C_k, H / 2^k, W / 2^k)``, finest first.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from gliosynth.labels import CONTRASTS
from training.data.pairs import UnitScales, draw_pairs
from training.data.ring import Ring
from training.export.card import CardText, figures_table, options_text, trained_on
from training.export.contract import Contract, TensorContract
from training.export.gate import Tolerance
from training.export.model import ServedModel, read_facts
from training.loop.run_folder import load_weights
from training.networks.encoder import FeatureEncoder, encoder_of

MODEL_NAME: Final = "feature_encoder"
"""Name in the model repository."""

INPUT_NAME: Final = "contrast"
"""Name of the graph's input: one contrast, any contrast."""

OUTPUT_NAMES: Final = "features_{}"
"""Name of each output by scale."""

TOLERANCE: Final = Tolerance(largest=2e-2, mean=1e-3, threshold=None, unit="feature")
"""Limits of the gate; features are about 1 after batch norm."""

GATE_SLICES: Final = 16
"""Slices the gate looks at."""

GATE_SEED: Final = 62
"""Seed of their draw."""

USE: Final = """\
Comparing images: perceptual losses of generators, feature distances between real and synthetic sets. Figures made with
it name it; they are not comparable with figures made with VGG or Inception features.
"""
"""Intended use."""

LIMITS: Final = """\
- It was taught on the simulator: what the simulator does not vary, its features need not see.
- Features of a scale cover 2^k pixels of 1 mm; slices of another pixel size are resampled first.
"""
"""What a reader must know before using the model."""


class FeaturesOnly(nn.Module):
    """x -> (f_0, ..., f_n) of an encoder, without its head."""

    def __init__(self, encoder: FeatureEncoder) -> None:
        """Takes the encoder."""
        super().__init__()
        self.encoder = encoder

    def forward(self, contrast: Tensor) -> tuple[Tensor, ...]:
        """Maps ``(B, 1, H, W)`` to the features of every scale, finest first."""
        return tuple(self.encoder.features(contrast))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this kind."""
    parser.add_argument("--run", type=Path, required=True, help="run folder of training.train_encoder")
    parser.add_argument("--ring", type=Path, required=True, help="ring of held-out volumes, for the gate's slices")


def served_model(line: argparse.Namespace) -> ServedModel:
    """Returns the model that the command line names."""
    return encoder(line.run, line.ring)


def encoder(run: Path, ring: Path) -> ServedModel:
    """Returns the feature encoder, ready to be exported.

    Args:
        run: Run folder of `training.train_encoder`.
        ring: Ring of volumes whose slices the gate looks at.

    Raises:
        InvalidParameterError: There are no weights in the run folder.
    """
    facts = read_facts(run / "best.safetensors")
    network = encoder_of(facts)
    load_weights(run / "best.safetensors", network)
    return served_encoder(network, facts, samples=gate_inputs(Ring(ring), multiple=network.multiple))


def served_encoder(network: FeatureEncoder, facts: Mapping[str, Any], *, samples: NDArray[np.float32]) -> ServedModel:
    """Returns an encoder's network with all that serving it needs.

    Args:
        network: The network.
        facts: JSON beside its weights.
        samples: Slices for the gate ``(N, 1, H, W)``.
    """
    height, width = samples.shape[2:]
    outputs = tuple(
        TensorContract(OUTPUT_NAMES.format(scale), "FP32", channels, shrink=1 << scale)
        for scale, channels in enumerate(network.spec.widths)
    )
    return ServedModel(
        name=MODEL_NAME,
        network=FeaturesOnly(network),
        contract=Contract(TensorContract(INPUT_NAME, "FP32", 1), outputs, network.multiple, (height, width)),
        parameters={"multiple": str(network.multiple), "spacing_mm": "1.0", "targets": str(facts["targets"])},
        tolerance=TOLERANCE,
        samples=samples,
        card=card_of(network, facts),
    )


def gate_inputs(ring: Ring, *, multiple: int) -> NDArray[np.float32]:
    """Returns slices of single contrasts ``(N, 1, H, W)`` in unit intensities, all contrasts in turn."""
    height, width = (length // multiple * multiple for length in (ring.shape.height, ring.shape.width))
    rng, channels = np.random.default_rng(GATE_SEED), tuple(range(len(CONTRASTS)))
    drawn = draw_pairs(ring, UnitScales(), size=(height, width), channels=channels, count=GATE_SLICES, rng=rng)
    return np.stack([drawn.contrasts[i, i % len(channels)] for i in range(GATE_SLICES)])[:, None]


def card_of(network: FeatureEncoder, facts: Mapping[str, Any]) -> CardText:
    """Returns what the card says."""
    widths = "-".join(str(width) for width in network.spec.widths)
    return CardText(
        title="features of axial slices of any contrast",
        summary=(
            f"A convolutional encoder of {len(network.spec.widths)} scales ({widths} channels), taught\n"
            f"{facts['targets']}.\n**Trained on {trained_on(facts)}.**\n"
        ),
        use=USE,
        interface=(
            f"- `{INPUT_NAME}` FP32 `(B, 1, H, W)`: an axial slice in unit intensities (0 to 1 between the\n"
            "  percentiles 0.5 and 99.5 of the volume's brain), 0 outside the brain; H and W multiples of\n"
            f"  {network.multiple}.\n"
            "- `features_k` FP32 `(B, C_k, H / 2^k, W / 2^k)`, not negative, finest first.\n"
        ),
        training=options_text("training.train_encoder", facts),
        metrics="On held-out slices:\n\n" + figures_table("figure", facts.get("validation", {})),
        limits=LIMITS,
    )
