"""Tests of training.study.rows and training.study.summary: the table's numbers are those of the rows."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidInputError
from gliosynth.labels import Region
from training.study import paper
from training.study.rows import CaseRow, Metric, read_rows, score_matrix, to_csv
from training.study.summary import best_of, summarise

CASES = tuple(f"case-{number}" for number in range(8))


def rows_of(arms: tuple[str, ...] = ("base", "+all"), seeds: tuple[int, ...] = (0, 1)) -> list[CaseRow]:
    """Returns random scores of every arm, seed, case and region."""
    rng = np.random.default_rng(4)
    return [
        CaseRow(arm, seed, case, region, *rng.random(4), float(rng.uniform(1, 30)), False, 9.0, 8.0)
        for arm, seed, case, region in product(arms, seeds, CASES, paper_regions())
    ]


def paper_regions() -> tuple[Region, ...]:
    """Returns ET, WT, TC."""
    return (Region.ET, Region.WT, Region.TC)


def test_csv_gives_back_the_rows(tmp_path: Path) -> None:
    """Every float to the last bit."""
    rows = rows_of()
    (tmp_path / "cases.csv").write_text(to_csv(rows))
    assert list(read_rows(tmp_path / "cases.csv")) == rows


def test_a_foreign_csv_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A missing column, and a score that is no number."""
    (tmp_path / "a.csv").write_text("arm,seed\nbase,0\n")
    (tmp_path / "b.csv").write_text(to_csv([replace(rows_of()[0], dsc=float("nan"))]))
    for name in ("a.csv", "b.csv"):
        with pytest.raises(InvalidInputError, match=r"not a table of case scores"):
            read_rows(tmp_path / name)


def test_best_is_counted_as_the_paper_counts_it() -> None:
    """Its table three gives 0, 1, 3, 4 and 6 best metrics; ties count for both arms."""
    counts = np.zeros(5, dtype=int)
    for (metric, _), means in paper.TABLE_THREE.items():
        counts += np.array(best_of(means, metric))
    assert tuple(counts) == paper.BEST_COUNTS


def test_best_is_decided_on_what_is_printed() -> None:
    """.8281 and .8284 are both printed .828; of distances the smaller is the better; nobody is best where all are."""
    assert best_of((0.8281, 0.8284, 0.8266), Metric.DSC) == (True, True, False)
    assert best_of((0.8281, 0.8286), Metric.DSC) == (False, True)
    assert best_of((8.5, 11.8), Metric.HD95) == (True, False)
    assert best_of((0.9991, 0.9994), Metric.SPECIFICITY) == (False, False)


def test_means_and_differences_are_those_of_the_rows() -> None:
    """Recomputed from the rows with plain sums."""
    rows = rows_of()
    summary = summarise(rows)
    base, all_ = ([row.dsc for row in rows if (row.arm, row.region) == (arm, "TC")] for arm in ("base", "+all"))
    assert summary.cell("base", Region.TC, Metric.DSC).mean == pytest.approx(sum(base) / 16)
    compared = summary.comparison("+all", Region.TC, Metric.DSC)
    assert compared.difference == pytest.approx(sum(all_) / 16 - sum(base) / 16)
    assert compared.interval.low < compared.difference < compared.interval.high
    assert compared.better_cases + compared.worse_cases == 8


def test_a_shift_of_every_case_is_found_in_the_right_direction() -> None:
    """Every Dice up by .1 and every distance down by 1 mm: all cases better, p exact, the interval a point."""
    base = rows_of(("base",), (0,))
    better = [replace(row, arm="+all", dsc=row.dsc + 0.1, hd95_mm=row.hd95_mm - 1.0) for row in base]
    summary = summarise([*base, *better])
    dsc = summary.comparison("+all", Region.WT, Metric.DSC)
    assert dsc.interval.low == pytest.approx(0.1)
    assert dsc.interval.high == pytest.approx(0.1)
    hd95 = summary.comparison("+all", Region.WT, Metric.HD95)
    assert (dsc.better_cases, hd95.better_cases, hd95.worse_cases) == (8, 8, 0)
    assert hd95.difference == pytest.approx(-1.0)
    assert summary.cell("+all", Region.WT, Metric.HD95).best
    unchanged = summary.comparison("+all", Region.WT, Metric.SENSITIVITY)
    assert (unchanged.p, unchanged.better_cases, unchanged.worse_cases) == (1.0, 0, 0)
    assert summary.best_count("+all") == 6
    assert summary.best_count("base") == 0


def test_seeds_are_averaged_case_by_case() -> None:
    """Two seeds that disagree by the same amount both ways leave no difference."""
    base = rows_of(("base",), (0, 1))
    sign = {0: 0.05, 1: -0.05}
    arm = [replace(row, arm="+all", sensitivity=row.sensitivity + sign[row.seed]) for row in base]
    compared = summarise([*base, *arm]).comparison("+all", Region.ET, Metric.SENSITIVITY)
    assert compared.difference == pytest.approx(0.0, abs=1e-12)


def test_holm_corrects_over_the_whole_study() -> None:
    """Twelve comparisons of one arm: the smallest p is multiplied by twelve."""
    summary = summarise(rows_of())
    smallest = min(summary.comparisons, key=lambda one: one.p)
    assert len(summary.comparisons) == 12
    assert smallest.p_holm == pytest.approx(min(1.0, 12 * smallest.p))


def test_an_arm_that_lacks_a_case_is_refused() -> None:
    """Means over different cases are not compared, nor is a case that was scored twice."""
    rows = rows_of()
    with pytest.raises(InvalidInputError, match="every seed needs every case once"):
        summarise(rows[:-1])
    with pytest.raises(InvalidInputError, match="every seed needs every case once"):
        score_matrix([*rows, rows[0]], "base", rows[0].region, Metric.DSC)
