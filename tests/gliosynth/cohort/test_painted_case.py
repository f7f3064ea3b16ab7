"""Cases that a network paints: reproducible, judged by the same gate, and described as what they are."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.anatomy import load_anatomy
from gliosynth.brain_map import BrainChannel
from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import CaseArtefacts, make_case
from gliosynth.cohort.dataset import finish_dataset
from gliosynth.cohort.recipe import generator_of, manipulation_of, settings_of
from gliosynth.cohort.spec import CohortSpec
from gliosynth.contrast.simulate import simulate_case
from gliosynth.errors import CancelledError, InvalidParameterError
from gliosynth.generation import GeneratorNetwork, NetworkIdentity, SliceSize, move_tumour
from gliosynth.labels import CONTRASTS, LabelMap, Mask
from gliosynth.nifti import read_label_map

if TYPE_CHECKING:
    from conftest import SmallSpec

LEVELS = np.array(
    [
        (0.3, 0.35, 0.4, 0.85, 0.62, 0.38, 0.15, 0.0),
        (0.3, 0.35, 0.95, 0.85, 0.6, 0.38, 0.15, 0.0),
        (0.8, 0.75, 0.6, 0.9, 0.45, 0.3, 0.15, 0.0),
        (0.55, 0.85, 0.7, 0.75, 0.55, 0.38, 0.15, 0.0),
    ],
    dtype=np.float32,
)
"""Unit intensities of t1n, t1c, t2w and t2f for NCR, ED, ET, the four bands and the background."""

BLIND = LEVELS[:, [BrainChannel.BAND_3] * 3 + list(range(3, 8))]
"""The same by a network that does not paint tumours."""


def network(levels: NDArray[np.float32] = LEVELS) -> GeneratorNetwork:
    """Returns a network that paints each channel in its level, smoothed by 3 x 3 pixels."""

    def generate(brain_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        painted = np.stack([levels[number][brain_maps[:, number]] for number in range(4)], axis=1)
        return ndimage.uniform_filter(painted, (1, 1, 3, 3), mode="constant").astype(np.float32)

    identity = NetworkIdentity("levels", "3", "sha256:12", "numpy 2", "a table of levels")
    return GeneratorNetwork(identity, CONTRASTS, SliceSize(multiple=16), 8, generate)


def paint(spec: CohortSpec, index: int = 0, **options: object) -> CaseArtefacts:
    """Returns one painted case, without segmenter unless one is given."""
    given = {"segment": None, "check": lambda: None, "networks": [network()], **options}
    return make_case(spec, index, anatomies=SpecAnatomies(spec), **given)


def file_of(case: CaseArtefacts, ending: str) -> bytes:
    """Returns the one file of a case whose path ends so."""
    (path,) = [path for path in case.files if path.endswith(ending)]
    return case.files[path]


@pytest.fixture(scope="module")
def painted_spec(small_spec: "SmallSpec") -> CohortSpec:
    """Two cases with large tumours."""
    return small_spec(case_count=2, generator="augmentation_network", tumour={"shapes": {"noisy": 1.0}})


@pytest.fixture(scope="module")
def painted(painted_spec: CohortSpec) -> tuple[CaseArtefacts, CaseArtefacts]:
    return paint(painted_spec), paint(painted_spec, 1)


def test_the_same_spec_and_network_make_the_same_bytes(
    painted_spec: CohortSpec, painted: tuple[CaseArtefacts, CaseArtefacts]
) -> None:
    """Every file; and another case is another one."""
    again = paint(painted_spec, 1)
    assert again.files == painted[1].files
    assert again.summary == painted[1].summary
    assert file_of(painted[0], "_T2w.nii.gz") != file_of(painted[1], "_T2w.nii.gz")


def test_the_manifest_says_how_to_move_the_tumour_again(
    painted_spec: CohortSpec, painted: tuple[CaseArtefacts, CaseArtefacts]
) -> None:
    """Seed, case and attempt give the base case and its moved tumour: the very label map of the file."""
    manifest = json.loads(file_of(painted[0], "_manifest.json"))
    rng = generator_of(painted_spec, 0, manifest["attempt"])
    base = simulate_case(load_anatomy(manifest["donor"]), settings=settings_of(painted_spec), rng=rng)
    moved = move_tumour(base, manipulation_of(painted_spec), rng)
    assert moved is not None
    stored = read_label_map(file_of(painted[0], "desc-tumour_dseg.nii.gz"), name="labels")
    assert np.array_equal(moved.labels, stored.data)
    assert not np.array_equal(base.labels, stored.data)
    generation = manifest["parameters"]["generation"]
    assert [edit["edit"] for edit in generation["edits"]][:2] == ["rotate", "scale"]
    assert manifest["parameters"]["physics"]["field_tesla"] == base.parameters.physics.field_tesla
    assert manifest["generator"].startswith("augmentation_network/")
    assert manifest["networks"] == "levels/3@sha256:12 (numpy 2)"


def test_a_network_that_paints_no_tumour_is_refused_by_the_same_gate(painted_spec: CohortSpec) -> None:
    """What it paints lies where the labels are not: every draw is refused by the rules on the images."""
    spec = painted_spec.model_copy(update={"gate": painted_spec.gate.model_copy(update={"attempts": 2})})
    with pytest.raises(InvalidParameterError, match="all 2 draws were refused") as caught:
        paint(spec, networks=[network(BLIND)])
    assert caught.value.reason == "CASE_NEVER_ACCEPTED"
    assert any(rule in caught.value.got for rule in ("TUMOUR_BRIGHT_IN_T2", "OEDEMA_BRIGHT_IN_FLAIR"))


class Reader:
    """A segmenter that finds nothing."""

    digest = "reader@sha256:0"

    def __call__(self, contrasts: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> LabelMap:
        return np.zeros(brain.shape, dtype=np.uint8)


def test_a_segmenter_reads_painted_images_too(painted_spec: CohortSpec) -> None:
    """One that finds no tumour refuses every large one."""
    spec = painted_spec.model_copy(update={"gate": painted_spec.gate.model_copy(update={"attempts": 4})})
    with pytest.raises(InvalidParameterError, match="SEGMENTER_AGREES"):
        paint(spec, segment=Reader())


def test_a_tumour_that_fits_nowhere_is_a_refused_draw(painted_spec: CohortSpec) -> None:
    """Half as long again and no voxel outside: refused before it is painted, and counted under its own rule."""
    assert painted_spec.manipulation is not None
    ranges = {"rotation_deg": 0.0, "shift_mm": 0.0, "dz_mm": 0.0, "scale": (1.5, 1.5), "flips": False}
    impossible = painted_spec.manipulation.model_copy(update={**ranges, "smallest_inside": 1.0})
    gate = painted_spec.gate.model_copy(update={"attempts": 1})
    with pytest.raises(InvalidParameterError, match="TUMOUR_FITS_WHERE_IT_IS_MOVED 1x"):
        paint(painted_spec.model_copy(update={"manipulation": impossible, "gate": gate}))


def test_a_generator_without_a_network_is_refused(painted_spec: CohortSpec) -> None:
    """The library says what is missing, before anything is simulated."""
    with pytest.raises(InvalidParameterError, match="augmentation_network is a network, and none was given") as caught:
        paint(painted_spec, networks=())
    assert caught.value.reason == "NO_NETWORK"


def test_the_work_stops_while_a_network_paints(painted_spec: CohortSpec) -> None:
    """A check that raises after the first batch of slices ends the case there."""
    batches = 0
    levels = network()

    def generate(brain_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal batches
        batches += 1
        return levels.generate(brain_maps)

    def check() -> None:
        if batches:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        paint(painted_spec, networks=[replace(levels, generate=generate)], check=check)
    assert batches == 1


@pytest.fixture(scope="module")
def texts(painted_spec: CohortSpec, painted: tuple[CaseArtefacts, CaseArtefacts]) -> Callable[[str], str]:
    """Reads a text of the complete data set."""
    files = {path: data for case in painted for path, data in case.files.items()}
    files |= finish_dataset(painted_spec, [case.summary for case in painted], read=files.__getitem__).files
    return lambda name: " ".join(files[name].decode().split())


@pytest.mark.parametrize("name", ["README.md", "DATACARD.md", "report.html"])
def test_the_texts_name_the_network_and_its_training(texts: Callable[[str], str], name: str) -> None:
    """And claim nothing that holds for simulated images alone."""
    text = texts(name)
    assert "levels" in text
    assert "a table of levels" in text
    for claim in (
        "No voxel of a patient",
        "no patient's image is in them",
        "signals were computed",
        "labels are exact",
    ):
        assert claim not in text.replace("&#39;", "'")


def test_the_data_card_says_what_a_network_does_to_labels_and_bytes(texts: Callable[[str], str]) -> None:
    """Labels are what was to be painted; the mass effect stays; another processor may change the last bits."""
    card = texts("DATACARD.md")
    assert "levels/3@sha256:12 (numpy 2), trained on a table of levels" in card
    assert "labels are what was to be painted" in card
    assert "the mass effect stays where it grew" in card
    assert "another processor may change an image's last bits" in card


def test_sidecars_name_no_sequence_that_was_not_played(painted: tuple[CaseArtefacts, CaseArtefacts]) -> None:
    """The network and its training stand where a protocol would."""
    sidecar = json.loads(file_of(painted[0], "_FLAIR.json"))
    assert sidecar["GliosynthNetwork"] == "levels/3@sha256:12 (numpy 2)"
    assert sidecar["GliosynthNetworkTrainedOn"] == "a table of levels"
    assert not {"RepetitionTime", "EchoTime", "MagneticFieldStrength", "PulseSequenceType"} & set(sidecar)
    labels = json.loads(file_of(painted[0], "desc-tumour_dseg.json"))
    assert "exact" not in labels["Description"]


def test_cases_of_two_networks_do_not_leave_together(
    painted_spec: CohortSpec, painted: tuple[CaseArtefacts, CaseArtefacts]
) -> None:
    """An engine that was updated in the middle of a cohort is noticed."""
    strange = replace(painted[1].summary, facts=replace(painted[1].summary.facts, networks="levels/4@sha256:0 (numpy)"))
    files = {path: data for case in painted for path, data in case.files.items()}
    enforced = painted_spec.release.model_copy(update={"enforce": True})
    spec = painted_spec.model_copy(update={"release": enforced})
    made = finish_dataset(spec, [painted[0].summary, strange], read=files.__getitem__)
    assert not made.verdict.released
    assert any("2 generator networks" in reason for reason in made.verdict.reasons)
