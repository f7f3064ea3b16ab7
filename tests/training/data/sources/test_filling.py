"""Tests of training.data.sources.filling and splitting: rings that are made once, patients that never part."""

import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import GliosynthError, InvalidCaseError, InvalidInputError, InvalidParameterError
from gliosynth.labels import CONTRASTS, Contrast
from training.data.mixture import restrict
from training.data.ring import EMPTY, Ring, RingShape
from training.data.sources import filling
from training.data.sources.facts import TABLE, CaseFacts
from training.data.sources.fakes import fake_case, write_brats
from training.data.sources.filling import BadCases, FillOptions, SourceRing, source_ring
from training.data.sources.layouts import find_cases
from training.data.sources.reading import read_case
from training.data.sources.splitting import nested_patients, split

SHAPE = RingShape(slots=1, slices=88, height=96, width=104, slice_mm=1.0)
NAMES = ("BraTS-GLI-00001-000", "BraTS-GLI-00001-001", "BraTS-GLI-00002-000")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cases of two patients and their ring; the second lacks T2, the third has no label map."""
    home = tmp_path_factory.mktemp("prepared")
    for seed, name in enumerate(NAMES):
        contrasts = tuple(c for c in CONTRASTS if seed != 1 or c is not Contrast.T2W)
        write_brats(home / "cases" / name, name, fake_case(seed), new_names=True, contrasts=contrasts)
    (home / "cases" / NAMES[2] / f"{NAMES[2]}-seg.nii.gz").unlink()
    source_ring(home / "cases", options(home / "cases"))
    return home


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the cases with the ring that was made of them, for a test to spoil."""
    shutil.copytree(prepared, tmp_path / "own")
    return tmp_path / "own" / "cases"


def options(folder: Path, *, policy: BadCases = BadCases.SKIP) -> FillOptions:
    """Returns options with a cache beside the cases."""
    return FillOptions(cache=folder.parent / "cache", bad_cases=policy, shape=SHAPE)


