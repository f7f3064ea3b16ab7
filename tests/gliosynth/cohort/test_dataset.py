"""The data set: valid BIDS, the same bytes in any order, digests that hold, no clock."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gliosynth import __version__
from gliosynth.cohort.case import CaseArtefacts
from gliosynth.cohort.dataset import DatasetArtefacts, finish_dataset
from gliosynth.cohort.spec import CohortSpec, parse_spec
from gliosynth.cohort.summary import CaseSummary
from gliosynth.errors import InvalidCaseError

if TYPE_CHECKING:
    from conftest import SmallSpec

ROOT = Path(__file__).parents[3]
NPM_VALIDATOR = ROOT / ".tools" / "bids" / "node_modules" / ".bin" / "bids-validator"
PYPI_VALIDATOR = Path(sys.executable).parent / "bids-validator-deno"


def finish(spec: CohortSpec, cases: tuple[CaseArtefacts, ...]) -> DatasetArtefacts:
    """Returns the data set of cases held in memory."""
    files = {path: data for case in cases for path, data in case.files.items()}
    return finish_dataset(spec, [case.summary for case in cases], read=files.__getitem__)


@pytest.fixture(scope="module")
def dataset(spec: CohortSpec, cases: tuple[CaseArtefacts, ...]) -> DatasetArtefacts:
    return finish(spec, cases)


@pytest.fixture(scope="module")
def folder(
    dataset: DatasetArtefacts, cases: tuple[CaseArtefacts, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The data set on disk, as a user downloads it."""
    root = tmp_path_factory.mktemp("dataset")
    for files in (dataset.files, *(case.files for case in cases)):
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    yield root
    shutil.rmtree(root)


