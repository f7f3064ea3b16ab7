"""The model card: what a model is for, what made it, how good it is, where it ends, and what the gate saw of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training.export.gate import Parity
from training.export.speed import Speed

LICENCE: Final = "Apache-2.0, as the project. The simulated anatomies are SynthSeg's label maps (Apache-2.0).\n"
"""Terms of the shipped weights."""


SIMULATED_ONLY: Final = "simulated images only: no patient's voxel is in the weights"
"""What the weights were fitted to where a run's facts name no other data."""


@dataclass(frozen=True)
class CardText:
    """What a kind of network says of itself, as Markdown.

    Attributes:
        title: What it is, in half a line.
        summary: Network and training data in two sentences.
        use: What it is meant for, and what not.
        interface: Input and outputs: shape, order, scale.
        training: Command, data, steps.
        metrics: Tables, each with what it was measured on.
        limits: What a reader must know before using it, as a list.
        licence: Terms of the weights.
    """

    title: str
    summary: str
    use: str
    interface: str
    training: str
    metrics: str
    limits: str
    licence: str = LICENCE


@dataclass(frozen=True)
class ExportReport:
    """What the gate saw of a file.

    Attributes:
        format: What the file is: ``"ONNX, fp16 weights, fp32 arithmetic"``.
        size_mib: Its size in MiB.
        digest: The version's digest, as every answer names it.
        parities: Agreement with torch, per engine.
        speeds: Time of a slice, torch first.
        size: Height and width of that slice.
        threads: Threads of each engine while it was timed.
        unit: What the values are that were compared.
    """

    format: str
    size_mib: float
    digest: str
    parities: tuple[Parity, ...]
    speeds: tuple[Speed, ...]
    size: tuple[int, int]
    threads: int
    unit: str


def card_text(name: str, text: CardText, report: ExportReport) -> str:
    """Returns the card of a model's newest version.

    Args:
        name: The model's folder.
        text: What the kind of network says of itself.
        report: What the gate saw.
    """
    sections = {
        "Intended use": text.use,
        "Interface": text.interface,
        "Training": text.training,
        "Metrics": text.metrics,
        "Export": export_text(report),
        "Limits": text.limits,
        "Licence": text.licence,
    }
    body = "\n".join(f"## {heading}\n\n{section}" for heading, section in sections.items())
    return f"# {name}: {text.title}\n\n{text.summary}\n{body}"


def export_text(report: ExportReport) -> str:
    """Returns the section on the file: size, digest, and one line an engine."""
    height, width = report.size
    milliseconds = {speed.engine: f"{speed.slice_ms:.1f}" for speed in report.speeds}
    agreements = {one.engine: one for one in report.parities}
    rows = [
        f"| {engine} | {_agreement(agreements.get(engine))} | {milliseconds.get(engine, '')} |"
        for engine in dict.fromkeys([*milliseconds, *agreements])
    ]
    return (
        f"{report.format}, {report.size_mib:.1f} MiB.\nDigest `sha256:{report.digest}`.\n\n"
        f"| engine | largest {report.unit} difference from torch | mean | equal pixels"
        f" | ms a slice of {height} x {width} |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + f"\n\nTimes are medians at batch 1 on {report.threads} thread(s) of the machine that exported it.\n"
    )


def _agreement(parity: Parity | None) -> str:
    if parity is None:
        return "| |"
    return f"{parity.largest:.2g} | {parity.mean:.2g} | {100 * parity.equal_share:.4f} %"


def trained_on(facts: Mapping[str, Any]) -> str:
    """Returns what the weights were fitted to: ``trained_on`` of the facts beside them, or the simulator."""
    return str(facts.get("trained_on", SIMULATED_ONLY))


def figures_table(heading: str, figures: Mapping[str, float]) -> str:
    """Returns a table of two columns.

    Args:
        heading: What the first column names.
        figures: Values by name.
    """
    rows = [f"| {name} | {value:.3f} |" for name, value in figures.items()]
    return "\n".join([f"| {heading} | value |", "|---|---|", *rows]) + "\n"


def options_text(script: str, facts: Mapping[str, Any]) -> str:
    """Returns the section on a run whose every option counts: command, options, steps.

    Args:
        script: Module of the trainer.
        facts: JSON beside the weights.
    """
    minutes = float(facts.get("elapsed_s", 0)) / 60
    options = {name: _portable(value) for name, value in facts["options"].items()}
    return (
        f"`python -m {script}`, step {facts.get('step', 0)} after {minutes:.0f} min, with\n`{json.dumps(options)}`.\n"
    )


def _portable(value: object) -> object:
    """Returns an option's value; of an absolute path the last two parts, which mean something elsewhere."""
    return "/".join(Path(value).parts[-2:]) if isinstance(value, str) and Path(value).is_absolute() else value


def command_text(script: str, options: Mapping[str, Any], *, shown: tuple[str, ...]) -> str:
    """Returns the command line of a run as Markdown, options that are unset or unknown left out.

    Args:
        script: Module of the trainer.
        options: Options of the run, by name.
        shown: Names of the options that decide the result, in order.
    """
    flags = " ".join(f"--{key.replace('_', '-')} {options[key]}" for key in shown if options.get(key) not in (None, ""))
    return f"`python -m {script} {flags} --run RUN`\n"
