"""Tables of runs that differ in one thing: means over the seeds, and how far each is from its control."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

COLUMNS: Final = ("WT", "TC", "ET", "ET > 5 ml", "worst", "shifted WT", "shifted TC", "shifted ET")
"""Real cases by region, ET where there is more than 5 ml of it, the worst shifted simulator, their mean by region."""

VARIANT_MARK: Final = "@"
"""Between a preset and the variant of the simulator it was trained on."""

VARIANT_CONTROL: Final = "training"
"""The variant that the others are compared with."""


@dataclass(frozen=True)
class Outcome:
    """What one run reached.

    Attributes:
        arm: Name of what was trained.
        rules: What was done with its answers.
        seed: Of weights and batches.
        scores: Dice by column, 0 to 1; a column that was not measured is missing.
    """

    arm: str
    rules: str
    seed: int
    scores: dict[str, float] = field(default_factory=dict)

    @property
    def row(self) -> str:
        """Name of its row: the arm, and the rules where they are not the published ones."""
        return self.arm if self.rules == "published" else f"{self.arm} + {self.rules}"


def control_of(row: str, rows: Sequence[str], *, control: str) -> str:
    """Returns the row that a row is compared with: ``preset@training`` for a variant, else the control.

    Args:
        row: Name of a row.
        rows: All names.
        control: Name of the control.
    """
    preset, mark, _ = row.partition(VARIANT_MARK)
    sibling = f"{preset}{VARIANT_MARK}{VARIANT_CONTROL}"
    return sibling if mark and sibling in rows else control


def means_of(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Returns each row's mean over its seeds, by column."""
    means: dict[str, dict[str, float]] = {}
    for row in dict.fromkeys(one.row for one in outcomes):
        runs = [one.scores for one in outcomes if one.row == row]
        means[row] = {c: float(np.mean([run[c] for run in runs])) for c in COLUMNS if all(c in run for run in runs)}
    return means


def differences(outcomes: Sequence[Outcome], row: str, control: str) -> dict[str, float]:
    """Returns row - control by column, the mean over the seeds that both have; paired, for a seed shares its draws."""
    ours = {one.seed: one.scores for one in outcomes if one.row == row}
    theirs = {one.seed: one.scores for one in outcomes if one.row == control}
    shared = sorted(ours.keys() & theirs.keys())
    return {
        column: float(np.mean([ours[seed][column] - theirs[seed][column] for seed in shared]))
        for column in COLUMNS
        if shared and all(column in ours[seed] and column in theirs[seed] for seed in shared)
    }


def markdown(outcomes: Sequence[Outcome], *, control: str) -> str:
    """Returns the table: mean over the seeds, in brackets the difference to the row's control, and the seeds' spread.

    Args:
        outcomes: At least one; rows stand in their order.
        control: Name of the row that the others are compared with.
    """
    means = means_of(outcomes)
    columns = [column for column in COLUMNS if any(column in values for values in means.values())]
    lines = [f"| arm | seeds | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for row, values in means.items():
        baseline = control_of(row, tuple(means), control=control)
        gap = differences(outcomes, row, baseline) if row != baseline else {}
        seeds = " ".join(str(one.seed) for one in outcomes if one.row == row)
        cells = [
            (f"{values[c]:.3f}" if c in values else "") + (f" ({gap[c]:+.3f})" if c in gap else "") for c in columns
        ]
        lines.append(f"| {row} | {seeds} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", spread_text(outcomes, control)]) + "\n"


def spread_text(outcomes: Sequence[Outcome], control: str) -> str:
    """Returns one line: how far the control's own seeds lie apart, below which a difference says nothing."""
    runs = [one.scores for one in outcomes if one.row == control]
    if len(runs) < 2:
        return f"One seed of {control}: its spread, and so the weight of a difference, is unknown."
    parts = [f"{c} {np.ptp([run[c] for run in runs]):.3f}" for c in COLUMNS if all(c in run for run in runs)]
    return f"Largest difference of two seeds of {control}: {', '.join(parts)}."


def csv_text(outcomes: Sequence[Outcome]) -> str:
    """Returns one line a run."""
    file = io.StringIO()
    writer = csv.DictWriter(file, ["arm", "rules", "seed", *COLUMNS], lineterminator="\n")
    writer.writeheader()
    for one in outcomes:
        rounded = {column: round(value, 4) for column, value in one.scores.items()}
        writer.writerow({"arm": one.arm, "rules": one.rules, "seed": one.seed} | rounded)
    return file.getvalue()
