"""What a generator is to the model repository: images of one or four contrasts from their brain maps.

``brain_maps`` UINT8 ``(B, M, H, W)`` -> ``contrasts`` FP32 ``(B, M, H, W)``, unit intensities in 0 to 1, 0 outside the
brain; M is 1 for a model of one contrast and 4 for the joint one. One-hot encoding happens in the graph.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from gliosynth.labels import CONTRASTS
from training.data.pairs import UnitScales, draw_pairs
from training.data.ring import Ring
from training.export.card import CardText, figures_table, options_text, trained_on
from training.export.contract import Contract, TensorContract
from training.export.gate import Tolerance
from training.export.model import ServedModel, read_facts
from training.generation.presets import generator_of
from training.loop.run_folder import load_weights

INPUT_NAME: Final = "brain_maps"
"""Name of the graph's input, UINT8 ``(B, M, H, W)``, values of `gliosynth.brain_map.BrainChannel`."""

OUTPUT_NAME: Final = "contrasts"
"""Name of the graph's output, FP32 ``(B, M, H, W)``."""

SPACING_MM: Final = 1.0
"""Pixel size that the networks are trained at."""

GREY_LEVEL: Final = 1 / 255
"""Step of an 8-bit image: differences below it no display shows."""

TOLERANCE: Final = Tolerance(largest=GREY_LEVEL, mean=GREY_LEVEL / 10, threshold=None, unit="intensity")
"""Limits of the gate: no pixel a grey level away, a tenth of one on average."""

GATE_SLICES: Final = 16
"""Brain maps the gate looks at."""

GATE_SEED: Final = 61
"""Seed of their draw."""

USE: Final = """\
Research: images for a tumour that is drawn, moved or enlarged, to enlarge training sets and to test segmentation. Not a
medical device: no image of it shows a patient, and none may be read as if it did.
"""
"""Intended use."""

LIMITS: Final = """\
- It paints what the brain map says in the bands that it has: texture finer than four bands is invented.
- Slices are painted one by one, so intensities can step from slice to slice.
- It learned the contrasts of its training images: other field strengths and protocols were not shown.
"""
"""What a reader must know before using the model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this kind."""
    parser.add_argument("--run", type=Path, required=True, help="run folder of training.train_generator")
    parser.add_argument("--ring", type=Path, required=True, help="ring of held-out volumes, for the gate's brain maps")
    parser.add_argument("--name", help="folder in the repository (default: the kind, and the contrast if it is one)")


def served_model(line: argparse.Namespace) -> ServedModel:
    """Returns the model that the command line names."""
    return generator(line.run, line.ring, name=line.name)


def generator(run: Path, ring: Path, *, name: str | None = None) -> ServedModel:
    """Returns a generator, ready to be exported.

    Args:
        run: Run folder of `training.train_generator`.
        ring: Ring of volumes whose brain maps the gate looks at.
        name: Folder in the repository; None for `model_name`.

    Raises:
        InvalidParameterError: There are no weights in the run folder, or the facts name no known generator.
    """
    facts = read_facts(run / "best.safetensors")
    network = generator_of(facts)
    load_weights(run / "best.safetensors", network)
    return served_generator(network, facts, samples=gate_inputs(Ring(ring), facts), name=name)


def served_generator(
    network: nn.Module, facts: Mapping[str, Any], *, samples: NDArray[np.uint8], name: str | None = None
) -> ServedModel:
    """Returns a generator's network with all that serving it needs.

    Args:
        network: The network.
        facts: JSON beside its weights: ``kind``, ``spec``, ``contrasts``, ``size``, ``multiple``.
        samples: Brain maps for the gate ``(N, M, H, W)``.
        name: See `generator`.
    """
    contrasts = tuple(str(one) for one in facts["contrasts"])
    height, width = facts["size"]
    contract = Contract(
        TensorContract(INPUT_NAME, "UINT8", len(contrasts)),
        (TensorContract(OUTPUT_NAME, "FP32", len(contrasts)),),
        multiple=int(facts["multiple"]),
        size=(int(height), int(width)),
    )
    return ServedModel(
        name=name or model_name(str(facts["kind"]), contrasts),
        network=network,
        contract=contract,
        parameters=parameters_of(facts),
        tolerance=TOLERANCE,
        samples=samples,
        card=card_of(facts),
    )


def model_name(kind: str, contrasts: tuple[str, ...]) -> str:
    """Returns the repository name of a generator: its kind, and its contrast where it makes only one."""
    return kind if len(contrasts) > 1 else f"{kind}_{contrasts[0]}"


def parameters_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """Returns what the cohort service reads from config.pbtxt."""
    return {
        "contrasts": ",".join(facts["contrasts"]),
        "multiple": str(served_multiple(facts)),
        "spacing_mm": str(SPACING_MM),
        "trained_on": trained_on(facts),
    }


def served_multiple(facts: Mapping[str, Any]) -> int:
    """Returns what callers pad to: where the norm runs over a slice's pixels, the size that it was trained at."""
    if facts["spec"].get("norm_over_pixels", False):
        return int(max(facts["size"]))
    return int(facts["multiple"])


def gate_inputs(ring: Ring, facts: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Returns brain maps ``(N, M, H, W)`` of slices near tumours."""
    names = [str(contrast) for contrast in CONTRASTS]
    height, width = facts["size"]
    channels = tuple(names.index(contrast) for contrast in facts["contrasts"])
    rng = np.random.default_rng(GATE_SEED)
    return draw_pairs(
        ring, UnitScales(), size=(height, width), channels=channels, count=GATE_SLICES, rng=rng
    ).brain_maps


def card_of(facts: Mapping[str, Any]) -> CardText:
    """Returns what the card says."""
    contrasts = ", ".join(facts["contrasts"])
    return CardText(
        title=f"axial slices of {contrasts} from brain maps",
        summary=(
            f"A generator of kind `{facts['kind']}` (preset `{facts['preset']}`), after paper 002: one brain map a\n"
            f"contrast in, one image a contrast out.\n**Trained on {trained_on(facts)}.**\n"
        ),
        use=USE,
        interface=interface(facts),
        training=options_text("training.train_generator", facts) + perceptual_text(facts),
        metrics="On held-out slices with their own tumour, inside the brain, unit intensities:\n\n"
        + figures_table("figure", facts.get("validation", {})),
        limits=LIMITS,
    )


def perceptual_text(facts: Mapping[str, Any]) -> str:
    """Returns which network's features the perceptual terms compared."""
    features = facts.get("perceptual")
    named = f"features of {features}" if features else "no perceptual term"
    return f"\nLoss: shares {facts.get('shares', {})}; {named}.\n"


def interface(facts: Mapping[str, Any]) -> str:
    """Returns the section on input and output."""
    count = len(facts["contrasts"])
    return (
        f"- `{INPUT_NAME}` UINT8 `(B, {count}, H, W)`: brain maps of axial slices, 1 mm pixels, RAS order (H along X,\n"
        "  W along Y), one of each contrast; values 0 to 7: NCR, ED, ET, the four intensity bands from the brightest,\n"
        f"  background (`gliosynth.brain_map`). Tumour and background are the same in all. H and W multiples of"
        f" {served_multiple(facts)}.\n"
        f"- `{OUTPUT_NAME}` FP32 `(B, {count}, H, W)`: `{', '.join(facts['contrasts'])}` as unit intensities, 0 to 1\n"
        "  between the percentiles 0.5 and 99.5 of a volume's brain, 0 outside the brain.\n"
    )
