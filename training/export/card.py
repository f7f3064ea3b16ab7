"""The model card of an exported segmenter: what it is, what made it, how good it is, where it ends."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gliosynth.labels import REGION_LABELS, Region
from training.segmentation.presets import Preset

LIMITS: Final = """\
- Research use; not a medical device. No output may guide care without a radiologist.
- Adults' gliomas before surgery with all four contrasts. Resection cavities, metastases and children's tumours were
  never simulated.
- A slice network: it sees no neighbouring slices, so thin sheets between slices can flicker.
- The real cases above are seven. They calibrated the simulator by eye and by region medians, so they are no clean test.
"""
"""What a reader must know before using the model."""


@dataclass(frozen=True, eq=False)
class CardFacts:
    """What a card is written from.

    Attributes:
        preset: Region, channels, network.
        training: Facts beside the weights: options, step, validation scores.
        agreement: Per engine, largest logit difference and share of equal pixels.
        real: JSON of an evaluation on real cases, or None.
    """

    preset: Preset
    training: dict[str, object]
    agreement: dict[str, tuple[float, float]]
    real: Path | None


def card_text(facts: CardFacts) -> str:
    """Returns the card as Markdown."""
    preset = facts.preset
    labels = ", ".join(label.name for label in REGION_LABELS[preset.region])
    widths = "-".join(str(width) for width in preset.spec.widths)
    sections = [
        f"# segmenter_{preset.region.lower()}: {preset.region} ({labels}) on axial slices\n",
        f"A 2D U-Net of four scales ({widths} channels, 2x2 pixels folded into the finest), after paper 002.\n"
        "**Trained on simulated images only: no patient's voxel is in the weights.**\n",
        interface(preset),
        "## Training\n\n" + training(facts.training),
        "## Shifted simulators (Dice; the worst chose the checkpoint)\n\n" + validation(facts.training),
        "## Export\n\n" + export_table(facts.agreement),
        "## Real cases\n\n" + (real_table(facts.real, preset.region) if facts.real else "Not evaluated yet.\n"),
        "## Limits\n\n" + LIMITS,
        "## Licence\n\nApache-2.0, as the project. The simulated anatomies are SynthSeg's label maps (Apache-2.0).\n",
    ]
    return "\n".join(sections)


def interface(preset: Preset) -> str:
    """Returns the section on input and output."""
    where = (
        "all axial slices of the brain box"
        if preset.region is Region.WT
        else "the axial slices and the box of the whole tumour, plus a margin"
    )
    difference = (
        "  The caller computes t1c-t1n from the z-scores (not clipped again); the graph does not.\n"
        if preset.subtract
        else ""
    )
    return (
        "## Interface\n\n"
        f"- `contrasts` FP32 `(B, 4, H, W)`: axial slices, 1 mm pixels, channels `{', '.join(preset.channels)}`,\n"
        f"  RAS order (H along X, W along Y), H and W multiples of {preset.spec.multiple}; z-scores of the brain\n"
        "  clipped to -5..5, 0 outside.\n"
        f"{difference}"
        "- `logits` FP32 `(B, 1, H, W)`; the region is where the logit is above 0 (probability .5).\n"
        f"- Run on {where}.\n"
    )


def training(facts: dict[str, object]) -> str:
    """Returns the section on how the weights were made."""
    options: Any = facts["options"]
    minutes = float(str(facts["elapsed_s"])) / 60
    changed = ("steps", "minutes", "batch", "learning_rate", "seed", "simulator_seed", "evaluate_every")
    flags = " ".join(f"--{key.replace('_', '-')} {options[key]}" for key in changed if options[key] is not None)
    warm = (
        "\nThe run started from an earlier run's weights (`--warm-start`, training/LOG.md), whose slices are not\n"
        "counted here.\n"
        if options["warm_start"]
        else ""
    )
    return (
        f"`python -m training.train_segmenter --region {options['region']} {flags} --run RUN`\n\n"
        f"Step {facts['step']} ({int(str(facts['step'])) * int(options['batch'])} slices),"
        f" {minutes:.0f} min on one CPU core beside the simulator.\n{warm}"
    )


def validation(facts: dict[str, object]) -> str:
    """Returns the table of shifted simulators."""
    scores: Any = facts["validation"]
    rows = [f"| {name} | {score:.3f} |" for name, score in scores.items()]
    return "\n".join(["| simulator | score |", "|---|---|", *rows]) + "\n"


def export_table(agreement: dict[str, tuple[float, float]]) -> str:
    """Returns the table of engines."""
    rows = [f"| {engine} | {largest:.2g} | {100 * equal:.4f} % |" for engine, (largest, equal) in agreement.items()]
    return (
        "\n".join(["| engine against torch fp32 | largest logit difference | equal pixels |", "|---|---|---|", *rows])
        + "\n"
    )


def real_table(path: Path, region: Region) -> str:
    """Returns the table of real cases for one region, the threshold baseline beside it."""
    found = json.loads(path.read_text())
    rows = [
        f"| {case['id']} | {case['dice'][region]:.3f} | {case['baseline_dice'][region]:.3f} |"
        for case in found["cases"]
    ]
    mean = [sum(case[key][region] for case in found["cases"]) / len(rows) for key in ("dice", "baseline_dice")]
    head = [f"| case | Dice {region} | threshold baseline |", "|---|---|---|"]
    return "\n".join([*head, *rows, f"| **mean** | **{mean[0]:.3f}** | **{mean[1]:.3f}** |"]) + "\n"