def test_a_folder_becomes_a_ring_with_its_facts(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Good cases lie in the slots of their names' order; a bad one leaves its slot empty and is named with a reason."""
    with caplog.at_level(logging.INFO, logger="training.data.sources"):
        source = source_ring(folder, options(folder))
    first, second = source.cases
    assert [case.name for case in source.cases] == list(NAMES[:2])
    assert [case.slot for case in source.cases] == [0, 1] == source.ring.held.tolist()
    assert {first.patient, second.patient} == {"BraTS-GLI-00001"}
    assert first.present == CONTRASTS
    assert second.present == (Contrast.T1N, Contrast.T1C, Contrast.T2F)
    assert first.lost_ml == 0.0
    assert first.tumour_ml == pytest.approx((fake_case(0).labels > 0).sum() / 1000)
    (bad,) = source.bad
    assert (bad.slot, bad.name, bad.reason) == (2, NAMES[2], "NO_LABELS")
    assert source.ring.index[2, 0] == EMPTY
    assert "2 cases of 1 patients, 1 without a contrast, 1 left out" in caplog.text


def test_a_slot_holds_what_was_read(folder: Path) -> None:
    """Labels and brain to the voxel, z-scores within half a step of the stored bytes, a missing contrast as zeros."""
    source = source_ring(folder, options(folder))
    read = read_case(find_cases(folder)[1])
    found = source.ring.read(1, np.arange(SHAPE.slices))
    assert found is not None
    assert (found.labels > 0).sum() == (read.labels > 0).sum()
    assert found.brain.sum() == read.brain.sum()
    assert not found.contrasts[:, 2].any()
    assert found.contrasts[:, 3].sum() == pytest.approx(read.contrasts[3].sum(), abs=0.01 * read.brain.sum())


def test_the_same_files_again_are_no_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call reads nothing, and holds the same; a changed file is another ring."""
    first = source_ring(folder, options(folder))
    monkeypatch.setattr(filling, "read_case", None)
    second = source_ring(folder, options(folder))
    assert second.ring.folder == first.ring.folder
    assert second.cases == first.cases
    assert second.bad == first.bad
    os.utime(folder / NAMES[0] / f"{NAMES[0]}-seg.nii.gz", ns=(1, 1))
    with pytest.raises(TypeError):  # it is asked to read again
        source_ring(folder, options(folder))


def test_an_interrupted_ring_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line cut short by a crash counts for nothing; only what is missing is read."""
    straight = source_ring(folder, options(folder))
    images = (straight.ring.folder / "images.npy").read_bytes()
    table = straight.ring.folder / TABLE
    lines = table.read_text().splitlines()
    table.write_text(lines[0] + "\n" + lines[1][:40])
    straight.ring.index[1, 0] = EMPTY
    asked: list[str] = []

    def remember(case: object, *, tumour_free: bool) -> object:
        asked.append(case.name)  # type: ignore[attr-defined]
        return read_case(case, tumour_free=tumour_free)  # type: ignore[arg-type]

    monkeypatch.setattr(filling, "read_case", remember)
    resumed = source_ring(folder, options(folder))
    assert asked == list(NAMES[1:])
    assert resumed.cases == straight.cases
    assert resumed.bad == straight.bad
    assert (resumed.ring.folder / "images.npy").read_bytes() == images


def test_bad_cases_stop_where_the_user_says_so(folder: Path) -> None:
    """The case is named with the way out, also when an earlier call had left it out."""
    for _ in range(2):
        with pytest.raises(InvalidCaseError, match=rf"{NAMES[2]}.*--bad-cases skip"):
            source_ring(folder, options(folder, policy=BadCases.STOP))
        assert len(source_ring(folder, options(folder)).cases) == 2


def test_processes_read_what_one_reads(folder: Path) -> None:
    """The same ring, byte for byte, and the same facts."""
    alone = source_ring(folder, options(folder))
    shared = source_ring(folder, replace(options(folder), cache=folder.parent / "other", workers=2))
    assert shared.cases == alone.cases
    assert shared.bad == alone.bad
    assert (shared.ring.folder / "images.npy").read_bytes() == (alone.ring.folder / "images.npy").read_bytes()


def test_slices_two_millimetres_apart_are_every_second(folder: Path) -> None:
    """A ring at 2 mm can be mixed with simulated ones at half the size; volumes of tumour are those of all slices."""
    thin = source_ring(folder, options(folder))
    thick = source_ring(folder, replace(options(folder), shape=replace(SHAPE, slices=44, slice_mm=2.0)))
    assert thick.cases[0].tumour_ml == thin.cases[0].tumour_ml
    assert thick.ring.areas[0].sum() == pytest.approx(thin.ring.areas[0].sum() / 2, rel=0.03)
    with pytest.raises(InvalidParameterError, match="multiple"):
        replace(options(folder), shape=replace(SHAPE, slice_mm=1.5))


def test_a_tumour_that_a_slot_cannot_hold_is_counted(folder: Path) -> None:
    """A ring too small for a brain says how much of the tumour it lost."""
    small = source_ring(folder, replace(options(folder), shape=replace(SHAPE, slices=20)))
    kept = int(small.ring.areas[0, :, 1:].sum()) / 1000
    assert small.cases[0].lost_ml == pytest.approx(small.cases[0].tumour_ml - kept, abs=1e-3)
    assert small.cases[0].lost_ml > 1


def test_a_folder_without_a_good_case_is_refused(folder: Path) -> None:
    """Training never starts on nothing; the message says what is wrong with the first."""
    for name in NAMES:
        (folder / name / f"{name}-seg.nii.gz").unlink(missing_ok=True)
    with pytest.raises(InvalidInputError, match=r"none of the 3 cases.*no label map"):
        source_ring(folder, options(folder))


def test_tumour_free_cases_are_another_ring(folder: Path) -> None:
    """What a missing label map means is part of what was made."""
    source = source_ring(folder, replace(options(folder), tumour_free=True))
    assert [case.tumour_ml == 0 for case in source.cases] == [False, False, True]
    assert not source.bad


def many(folder: Path) -> SourceRing:
    """Returns a source of 20 cases of 10 patients without voxels."""
    ring = Ring.create(folder, RingShape(slots=20, slices=1, height=16, width=16))
    ring.index[:] = np.stack([np.arange(20), np.ones(20)], axis=1)
    cases = tuple(CaseFacts(n, f"c{n}", f"p{n // 2}", CONTRASTS, (1.0, 1.0, 1.0), 1400.0, 10.0, 0.0) for n in range(20))
    return SourceRing(ring, cases, ())


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_on_both_sides(tmp_path: Path, seed: int) -> None:
    """A quarter of ten patients are held out with all their scans, and every case is somewhere."""
    parts = split(many(tmp_path / "ring"), 0.25, seed=seed)
    inside, outside = ({case.patient for case in part.cases} for part in (parts.training, parts.held_out))
    assert (len(inside), len(outside)) == (8, 2)
    assert not inside & outside
    assert parts.training.ring.filled == 16
    assert parts.held_out.ring.held.tolist() == [case.slot for case in parts.held_out.cases]


def test_a_split_depends_on_its_seed_alone(tmp_path: Path) -> None:
    """The same seed holds the same patients out, another one others."""
    source = many(tmp_path / "ring")
    chosen = [split(source, 0.5, seed=seed).held_out.ring.held.tolist() for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_split_without_two_sides_is_refused(tmp_path: Path, share: float) -> None:
    """Neither side may be empty."""
    with pytest.raises(InvalidParameterError, match="held out"):
        split(many(tmp_path / "ring"), share, seed=0)


def test_a_split_of_one_patient_is_refused(tmp_path: Path) -> None:
    """There is nobody to hold out."""
    source = many(tmp_path / "ring")
    lonely = SourceRing(restrict(source.ring, [0, 1]), source.cases[:2], ())
    with pytest.raises(GliosynthError, match="two patients"):
        split(lonely, 0.5, seed=0)


def test_smaller_shares_of_patients_lie_inside_larger_ones(tmp_path: Path) -> None:
    """With all scans of a patient, as the study's arms need them."""
    source = many(tmp_path / "ring")
    parts = [set(nested_patients(source, share, seed=4).cases) for share in (0.25, 0.5, 0.75, 1.0)]
    assert [len(part) for part in parts] == [4, 10, 16, 20]
    assert parts[0] < parts[1] < parts[2] < parts[3]
