"""Results of a reader test as Markdown and as CSV, the paper's figures beside ours."""

import csv
import io
import math
from collections.abc import Sequence

from gliosynth.report.overlay import CONTRAST_TITLES
from training.study.paper import MISCLASSIFIED_PERCENT
from training.study.reader_test.scoring import Agreement, ReaderScore

COLUMNS = (
    "reader", "contrast", "judged", "misclassified", "misclassified_share", "low", "high", "p_chance", "fooled",
    "synthetic", "quality_real", "quality_synthetic",
)  # fmt: skip
"""Columns of the CSV; `low` and `high` are the ends of the share's exact 95 % interval."""


def scores_csv(scores: Sequence[ReaderScore]) -> str:
    """Returns one line a reader and contrast; the contrast `all` is all of them together."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in scores:
        writer.writerow(
            [
                one.reader,
                one.contrast or "all",
                one.judged,
                one.misclassified,
                one.misclassified_share,
                one.interval.low,
                one.interval.high,
                one.p_chance,
                one.fooled,
                one.synthetic,
                one.quality_real,
                one.quality_synthetic,
            ]
        )
    return buffer.getvalue()


def scores_markdown(scores: Sequence[ReaderScore], agreements: Sequence[Agreement]) -> str:
    """Returns the report: a table of the readers, and one of their agreement where there are several."""
    lines = [
        "# Reader test",
        "",
        "Misclassified: real taken for synthetic or the other way; 50 % cannot be told apart. Intervals are exact"
        " binomial (Clopper-Pearson) 95 %; p is two-sided against guessing. The last column is the paper's single"
        " physician on 19 images.",
        "",
        "| Reader | Contrast | Judged | Accuracy % | Misclassified % (95 %) | p | Synthetic taken for real"
        " | Quality real / synthetic | Paper: misclassified % |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|",
        *(_row(one) for one in scores),
    ]
    if agreements:
        lines += ["", "| Readers | Items | Cohen's kappa |", "|---|---:|---:|"]
        lines += [f"| {' and '.join(one.readers)} | {one.items} | {one.kappa:.2f} |" for one in agreements]
    return "\n".join(lines) + "\n"


def _row(one: ReaderScore) -> str:
    title = CONTRAST_TITLES[one.contrast] if one.contrast else "all"
    paper = f"{MISCLASSIFIED_PERCENT[one.contrast]:.1f}" if one.contrast else ""
    interval = f"{100 * one.interval.low:.1f} to {100 * one.interval.high:.1f}"
    quality = f"{_mean(one.quality_real)} / {_mean(one.quality_synthetic)}"
    return (
        f"| {one.reader} | {title} | {one.judged} | {100 * one.accuracy:.1f}"
        f" | {100 * one.misclassified_share:.1f} ({interval}) | {one.p_chance:.3f} | {one.fooled} of {one.synthetic}"
        f" | {quality} | {paper} |"
    )


def _mean(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.2f}"
