"""Tests of training.study end to end: nested arms, a killed study that goes on, tables that repeat their rows."""

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lightning_fabric import Fabric

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from training.data.fakes import simulate_ball
from training.data.mixture import Mixture
from training.data.ring import Ring, RingShape, feed
from training.data.sources.options import SIMULATOR, parse_source
from training.study import __main__ as command
from training.study.arms import BASE, Arm, arms, rings_of
from training.study.evaluation import held_out_cases, predict, score, trained_model
from training.study.presets import PRESETS, preset_named
from training.study.rows import Metric, read_rows
from training.study.runs import StudyRun, train_run
from training.study.sets import BASE_HEADS, HELD_OUT_HEADS, SYNTHETIC_HEADS, base_sets
from training.study.summary import summarise

TINY = preset_named("tiny")

SHORT = ("--preset", "tiny", "--steps", "3")
"""Three steps of every network: enough for the machinery."""


def fabric() -> Fabric:
    """Returns a CPU in full precision."""
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


@pytest.fixture
def rings(tmp_path: Path) -> tuple[Ring, Ring]:
    """A base of three and eight synthetic ball volumes."""
    made = []
    for name, count in (("base", 3), ("synthetic", 8)):
        ring = Ring.create(tmp_path / name, RingShape(slots=count, slices=12, height=64, width=80))
        feed(ring, simulate_ball, seed=count, numbers=range(count))
        made.append(ring)
    return made[0], made[1]


def added_slots(arm: Arm, rings: tuple[Ring, Ring], seed: int) -> set[int]:
    """Returns the synthetic cases that an arm draws from."""
    mixture = rings_of(arm, *rings, seed=seed)
    assert isinstance(mixture.rings[0], Ring)
    assert list(mixture.rings[0].held) == [0, 1, 2]
    return {int(slot) for slot in mixture.rings[1].held} if len(mixture.rings) > 1 else set()


def test_arms_are_those_of_the_paper() -> None:
    """By name and share, the base first."""
    assert [(arm.name, arm.share) for arm in arms()] == [
        (BASE, 0.0), ("+1/4", 0.25), ("+1/2", 0.5), ("+3/4", 0.75), ("+all", 1.0)
    ]  # fmt: skip
    assert len({arm.folder for arm in arms()}) == 5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_synthetic_subsets_lie_inside_each_other(rings: tuple[Ring, Ring], seed: int) -> None:
    """0, 2, 4, 6 and 8 of eight cases, each set inside the next, the base always whole."""
    subsets = [added_slots(arm, rings, seed) for arm in arms()]
    assert [len(subset) for subset in subsets] == [0, 2, 4, 6, 8]
    assert all(small < large for small, large in itertools.pairwise(subsets))


def test_seeds_nest_other_cases(rings: tuple[Ring, Ring]) -> None:
    """The quarter is not the same two cases for every seed."""
    assert len({frozenset(added_slots(arms()[1], rings, seed)) for seed in range(6)}) > 1


def test_every_case_of_an_arm_is_drawn_equally_often(rings: tuple[Ring, Ring]) -> None:
    """Three base cases and four synthetic ones: three draws of seven fall on the base."""
    mixture = rings_of(arms()[2], *rings, seed=0)
    assert isinstance(mixture, Mixture)
    rng = np.random.default_rng(1)
    drawn = [mixture.pick(rng).folder.name for _ in range(2000)]
    assert drawn.count("base") / len(drawn) == pytest.approx(3 / 7, abs=0.04)


def test_simulated_sets_share_no_head() -> None:
    """Base, held-out and synthetic heads are twenty different ones."""
    heads = [set(range(20)[part]) for part in (BASE_HEADS, HELD_OUT_HEADS, SYNTHETIC_HEADS)]
    assert sum(len(one) for one in heads) == len(set.union(*heads)) == 20


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_have_a_network_for_each_region(name: str) -> None:
    """One each, and cases for all three sets."""
    preset = PRESETS[name]
    assert [preset.segmenter(region).region for region in Region] == list(Region)
    assert min(preset.base_cases, preset.synthetic_cases, preset.held_out_cases, len(preset.seeds)) > 0


def test_an_unknown_preset_is_named() -> None:
    """With those that there are."""
    with pytest.raises(InvalidParameterError, match="choose one of tiny"):
        preset_named("huge")


