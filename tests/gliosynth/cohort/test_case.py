"""One case: the same bytes for the same seed, and draws that the gate refuses are drawn again."""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gliosynth.anatomy import load_anatomy
from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import CaseArtefacts, make_case
from gliosynth.cohort.recipe import donor_of, generator_of, settings_of
from gliosynth.cohort.spec import CohortSpec
from gliosynth.cohort.summary import CaseSummary
from gliosynth.contrast.simulate import simulate_case
from gliosynth.errors import CancelledError, InvalidCaseError, InvalidParameterError
from gliosynth.labels import Label
from gliosynth.nifti import read_label_map, read_mask, read_nifti

if TYPE_CHECKING:
    from conftest import MakeCase, SmallSpec


def file_of(case: CaseArtefacts, ending: str) -> bytes:
    """Returns the one file of a case whose path ends so."""
    (path,) = [path for path in case.files if path.endswith(ending)]
    return case.files[path]


def test_same_seed_same_bytes_in_any_order(
    spec: CohortSpec, cases: tuple[CaseArtefacts, ...], make: "MakeCase", small_spec: "SmallSpec"
) -> None:
    """Another order of the cases, and a cohort with more of them, give the same files."""
    assert make(small_spec(), 2).files == cases[2].files
    again = make(small_spec(case_count=9, name="Larger"), 0)
    assert again.files == cases[0].files
    assert again.summary == cases[0].summary


def test_another_seed_or_case_gives_other_images(
    spec: CohortSpec, cases: tuple[CaseArtefacts, ...], make: "MakeCase", small_spec: "SmallSpec"
) -> None:
    """No two cases share an image, within a cohort or between seeds."""
    other = make(small_spec(seed=12), 0)
    images = [sha256(file_of(case, "_T2w.nii.gz")).hexdigest() for case in (*cases, other)]
    assert len(set(images)) == 5


def test_seeds_and_indices_do_not_run_into_each_other(small_spec: "SmallSpec") -> None:
    """A large seed with a small index draws something else than the numbers in another arrangement."""
    first = generator_of(small_spec(seed=1 + (5 << 32)), 0, 0).random()
    second = generator_of(small_spec(seed=1), 5, 0).random()
    third = generator_of(small_spec(seed=1), 0, 5).random()
    assert len({first, second, third}) == 3


