"""Plots of a study as PNG: the metrics over the synthetic share, differences to the base, cases before and after."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from gliosynth.labels import Region
from gliosynth.report.palette import REGION_NAMES
from training.study.rows import DECIMALS, LOWER_IS_BETTER, METRIC_TITLES, CaseRow, Metric
from training.study.summary import Summary, case_changes

DPI: Final = 150
"""Dots per inch of the PNG."""

COLOURS: Final = {Region.ET: "#c98a00", Region.WT: "#0277bd", Region.TC: "#c2185b"}
"""The hues of `gliosynth.report.palette`, darker: they stand on white."""

INK, SOFT, LINE = "#16202c", "#5b6878", "#dde3ea"
"""Text, lesser text, grid."""

STEP: Final = 0.06
"""Sideways distance of the regions' points, in arms."""

BETTER, WORSE = "#1a7f45", "#c0262d"
"""A case that gained, a case that lost."""


def save_plots(summary: Summary, rows: Sequence[CaseRow], folder: Path, *, note: str) -> tuple[Path, ...]:
    """Writes every plot and returns the files.

    Args:
        summary: The study's summary.
        rows: Its rows.
        folder: Where they go.
        note: What stands below each: what the cases are.
    """
    made = {
        "metrics.png": metrics_figure(summary),
        "differences.png": differences_figure(summary),
        "cases.png": cases_figure(summary, rows),
    }
    for name, figure in made.items():
        figure.text(0.01, 0.008, note, color=SOFT, fontsize=8)
        figure.savefig(folder / name, format="png")
    return tuple(folder / name for name in made)


def metrics_figure(summary: Summary) -> Figure:
    """Returns one panel a metric: mean and interval of each region over the arms, a point for each seed."""
    figure = Figure(figsize=(11, 7.6), dpi=DPI, layout=ConstrainedLayoutEngine(rect=(0, 0.03, 1, 0.97)))
    for axes, metric in zip(figure.subplots(2, 2).flat, Metric, strict=True):
        _dress(axes)
        for offset, region in enumerate(summary.regions):
            _draw_curve(axes, summary, region, metric, shift=(offset - (len(summary.regions) - 1) / 2) * STEP)
        axes.set_xticks(range(len(summary.arms)), summary.arms)
        arrow = "lower is better" if metric in LOWER_IS_BETTER else "higher is better"
        axes.set_title(f"{METRIC_TITLES[metric]}  ({arrow})", loc="left", color=INK, fontsize=11, fontweight="bold")
    handles = [
        Line2D([], [], color=COLOURS[region], marker="o", label=f"{REGION_NAMES[region]} ({region})")
        for region in summary.regions
    ]
    figure.legend(handles=handles, loc="lower right", ncols=len(handles), frameon=False, fontsize=9)
    title = f"Base cases with growing parts of the synthetic ones: {len(summary.cases)} held-out cases"
    figure.suptitle(title, x=0.012, ha="left", color=INK, fontsize=13, fontweight="bold")
    return figure


def differences_figure(summary: Summary) -> Figure:
    """Returns one panel a metric: the difference of every arm to the base with its interval, region by region."""
    figure = Figure(figsize=(12.5, 5.6), dpi=DPI, layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96)))
    others = summary.arms[1:]
    for axes, metric in zip(figure.subplots(1, 4, sharey=True), Metric, strict=True):
        _dress(axes, grid="x")
        axes.axvline(0, color=INK, linewidth=1)
        for row, (region, arm) in enumerate((region, arm) for region in summary.regions for arm in others):
            one = summary.comparison(arm, region, metric)
            colour = COLOURS[region]
            y = -row - 0.6 * (row // len(others))
            axes.plot([one.interval.low, one.interval.high], [y, y], color=colour, linewidth=2.4, alpha=0.55)
            filled = one.interval.excludes(0)
            axes.plot(one.difference, y, "o", color=colour, markersize=7, markerfacecolor=colour if filled else "white")
        rows = range(len(summary.regions) * len(others))
        axes.set_yticks(
            [-row - 0.6 * (row // len(others)) for row in rows],
            [f"{region}  {arm}" for region in summary.regions for arm in others],
        )
        better = "left is better" if metric in LOWER_IS_BETTER else "right is better"
        axes.set_title(f"{METRIC_TITLES[metric]}\n{better}", loc="left", color=INK, fontsize=10.5)
        axes.locator_params(axis="x", nbins=4)
    title = "Difference to the base, 95 % interval over cases (filled: excludes zero)"
    figure.suptitle(title, x=0.012, ha="left", color=INK, fontsize=13, fontweight="bold")
    return figure


def cases_figure(summary: Summary, rows: Sequence[CaseRow]) -> Figure:
    """Returns one panel a region: the Dice of every case under the base and under the last arm."""
    figure = Figure(figsize=(10, 5), dpi=DPI, layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96)))
    base, last = summary.arms[0], summary.arms[-1]
    for axes, region in zip(figure.subplots(1, len(summary.regions), sharey=True), summary.regions, strict=True):
        _dress(axes)
        for change in case_changes(rows, base=base, arm=last, region=region):
            colour = BETTER if change.after > change.before else WORSE if change.after < change.before else SOFT
            ends = (change.before, change.after)
            axes.plot((0, 1), ends, color=colour, linewidth=1.3, alpha=0.7, marker="o", markersize=4.5)
        means = [summary.cell(arm, region, Metric.DSC).mean for arm in (base, last)]
        axes.plot((0, 1), means, color=INK, linewidth=3.2, marker="D", markersize=7, zorder=5)
        for x, mean, side in ((0, means[0], "right"), (1, means[1], "left")):
            shift = -0.07 if side == "right" else 0.07
            text = f"{mean:.{DECIMALS[Metric.DSC]}f}"
            axes.text(x + shift, mean, text, ha=side, va="center", color=INK, fontweight="bold", fontsize=10)
        axes.set_xlim(-0.42, 1.42)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks((0, 1), (base, last))
        axes.set_title(f"{REGION_NAMES[region]} ({region})", loc="left", color=COLOURS[region], fontweight="bold")
    title = f"DSC of every held-out case, {base} and {last} (green: gained, red: lost, black: mean)"
    figure.suptitle(title, x=0.012, ha="left", color=INK, fontsize=13, fontweight="bold")
    return figure


def _draw_curve(axes: Axes, summary: Summary, region: Region, metric: Metric, *, shift: float) -> None:
    cells = [summary.cell(arm, region, metric) for arm in summary.arms]
    x = np.arange(len(cells)) + shift
    colour = COLOURS[region]
    for place, cell in zip(x, cells, strict=True):
        ends = [cell.interval.low, cell.interval.high]
        axes.plot([place, place], ends, color=colour, linewidth=2, alpha=0.35, solid_capstyle="butt")
        seeds = cell.seed_means if len(cell.seed_means) > 1 else ()
        axes.plot([place] * len(seeds), seeds, "_", color=colour, markersize=8, alpha=0.75)
    axes.plot(x, [cell.mean for cell in cells], "-o", color=colour, linewidth=1.6, markersize=5.5)
    best = [(place, cell.mean) for place, cell in zip(x, cells, strict=True) if cell.best]
    for place, mean in best:
        axes.plot(place, mean, "o", color=colour, markersize=12, markerfacecolor="none", markeredgewidth=1.4)


def _dress(axes: Axes, *, grid: str = "y") -> None:
    """Removes what is not read, and draws a quiet grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=SOFT, length=0, labelsize=9.5)
    axes.grid(axis="y" if grid == "y" else "x", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
