"""A real tumour edited by the command and the SDK, over gRPC, by the service in a process of its own."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gliosynth.anatomy import load_anatomy
from gliosynth.brain_map import BrainChannel
from gliosynth.cli import main
from gliosynth.client import EmbeddedServer, GliosynthClient, HeadFile, HeadKind, Progress, VolumeFile
from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import grid_of
from gliosynth.labels import Region, region_mask
from gliosynth.nifti import read_label_map, read_nifti, write_nifti
from gliosynth.tumour_map import parse_edit
from gliosynth.tumour_map.places import Lobe, Side
from gliosynth.volume import Volume

ROOT = Path(__file__).parents[2]
CASE = ROOT / "examples" / "cases" / "Brats18_TCIA02_370_1"
TUMOUR = CASE / f"{CASE.name}_seg.nii.gz"
T1C = CASE / f"{CASE.name}_t1ce.nii.gz"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer.started(module="services.tumour_map") as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[GliosynthClient]:
    with GliosynthClient(server.target, timeout_s=300) as connected:
        yield connected


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def gliosynth(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs ``gliosynth tumour-map`` in this process: starting Python again takes longer than the edits."""
    monkeypatch.setenv("COLUMNS", "160")

    def command(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["gliosynth", "tumour-map", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return command


def read(path: Path) -> Volume[np.uint8]:
    return read_label_map(path.read_bytes(), name=path.name)


def test_a_case_folder_is_edited_and_its_report_replayed(gliosynth, server: EmbeddedServer, tmp_path: Path) -> None:
    """Mirrored, grown, moved at random: inside the brain, nested; the JSON beside it gives the same bytes."""
    out, again = tmp_path / "edited.nii.gz", tmp_path / "again.nii.gz"
    edits = [item for words in ("mirror", "grow ET 1", "random 7") for item in ("--edit", words)]
    done = gliosynth("edit", CASE, *edits, "--out", out, "--server", server.target)
    assert done.returncode == 0, done.stderr
    edited, original = read(out), read(TUMOUR)
    assert grid_of(edited).matches(grid_of(original))
    brain = read_nifti(T1C.read_bytes(), name="t1c").data != 0
    assert not edited.data[~brain].any()
    regions = [region_mask(edited.data, region) for region in Region]
    assert regions[0].sum() > regions[1].sum() > regions[2].sum() > 0
    report = json.loads((tmp_path / "edited.json").read_text())
    assert [step["edit"] for step in report["edits"]] == ["mirror", "grow", "random"]
    assert report["report"]["after"][0]["volume_ml"] == pytest.approx(np.count_nonzero(edited.data) / 1000)
    assert "mirror midline" in done.stdout
    replayed = gliosynth("edit", CASE, "--edits", tmp_path / "edited.json", "--out", again, "--server", server.target)
    assert replayed.returncode == 0, replayed.stderr
    assert again.read_bytes() == out.read_bytes()


def test_a_real_tumour_goes_to_another_lobe(client: GliosynthClient) -> None:
    """From the right temporal lobe to the left frontal one, as the description says before and after."""
    head = HeadFile(VolumeFile.from_path(T1C), HeadKind.IMAGE)
    before = client.tumour_maps.describe(VolumeFile.from_path(TUMOUR), head=head)
    assert (before.lobes[0].lobe, before.lobes[0].side) == (Lobe.TEMPORAL, Side.RIGHT)
    events: list[Progress] = []
    edited = client.tumour_maps.edit(
        VolumeFile.from_path(TUMOUR),
        [parse_edit("scale 0.6"), parse_edit("relocate frontal left")],
        head=head,
        on_progress=events.append,
    )
    assert {event.stage for event in events} >= {"receive", "decode", "edit", "encode"}
    after = client.tumour_maps.describe(VolumeFile.from_volume(edited.labels), head=head)
    assert (after.lobes[0].lobe, after.lobes[0].side) == (Lobe.FRONTAL, Side.LEFT)
    assert after.regions == edited.after


def test_a_real_tumour_is_transplanted_and_healed_in_a_labelled_head(client: GliosynthClient) -> None:
    """Into a built-in head, then, there, to another place: what it leaves is filled with tissue of the other side."""
    image = HeadFile(VolumeFile.from_path(T1C), HeadKind.IMAGE)
    transplanted = client.tumour_maps.edit(
        VolumeFile.from_path(TUMOUR), [parse_edit("scale 0.5"), parse_edit("transplant head_02")], head=image
    )
    anatomy = load_anatomy("head_02")
    assert grid_of(transplanted.labels).shape == anatomy.tissues.shape
    assert not transplanted.labels.data[~anatomy.brain].any()
    tissues = VolumeFile(write_nifti(Volume(anatomy.tissues, anatomy.affine)), image.volume.encoding)
    moved = client.tumour_maps.edit(
        VolumeFile.from_volume(transplanted.labels),
        [parse_edit("relocate parietal left")],
        head=HeadFile(tissues, HeadKind.LABEL_MAP),
    )
    hole = (transplanted.labels.data != 0) & (moved.labels.data == 0)
    healed = read_nifti(moved.label_map_nifti, name="tissues").data
    assert moved.healing.mirrored_ml + moved.healing.nearest_ml == pytest.approx(hole.sum() / 1000)
    assert moved.healing.mirrored_ml > moved.healing.nearest_ml
    assert np.array_equal(healed[~hole], anatomy.tissues[~hole])


def test_a_brain_map_is_built_by_the_command(gliosynth, server: EmbeddedServer, tmp_path: Path) -> None:
    """Eight channels of a real image: the tumour's are those of its label map, every other voxel has a band."""
    out = tmp_path / "brain_map.nii.gz"
    done = gliosynth("brain-map", T1C, TUMOUR, "--out", out, "--server", server.target)
    assert done.returncode == 0, done.stderr
    built, tumour = read_nifti(out.read_bytes(), name="map").data, read(TUMOUR).data
    assert np.array_equal(built == BrainChannel.ED, tumour == 2)
    brain = read_nifti(T1C.read_bytes(), name="t1c").data != 0
    assert np.array_equal(built == BrainChannel.BACKGROUND, ~brain & (tumour == 0))
    assert "BAND_1" in done.stdout


def test_errors_have_their_exit_code_and_name_the_file(
    gliosynth, server: EmbeddedServer, client: GliosynthClient, tmp_path: Path
) -> None:
    """An impossible edit, a file that is no NIfTI, and a server that is not there."""
    out = tmp_path / "out.nii.gz"
    away = gliosynth("edit", CASE, "--edit", "translate 300 0 0", "--out", out, "--server", server.target)
    assert (away.returncode, out.exists()) == (3, False)
    assert "edits[0] (translate): edit: the whole tumour would lie outside the brain" in away.stderr
    junk = tmp_path / "junk.nii.gz"
    junk.write_bytes(b"no image at all")
    broken = gliosynth("describe", junk, "--server", server.target)
    assert broken.returncode == 3
    assert str(junk) in broken.stderr.replace("\n", "")
    assert gliosynth("describe", TUMOUR, "--server", "127.0.0.1:1").returncode == 4
    with pytest.raises(InvalidParameterError) as caught:
        client.tumour_maps.edit(VolumeFile.from_path(TUMOUR), [parse_edit("relocate deep left")])
    assert (caught.value.field, caught.value.reason) == ("edits[0].lobe", "BRAIN_UNKNOWN")


def test_the_command_starts_the_service_alone_where_there_is_no_server(gliosynth, tmp_path: Path) -> None:
    """No models are read, so none need to be there."""
    done = gliosynth("edit", TUMOUR, "--edit", "translate 1 0 0", "--out", tmp_path / "moved.nii.gz")
    assert done.returncode == 0, done.stderr
    assert "No brain was given" in done.stderr
    assert np.array_equal(read(tmp_path / "moved.nii.gz").data, np.roll(read(TUMOUR).data, -1, axis=0))
