"""The study as Markdown and CSV: the paper's table with our figures, differences, single cases, the paper's own."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.labels import Region
from gliosynth.metrics import HD95Definition
from gliosynth.metrics.distance import BRATS_WORST_HD95_MM
from training.study import paper
from training.study.rows import DECIMALS, METRIC_TITLES, CaseRow, Metric
from training.study.statistics import DRAWS, FEWEST_FOR_TEST
from training.study.summary import Cell, Comparison, Summary, case_changes

SIGNIFICANT: Final = 0.05
"""Corrected p below which a difference is marked."""

SHOWN_CASES: Final = 2
"""Cases shown at either end, as in the paper's figures 3 to 6."""


@dataclass(frozen=True)
class StudyFacts:
    """What a reader must know beside the figures.

    Attributes:
        preset: Name of the study's preset.
        command: What makes it again.
        base: What the base cases are.
        held_out: What the held-out cases are.
        synthetic: What the synthetic cases are.
        real_base: Whether the base may be patients.
        steps: Optimiser steps of every network.
        batch: Slices a step.
        networks: Name and size of each network.
        definition: What HD95 means.
    """

    preset: str
    command: str
    base: str
    held_out: str
    synthetic: str
    real_base: bool
    steps: int
    batch: int
    networks: tuple[str, ...]
    definition: HD95Definition


def study_markdown(summary: Summary, rows: Sequence[CaseRow], facts: StudyFacts) -> str:
    """Returns the report."""
    parts = [
        _head(summary, facts),
        _main_table(summary),
        _whole_volume_line(summary, rows),
        _differences(summary),
        _single_cases(summary, rows),
        _paper_table(),
    ]
    return "\n\n".join(parts) + "\n"


def summary_csv(summary: Summary) -> str:
    """Returns one line an arm, region and metric: mean, interval, seeds, and the comparison with the base."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["metric", "region", "arm", "mean", "low", "high", "seed_sd", "best", "difference", "difference_low",
         "difference_high", "better_cases", "worse_cases", "p", "p_holm"]
    )  # fmt: skip
    for cell in summary.cells:
        figures = [cell.mean, cell.interval.low, cell.interval.high, seed_sd(cell), int(cell.best)]
        writer.writerow([cell.metric, cell.region, cell.arm, *figures, *_compared(summary, cell)])
    return buffer.getvalue()


def seed_sd(cell: Cell) -> float | None:
    """Returns the standard deviation of the seeds' means, or None for a single seed."""
    return float(np.std(cell.seed_means, ddof=1)) if len(cell.seed_means) > 1 else None


def _compared(summary: Summary, cell: Cell) -> list[float | None]:
    """Returns the columns that compare a figure with the base's; the base's own are empty."""
    if cell.arm == summary.arms[0]:
        return [None] * 7
    one = summary.comparison(cell.arm, cell.region, cell.metric)
    ends = (one.interval.low, one.interval.high)
    return [one.difference, *ends, one.better_cases, one.worse_cases, one.p, one.p_holm]


def _head(summary: Summary, facts: StudyFacts) -> str:
    warning = (
        ""
        if facts.real_base
        else " **The base set is simulated: these figures are about simulated cases, no patients.**"
    )
    seeds = ", ".join(str(seed) for seed in summary.seeds)
    penalties = ", ".join(f"{arm} {count}" for arm, count in zip(summary.arms, summary.penalties, strict=True))
    few = (
        f"\n- Fewer than {FEWEST_FOR_TEST} cases: no Wilcoxon test can reach 5 %."
        if len(summary.cases) < FEWEST_FOR_TEST
        else ""
    )
    return (
        f"# What synthetic cases add to a base set (study `{facts.preset}`)\n\n"
        f"Base: {facts.base}.{warning}\n\n"
        f"- Held out for evaluation: {facts.held_out}.\n"
        f"- Synthetic: {facts.synthetic}; arms add nested parts of it, whole cases in an order that each seed draws.\n"
        f"- Networks: {'; '.join(facts.networks)}; each {facts.steps} steps of {facts.batch} slices in every arm,"
        f" seeds {seeds}; averaged weights after the last step, no checkpoint chosen.\n"
        f"- HD95 is `{facts.definition.value}`; a region found where there is none, or missed altogether, counts"
        f" {BRATS_WORST_HD95_MM:g} mm (BraTS 2023); scores so counted: {penalties}.\n"
        "- Sensitivity and specificity are counted inside the bounding box of the brain.\n"
        f"- Seeds are averaged case by case. Intervals: paired percentile bootstrap over cases, {DRAWS} draws."
        " p: Wilcoxon signed-rank, two-sided, corrected by Holm over all comparisons of this study."
        f"{few}\n\n"
        f"Made by `{facts.command}`."
    )


