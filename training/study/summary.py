"""From case scores to what the study says: means, differences to the base arm, and who is best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gliosynth.labels import Region
from training.study.rows import (
    DECIMALS,
    LOWER_IS_BETTER,
    CaseRow,
    Metric,
    arm_names,
    case_names,
    regions_of,
    score_matrix,
)
from training.study.statistics import Interval, bootstrap_mean, holm, wilcoxon_p


@dataclass(frozen=True)
class Cell:
    """One figure of the table.

    Attributes:
        arm: Arm.
        region: Region.
        metric: Metric.
        mean: Over cases and seeds.
        interval: Bootstrap interval of the mean over cases (each case's mean over the seeds).
        seed_means: Mean over cases of each seed, in the order of the seeds.
        best: Whether no arm has a better mean at the printed precision, and some arm a worse one.
    """

    arm: str
    region: Region
    metric: Metric
    mean: float
    interval: Interval
    seed_means: tuple[float, ...]
    best: bool


@dataclass(frozen=True)
class Comparison:
    """An arm against the base arm, case by case.

    Attributes:
        arm: Arm.
        region: Region.
        metric: Metric.
        difference: Mean of arm minus base.
        interval: Paired bootstrap interval of it, over cases.
        better_cases: Cases that are better than under the base.
        worse_cases: Cases that are worse.
        p: Wilcoxon's signed-rank p.
        p_holm: The same, corrected by Holm over all comparisons of the study.
    """

    arm: str
    region: Region
    metric: Metric
    difference: float
    interval: Interval
    better_cases: int
    worse_cases: int
    p: float
    p_holm: float


@dataclass(frozen=True)
class Summary:
    """What a study says.

    Attributes:
        arms: Arms, the base first.
        seeds: Seeds.
        cases: Held-out cases.
        cells: Every figure, by metric, region, arm.
        comparisons: Every arm but the base, by metric, region, arm.
        penalties: Scores whose HD95 is the penalty for one empty mask, by arm.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    cases: tuple[str, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    penalties: tuple[int, ...]

    @property
    def regions(self) -> tuple[Region, ...]:
        """Regions, in the paper's order."""
        return tuple(dict.fromkeys(cell.region for cell in self.cells))

    def cell(self, arm: str, region: Region, metric: Metric) -> Cell:
        """Returns one figure."""
        return next(one for one in self.cells if (one.arm, one.region, one.metric) == (arm, region, metric))

    def comparison(self, arm: str, region: Region, metric: Metric) -> Comparison:
        """Returns one comparison."""
        return next(one for one in self.comparisons if (one.arm, one.region, one.metric) == (arm, region, metric))

    def best_count(self, arm: str) -> int:
        """Returns the paper's "number of best overall validation metrics"; a tie counts for every arm in it."""
        return sum(cell.best for cell in self.cells if cell.arm == arm)


def summarise(rows: Sequence[CaseRow], *, seed: int = 0) -> Summary:
    """Returns the summary of a study's rows.

    Seeds are averaged case by case before anything is compared: cases are the units that are resampled and ranked,
    seeds of one case are not independent of each other.

    Args:
        rows: Every arm, seed, case and region; the first row's arm is the base.
        seed: Of the bootstrap.

    Raises:
        InvalidInputError: An arm lacks a case.
    """
    arms, regions = arm_names(rows), regions_of(rows)
    keys = [(metric, region) for metric in Metric for region in regions]
    cells: list[Cell] = []
    comparisons: list[Comparison] = []
    for number, (metric, region) in enumerate(keys):
        by_arm = {arm: score_matrix(rows, arm, region, metric) for arm in arms}
        rng = np.random.default_rng([seed, number])
        cells += _cells(by_arm, region, metric, rng)
        comparisons += _comparisons(by_arm, region, metric, rng)
    return Summary(
        arms=arms,
        seeds=tuple(sorted({row.seed for row in rows})),
        cases=case_names(rows),
        cells=tuple(cells),
        comparisons=_corrected(comparisons),
        penalties=tuple(sum(row.one_empty for row in rows if row.arm == arm) for arm in arms),
    )


def best_of(means: Sequence[float], metric: Metric) -> tuple[bool, ...]:
    """Returns which means are the best at the printed precision; all of a tie are, but none where all are equal."""
    shown = [round(mean, DECIMALS[metric]) for mean in means]
    best = min(shown) if metric in LOWER_IS_BETTER else max(shown)
    return tuple(value == best and len(set(shown)) > 1 for value in shown)


def _cells(
    by_arm: dict[str, NDArray[np.float64]], region: Region, metric: Metric, rng: np.random.Generator
) -> list[Cell]:
    best = best_of([float(scores.mean()) for scores in by_arm.values()], metric)
    return [
        Cell(
            arm=arm,
            region=region,
            metric=metric,
            mean=float(scores.mean()),
            interval=bootstrap_mean(scores.mean(axis=0), rng=rng),
            seed_means=tuple(float(mean) for mean in scores.mean(axis=1)),
            best=is_best,
        )
        for (arm, scores), is_best in zip(by_arm.items(), best, strict=True)
    ]


def _comparisons(
    by_arm: dict[str, NDArray[np.float64]], region: Region, metric: Metric, rng: np.random.Generator
) -> list[Comparison]:
    """Returns each arm against the first, p not yet corrected."""
    (_, base), *others = by_arm.items()
    sign = -1 if metric in LOWER_IS_BETTER else 1
    found = []
    for arm, scores in others:
        differences = scores.mean(axis=0) - base.mean(axis=0)
        found.append(
            Comparison(
                arm=arm,
                region=region,
                metric=metric,
                difference=float(differences.mean()),
                interval=bootstrap_mean(differences, rng=rng),
                better_cases=int((sign * differences > 0).sum()),
                worse_cases=int((sign * differences < 0).sum()),
                p=wilcoxon_p(differences),
                p_holm=1.0,
            )
        )
    return found


def _corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    corrected = holm([one.p for one in comparisons])
    return tuple(replace(one, p_holm=p) for one, p in zip(comparisons, corrected, strict=True))


@dataclass(frozen=True)
class CaseChange:
    """Dice of one case under two arms, each averaged over the seeds.

    Attributes:
        case: Its name.
        before: Under the base.
        after: Under the other arm.
    """

    case: str
    before: float
    after: float


def case_changes(rows: Sequence[CaseRow], *, base: str, arm: str, region: Region) -> tuple[CaseChange, ...]:
    """Returns every case's Dice under two arms, the most improved first."""
    before, after = (score_matrix(rows, one, region, Metric.DSC).mean(axis=0) for one in (base, arm))
    changes = [
        CaseChange(case, float(first), float(second))
        for case, first, second in zip(case_names(rows), before, after, strict=True)
    ]
    return tuple(sorted(changes, key=lambda one: one.before - one.after))