def test_donors_are_dealt_evenly(small_spec: "SmallSpec") -> None:
    """Every round of three cases uses each of three donors once, and rounds differ in order."""
    spec, names = small_spec(case_count=30), ("a", "b", "c")
    dealt = [donor_of(spec, index, names) for index in range(30)]
    rounds = [tuple(dealt[start : start + 3]) for start in range(0, 30, 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(set(rounds)) > 1


def test_the_manifest_says_how_to_make_the_case_again(spec: CohortSpec, cases: tuple[CaseArtefacts, ...]) -> None:
    """Seed, case and attempt of the manifest, given to the simulator, make the very label map of the file."""
    manifest = json.loads(file_of(cases[1], "_manifest.json"))
    rng = generator_of(spec, manifest["index"], manifest["attempt"])
    case = simulate_case(load_anatomy(manifest["donor"]), settings=settings_of(spec), rng=rng)
    stored = read_label_map(file_of(cases[1], "desc-tumour_dseg.nii.gz"), name="labels")
    assert np.array_equal(case.labels, stored.data)
    assert manifest["seed"] == spec.seed
    assert manifest["parameters"]["physics"]["field_tesla"] == case.parameters.physics.field_tesla
    assert re.fullmatch(r"simulator/\d+\.\d+\.\d+@sha256:[0-9a-f]{16}", manifest["generator"])
    assert manifest["segmenter"] is None
    assert manifest["gate"] == "without segmenter"


def test_the_digests_are_those_of_the_files(cases: tuple[CaseArtefacts, ...]) -> None:
    """The manifest lists every other file, the summary every file, each with its length and SHA-256."""
    for case in cases:
        expected = {path: (len(data), sha256(data).hexdigest()) for path, data in case.files.items()}
        assert {one.path: (one.byte_count, one.sha256) for one in case.summary.files} == expected
        listed = {one["path"] for one in json.loads(file_of(case, "_manifest.json"))["files"]}
        assert listed == {path for path in expected if not path.endswith("_manifest.json")}


def test_images_labels_and_mask_share_a_grid_in_ras(spec: CohortSpec, cases: tuple[CaseArtefacts, ...]) -> None:
    """All volumes of a case have one affine: RAS, 4 mm, its centre where a brain's centre lies."""
    case = cases[0]
    volumes = [read_nifti(data, name=path) for path, data in case.files.items() if path.endswith("w.nii.gz")]
    mask = read_mask(file_of(case, "desc-brain_mask.nii.gz"), name="brain")
    labels = read_label_map(file_of(case, "desc-tumour_dseg.nii.gz"), name="labels")
    assert len(volumes) == 3
    for volume in (*volumes, mask, labels):
        assert volume.shape == spec.grid.shape
        assert np.array_equal(volume.affine[:3, :3], np.diag([4.0, 4.0, 4.0]))
        centre = volume.affine @ np.array([19.5, 23.5, 19.5, 1.0])
        assert centre[:3].tolist() == [0.0, -18.0, 8.0]
    for volume in volumes:
        assert not volume.data[~mask.data].any()
    assert set(np.unique(labels.data)) <= {int(label) for label in Label}


def test_int16_images_hold_white_matter_near_1000_and_float_images_near_1(
    small_spec: "SmallSpec", make: "MakeCase", cases: tuple[CaseArtefacts, ...]
) -> None:
    """The two formats hold the same image, to half a step of the integers."""
    integers = read_nifti(file_of(cases[0], "sub-0001_T1w.nii.gz"), name="t1n")
    exact = make(small_spec(formats={"image": "float32"}), 0)
    floats = read_nifti(file_of(exact, "sub-0001_T1w.nii.gz"), name="t1n")
    assert (integers.data.dtype, floats.data.dtype) == (np.dtype(np.int16), np.dtype(np.float32))
    assert np.abs(integers.data / 1000.0 - floats.data).max() <= 0.000501
    assert 0.7 < float(np.median(floats.data[floats.data > 0])) < 1.2


def test_nothing_of_the_clock_is_in_a_file(cases: tuple[CaseArtefacts, ...]) -> None:
    """No gzip time stamp, no date in a sidecar, a manifest or a picture."""
    for path, data in cases[0].files.items():
        if path.endswith(".gz"):
            assert data[4:8] == bytes(4), path
        if path.endswith(".json"):
            assert not re.search(rb"20\d\d-\d\d|[Dd]ate|[Tt]imestamp|AcquisitionTime", data), path
        if path.endswith(".png"):
            assert b"tIME" not in data


def test_refused_draws_are_drawn_again_and_counted(small_spec: "SmallSpec", make: "MakeCase") -> None:
    """A gate that few draws pass: the case that comes fulfils it, and the manifest says what was refused."""
    spec = small_spec(tumour={}, gate={"attempts": 60, "t2_tumour_gain": 2.4, "label_agreement": 0.96})
    made = [make(spec, index) for index in range(4)]
    rejects = [reject for case in made for reject in case.summary.facts.rejects]
    assert rejects
    rules = {finding.rule for reject in rejects for finding in reject.findings}
    assert rules <= {"TUMOUR_BRIGHT_IN_T2", "LABELS_MATCH_IMAGES"}
    for case in made:
        facts = case.summary.facts
        assert [reject.attempt for reject in facts.rejects] == list(range(facts.attempt))
        assert all(not finding.passed for reject in facts.rejects for finding in reject.findings)
        assert all(finding.passed for finding in facts.findings)
        written = json.loads(file_of(case, "_manifest.json"))["rejects"]
        assert [one["attempt"] for one in written] == list(range(facts.attempt))


def test_a_case_that_no_draw_fulfils_fails_with_its_reasons(small_spec: "SmallSpec", make: "MakeCase") -> None:
    """An impossible gate ends after its attempts, and the error counts what refused them."""
    spec = small_spec(tumour={}, gate={"attempts": 2, "t2_tumour_gain": 20.0})
    with pytest.raises(InvalidParameterError, match=r"all 2 draws were refused \(TUMOUR_BRIGHT_IN_T2 2x\)") as caught:
        make(spec, 0)
    assert caught.value.reason == "CASE_NEVER_ACCEPTED"


def test_a_case_outside_the_cohort_does_not_exist(spec: CohortSpec, make: "MakeCase") -> None:
    """Cases are numbered from 0 to the count less one."""
    for index in (-1, 4):
        with pytest.raises(InvalidParameterError, match="cases 0 to 3"):
            make(spec, index)


def test_work_stops_where_it_is_asked_to(spec: CohortSpec) -> None:
    """What `check` raises comes out, after each number of calls that it lets pass."""

    def stop_after(calls: int) -> Callable[[], None]:
        left = iter(range(calls))

        def check() -> None:
            if next(left, None) is None:
                raise CancelledError("stopped")

        return check

    for calls in (0, 1):
        with pytest.raises(CancelledError):
            make_case(spec, 0, anatomies=SpecAnatomies(spec), segment=None, check=stop_after(calls))


def test_a_summary_survives_json(cases: tuple[CaseArtefacts, ...]) -> None:
    """What a worker writes, another reads: equal, byte for byte when written again."""
    for case in cases:
        data = case.summary.to_json()
        read = CaseSummary.from_json(data)
        assert read.to_json() == data
        assert read == case.summary


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"facts": {}, "files": [], "measurement": {}}', b"\xff"])
def test_what_is_no_summary_is_refused(data: bytes) -> None:
    """A damaged summary is an error that says what to do, not half a case."""
    with pytest.raises(InvalidCaseError, match="make the case again"):
        CaseSummary.from_json(data)