def _main_table(summary: Summary) -> str:
    header = [f"| Metric | Region | {' | '.join(summary.arms)} |", "|---|---|" + "---:|" * len(summary.arms)]
    body = [
        f"| {METRIC_TITLES[metric]} | {region} | "
        + " | ".join(_cell(summary, summary.cell(arm, region, metric)) for arm in summary.arms)
        + " |"
        for metric in Metric
        for region in summary.regions
    ]
    counts = " | ".join(str(summary.best_count(arm)) for arm in summary.arms)
    note = (
        f"Means over {len(summary.cases)} held-out cases, ± standard deviation over seeds. **Bold**: best of the row at"
        f" the printed precision. *: differs from the base, corrected p < {SIGNIFICANT:g}."
    )
    return "\n".join(["## Results", "", note, "", *header, *body, f"| Best | of {len(body)} | {counts} |"])


def _cell(summary: Summary, cell: Cell) -> str:
    digits = DECIMALS[cell.metric]
    text = f"**{cell.mean:.{digits}f}**" if cell.best else f"{cell.mean:.{digits}f}"
    spread = seed_sd(cell)
    if cell.arm != summary.arms[0] and summary.comparison(cell.arm, cell.region, cell.metric).p_holm < SIGNIFICANT:
        text += "*"
    return text if spread is None else f"{text} ± {spread:.{digits}f}"


def _whole_volume_line(summary: Summary, rows: Sequence[CaseRow]) -> str:
    by_arm = [
        f"{arm} "
        + " / ".join(
            f"{np.mean([row.specificity_volume for row in rows if (row.arm, row.region) == (arm, region)]):.4f}"
            for region in summary.regions
        )
        for arm in summary.arms
    ]
    regions = " / ".join(summary.regions)
    return f"Specificity over the whole volume, as the paper counts it ({regions}; not among the ranked metrics): " + (
        "; ".join(by_arm) + "."
    )


def _differences(summary: Summary) -> str:
    lines = [
        "## Differences to the base",
        "",
        "| Metric | Region | Arm | Difference (95 %) | Cases better / worse | p | p (Holm) |",
        "|---|---|---|---|---:|---:|---:|",
    ]
    return "\n".join(lines + [_difference(one) for one in summary.comparisons])


def _difference(one: Comparison) -> str:
    digits = DECIMALS[one.metric]
    interval = f"{one.interval.low:+.{digits}f} to {one.interval.high:+.{digits}f}"
    return (
        f"| {METRIC_TITLES[one.metric]} | {one.region} | {one.arm} | {one.difference:+.{digits}f} ({interval})"
        f" | {one.better_cases} / {one.worse_cases} | {one.p:.3g} | {one.p_holm:.3g} |"
    )


def _single_cases(summary: Summary, rows: Sequence[CaseRow]) -> str:
    last = summary.arms[-1]
    changes = case_changes(rows, base=summary.arms[0], arm=last, region=Region.WT)
    count = min(SHOWN_CASES, len(changes) // 2)
    shown = [*changes[:count], *changes[len(changes) - count :]]
    lines = [
        f"## Single cases: WT DSC, base to {last}",
        "",
        "The most improved and the most worsened, as in the paper's figures 3 to 6.",
        "",
        f"| Case | base | {last} | Change |",
        "|---|---:|---:|---:|",
    ]
    return "\n".join(
        lines
        + [f"| {one.case} | {one.before:.3f} | {one.after:.3f} | {one.after - one.before:+.3f} |" for one in shown]
    )


def _paper_table() -> str:
    lines = [
        "## The paper's own table",
        "",
        "Paper 002, table three: BraTS 2018, 75 held-out patients; sensitivity and specificity over whole volumes, HD"
        " computed by code that calls the maximum distance. No interval or test was published.",
        "",
        f"| Metric | Region | {' | '.join(paper.ARMS)} |",
        "|---|---|" + "---:|" * len(paper.ARMS),
    ]
    for (metric, region), means in paper.TABLE_THREE.items():
        shown = " | ".join(f"{mean:.{DECIMALS[metric]}f}" for mean in means)
        lines.append(f"| {METRIC_TITLES[metric]} | {region} | {shown} |")
    counts = " | ".join(str(count) for count in paper.BEST_COUNTS)
    return "\n".join([*lines, f"| Best | of {len(paper.TABLE_THREE)} | {counts} |"])