def test_trained_networks_find_held_out_tumours(tmp_path: Path) -> None:
    """Forty steps on balls: whole tumour Dice on held-out balls far above the share of tumour in a brain."""
    sets = base_sets(parse_source(SIMULATOR), TINY, tmp_path)
    runs = [StudyRun(arms()[0], 0, region) for region in (Region.WT, Region.TC)]
    for run in runs:
        assert train_run(run, TINY, tmp_path, base=sets.base.ring, synthetic=sets.base.ring, fabric=fabric())
    wt, tc = (trained_model(run, TINY, tmp_path) for run in runs)
    rows = []
    for case in held_out_cases(sets.held_out):
        found = predict(case, wt=wt, tc=tc, et=tc)
        rows += score(case, found, arm=BASE, seed=0, definition=command.HD95Definition.BORDER_MAX)
    whole = [row for row in rows if row.region is Region.WT]
    assert len(whole) == TINY.held_out_cases
    assert np.mean([row.dsc for row in whole]) > 0.6
    assert all(row.specificity_volume > row.specificity for row in whole if row.specificity < 1)


def test_a_killed_study_goes_on_and_ends_as_if_it_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed in its seventh run and started again: finished runs stay, and every score is the straight study's."""
    assert command.main([*SHORT, "--out", str(tmp_path / "straight")]) == 0
    trained: list[StudyRun] = []

    def killed_at_7(run: StudyRun, *arguments: object, **named: object) -> bool:
        trained.append(run)
        if len(trained) == 7:
            raise KeyboardInterrupt
        return train_run(run, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "train_run", killed_at_7)
    with pytest.raises(KeyboardInterrupt):
        command.main([*SHORT, "--out", str(tmp_path / "parts")])
    weights = trained[0].folder(tmp_path / "parts") / "last.safetensors"
    before = weights.stat().st_mtime_ns
    monkeypatch.setattr(command, "train_run", train_run)
    assert command.main([*SHORT, "--out", str(tmp_path / "parts")]) == 0
    assert weights.stat().st_mtime_ns == before
    for name in ("cases.csv", "summary.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    check_report(tmp_path / "straight")
    capsys.readouterr()
    assert command.main([*SHORT, "--steps", "4", "--out", str(tmp_path / "parts")]) == 2
    assert "steps" in capsys.readouterr().err


def check_report(folder: Path) -> None:
    """Asserts that the tables repeat the rows, and that the first lines say what the cases are."""
    rows = read_rows(folder / "cases.csv")
    assert len(rows) == 5 * TINY.held_out_cases * 3
    text = (folder / "study.md").read_text()
    assert "The base set is simulated" in "\n".join(text.splitlines()[:3])
    assert "`surfel-max`" in text
    summary = summarise(rows)
    with (folder / "summary.csv").open() as file:
        for line in csv.DictReader(file):
            own = [
                getattr(row, line["metric"]) for row in rows if (row.arm, row.region) == (line["arm"], line["region"])
            ]
            assert float(line["mean"]) == pytest.approx(np.mean(own))
            if line["arm"] == BASE:
                assert line["difference"] == ""
            else:
                base = [getattr(row, line["metric"]) for row in rows if (row.arm, row.region) == (BASE, line["region"])]
                assert float(line["difference"]) == pytest.approx(np.mean(own) - np.mean(base))
    means = [summary.cell(arm, Region.WT, Metric.SPECIFICITY).mean for arm in summary.arms]
    (line_,) = [one for one in text.split("## Differences")[0].splitlines() if one.startswith("| Spec. | WT |")]
    printed = [cell.strip(" *") for cell in line_.split("|")[3:-1]]
    assert printed == [f"{mean:.3f}" for mean in means]
    for name in ("metrics.png", "differences.png", "cases.png"):
        assert (folder / name).stat().st_size > 10_000
        assert f"({name})" in text


def test_dry_run_prints_plan_and_cost_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Arms, runs, steps and a duration; no folder appears."""
    assert command.main([*SHORT, "--out", str(tmp_path / "study"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "arms base, +1/4, +1/2, +3/4, +all; seeds 0; 15 runs" in printed
    assert "WT: study-wt (8, 12, 16, 24), 3 steps of 4 slices of 48x64" in printed
    assert "on this device" in printed
    assert not (tmp_path / "study").exists()


def test_command_line_changes_seeds_and_steps(tmp_path: Path) -> None:
    """And nothing else of the preset."""
    line = command.parse(["--preset", "tiny", "--out", str(tmp_path), "--seeds", "4", "5", "--steps", "9"])
    changed = command.sized(line)
    assert (changed.seeds, changed.loop.steps) == ((4, 5), 9)
    assert replace(changed, seeds=TINY.seeds, loop=TINY.loop) == TINY