def test_the_bids_validator_of_npm_finds_nothing(folder: Path) -> None:
    """Neither an error nor a warning, and it sees every subject."""
    if not NPM_VALIDATOR.exists():
        pytest.skip("npm's validator is missing: make .tools/bids/node_modules/.bin/bids-validator")
    command = [str(NPM_VALIDATOR), str(folder), "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert found["issues"]["errors"] == []
    assert found["issues"]["warnings"] == []
    assert found["summary"]["subjects"] == ["0001", "0002", "0003", "0004"]
    assert found["summary"]["modalities"] == ["MRI"]


@pytest.mark.parametrize("part", ["", "derivatives/gliosynth"])
def test_the_schema_validator_finds_no_error(folder: Path, part: str) -> None:
    """The current schema finds no error in images and labels, and warns only of fields that no synthetic image has."""
    if not PYPI_VALIDATOR.exists():
        pytest.skip("the schema validator is missing: pip install bids-validator-deno")
    command = [str(PYPI_VALIDATOR), str(folder / part), "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    issues = found["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    kinds = {issue["code"] for issue in issues}
    assert kinds <= {"SIDECAR_KEY_RECOMMENDED", "JSON_KEY_RECOMMENDED", "TOO_FEW_AUTHORS", "README_FILE_SMALL"}


def test_the_validator_would_find_a_fault(folder: Path, tmp_path: Path) -> None:
    """Without its description, the same tree is refused: the tests above can fail."""
    if not PYPI_VALIDATOR.exists():
        pytest.skip("the schema validator is missing: pip install bids-validator-deno")
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "dataset_description.json").unlink()
    command = [str(PYPI_VALIDATOR), str(broken), "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=False, text=True).stdout)
    assert any(issue["severity"] == "error" for issue in found["issues"]["issues"])


def test_the_digests_hold_for_every_file(folder: Path) -> None:
    """SHA256SUMS lists all files but itself with their digests, as `sha256sum --check` reads them."""
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {line[66:]: line[:64] for line in lines}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(listed) == present - {"SHA256SUMS"}
    for path, digest in listed.items():
        assert sha256((folder / path).read_bytes()).hexdigest() == digest
    assert [line[66:] for line in lines] == sorted(listed)


def test_the_cohort_manifest_lists_every_other_file(folder: Path, dataset: DatasetArtefacts) -> None:
    """All files but the manifest and the sums that come after it, with the lineage of the cohort."""
    manifest = json.loads((folder / "derivatives/gliosynth/cohort.json").read_bytes())
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {one["path"] for one in manifest["files"]} == present - {"SHA256SUMS", "derivatives/gliosynth/cohort.json"}
    assert manifest["gliosynth"] == __version__
    assert manifest["released"] is dataset.verdict.released
    assert sum(manifest["anatomy_donors"].values()) == 4
    assert len(manifest["generators"]) == 1


def test_the_order_of_the_summaries_changes_nothing(
    spec: CohortSpec, cases: tuple[CaseArtefacts, ...], dataset: DatasetArtefacts
) -> None:
    """Workers finish in any order; the files are the same."""
    assert finish(spec, cases[::-1]).files == dataset.files


def test_summaries_that_went_through_json_make_the_same_files(
    spec: CohortSpec, cases: tuple[CaseArtefacts, ...], dataset: DatasetArtefacts
) -> None:
    """What the service reads back from its store gives what the library had in memory."""
    files = {path: data for case in cases for path, data in case.files.items()}
    read = [CaseSummary.from_json(case.summary.to_json()) for case in cases]
    assert finish_dataset(spec, read, read=files.__getitem__).files == dataset.files


def test_a_missing_or_doubled_case_is_refused(spec: CohortSpec, cases: tuple[CaseArtefacts, ...]) -> None:
    """A data set is complete or not made; the message names the missing case."""
    for given in (cases[:3], (*cases, cases[0]), (cases[0], *cases[:3])):
        with pytest.raises(InvalidCaseError, match="needs a summary of each"):
            finish(spec, given)


def test_the_participants_are_the_cases(folder: Path, cases: tuple[CaseArtefacts, ...]) -> None:
    """One row each; every column is described; the volumes are those of the label maps."""
    lines = (folder / "participants.tsv").read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines]
    assert header == list(json.loads((folder / "participants.json").read_bytes()))
    assert [row[0] for row in rows] == ["sub-0001", "sub-0002", "sub-0003", "sub-0004"]
    column = header.index("volume_wt")
    expected = [f"{case.summary.measurement.volumes.wt_ml:.3f}" for case in cases]
    assert [row[column] for row in rows] == expected


def test_sidecars_hold_the_sampled_protocol_in_bids_units(folder: Path) -> None:
    """Seconds, degrees and tesla of the manifest's protocol; gadolinium in the T1c alone; no invented manufacturer."""
    manifest = json.loads((folder / "derivatives/gliosynth/sub-0002/sub-0002_manifest.json").read_bytes())
    physics = manifest["parameters"]["physics"]
    for suffix, number in (("T1w", 0), ("ce-gadolinium_T1w", 1), ("T2w", 2), ("FLAIR", 3)):
        sidecar = json.loads((folder / f"sub-0002/anat/sub-0002_{suffix}.json").read_bytes())
        protocol = physics["protocols"][number]
        assert sidecar["RepetitionTime"] == pytest.approx(protocol["repetition_ms"] / 1000, abs=1e-6)
        assert sidecar["EchoTime"] == pytest.approx(protocol["echo_ms"] / 1000, abs=1e-6)
        assert sidecar["FlipAngle"] == pytest.approx(protocol["flip_deg"], abs=1e-3)
        assert ("InversionTime" in sidecar) == (protocol["inversion_ms"] > 0)
        assert sidecar["MagneticFieldStrength"] == physics["field_tesla"]
        assert ("ContrastBolusIngredient" in sidecar) == (suffix == "ce-gadolinium_T1w")
        assert sidecar["SkullStripped"] is True
        assert sidecar["GliosynthSynthetic"] is True
        assert "Manufacturer" not in sidecar


def test_the_spec_in_the_data_set_makes_it_again(spec: CohortSpec, dataset: DatasetArtefacts) -> None:
    """`cohort-spec.json` is the spec, with every default written out."""
    assert parse_spec(dataset.files["cohort-spec.json"]) == spec


def test_licence_and_notice_of_the_anatomies_come_along(dataset: DatasetArtefacts) -> None:
    """Apache-2.0 asks for both files; the description names the licence."""
    assert b"Apache License" in dataset.files["LICENSE"]
    assert b"SynthSeg" in dataset.files["NOTICE"]
    assert b"Cancer Imaging Archive" in dataset.files["NOTICE"]
    assert "seven pictures of real patients" in dataset.files["README.md"].decode()
    assert "Apache-2.0" in json.loads(dataset.files["dataset_description.json"])["License"]


def test_the_texts_say_what_is_in_the_data_set(dataset: DatasetArtefacts) -> None:
    """README, data card and report name the cohort, its size and that nobody is in it; no template mark is left."""
    readme, card = dataset.files["README.md"].decode(), dataset.files["DATACARD.md"].decode()
    report = dataset.files["report.html"].decode()
    assert "4 synthetic brain-tumour MRI cases" in readme
    assert "Nobody" in card
    assert "| head_03 |" in card
    for text in (readme, card, report):
        assert "Small cohort" in text
        assert "{{" not in text
        assert "{%" not in text


def test_nothing_of_the_clock_is_around_the_cases(dataset: DatasetArtefacts) -> None:
    """No date of this year in any file but the anatomies' licence and the attributions of the report."""
    for path, data in dataset.files.items():
        if path not in ("LICENSE", "report.html"):
            assert not re.search(rb"20[2-9]\d-[01]\d-[0-3]\d|GMT|UTC", data), path


def test_a_cohort_below_its_thresholds_does_not_leave(
    cases: tuple[CaseArtefacts, ...], small_spec: "SmallSpec"
) -> None:
    """Tumours that are not the size that was promised: kept back with the reason, or let go with it in the texts."""
    wrong = {"volume_median_ml": 1.0, "volume_log_sd": 0.1, "fewest_cases": 2}
    kept = finish(small_spec(release={"enforce": True, **wrong}), cases)
    free = finish(small_spec(release={"enforce": False, **wrong}), cases)
    assert (kept.verdict.released, free.verdict.released) == (False, True)
    assert any("volume" in reason.lower() for reason in kept.verdict.reasons)
    assert kept.verdict.reasons == free.verdict.reasons
    assert "not released" in kept.files["README.md"].decode()
    assert kept.verdict.reasons[0] in free.files["DATACARD.md"].decode()


def test_cases_of_two_generators_do_not_leave_together(
    spec: CohortSpec, cases: tuple[CaseArtefacts, ...], small_spec: "SmallSpec"
) -> None:
    """A worker of another version in the middle of a cohort is noticed."""
    facts = dataclasses.replace(cases[3].summary.facts, generator="simulator/0.0.0@sha256:0")
    strange = dataclasses.replace(cases[3], summary=dataclasses.replace(cases[3].summary, facts=facts))
    made = finish(small_spec(release={"enforce": True}), (*cases[:3], strange))
    assert not made.verdict.released
    assert any("2 generators" in reason for reason in made.verdict.reasons)
