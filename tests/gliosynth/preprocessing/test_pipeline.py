"""The pipeline from scans to the models' grid: what it finds, what it leaves alone, what it refuses, and its record."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gliosynth.errors import CancelledError, InvalidCaseError, InvalidParameterError
from gliosynth.geometry import Grid, apply_affine, axis_codes, centroid_mm, crop, reorient_to_ras
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.preprocessing.inverse import to_native
from gliosynth.preprocessing.pipeline import PreprocessedCase, PreprocessingOptions, preprocess_case
from gliosynth.preprocessing.record import Alignment, BrainSource
from gliosynth.volume import Affine, Volume

COARSE = PreprocessingOptions(spacing_mm=3.0)


@pytest.fixture(scope="module")
def grids(square_grid: Grid, oblique_grid: Grid) -> dict[Contrast, Grid]:
    """T1 and T1c oblique in thick slices, T2 and FLAIR straight."""
    return dict(zip(CONTRASTS, (oblique_grid, oblique_grid, square_grid, square_grid), strict=True))


@pytest.fixture(scope="module")
def scanned(phantom: Callable, grids: dict[Contrast, Grid], small_pose: Affine) -> PreprocessedCase:
    """A head on different grids, T2 in another pose, its brain given."""
    case = phantom(skull=True).case(grids, {Contrast.T2W: small_pose})
    return preprocess_case(case, brain_mask=phantom().brain(grids[Contrast.T1C]), options=COARSE)


@pytest.fixture(scope="module")
def aligned(phantom: Callable, square_grid: Grid) -> PreprocessedCase:
    """A stripped case whose contrasts share the working grid."""
    return preprocess_case(phantom().case(dict.fromkeys(CONTRASTS, square_grid)), options=COARSE)


def test_contrasts_come_out_on_one_cropped_grid(scanned: PreprocessedCase) -> None:
    """Four z-scored channels, in-plane sides multiples of 16, axes towards R, A, S, zero outside the brain."""
    assert scanned.contrasts.dtype == np.float32
    assert scanned.contrasts.shape == (4, *scanned.brain.shape) == (4, *scanned.record.crop.shape)
    assert (scanned.brain.shape[0] % 16, scanned.brain.shape[1] % 16) == (0, 0)
    assert axis_codes(scanned.affine) == ("R", "A", "S")
    assert not scanned.contrasts[:, ~scanned.brain].any()
    assert np.abs(scanned.contrasts).max() <= 5.0
    np.testing.assert_allclose(scanned.contrasts[:, scanned.brain].mean(axis=1), 0.0, atol=0.05)


def test_a_moved_contrast_is_brought_back(scanned: PreprocessedCase, small_pose: Affine) -> None:
    """Only the T2 is registered, by the inverse of its pose; its fluid lies where the reference's fluid lies."""
    by_contrast = {one.contrast: one for one in scanned.record.registrations}
    assert [by_contrast[c].alignment for c in CONTRASTS] == [
        Alignment.LEFT_ALONE,
        Alignment.REFERENCE,
        Alignment.REGISTERED,
        Alignment.LEFT_ALONE,
    ]
    found = Grid((1, 1, 1), by_contrast[Contrast.T2W].transform).affine
    np.testing.assert_allclose(
        apply_affine(found, np.eye(3) * 40), apply_affine(np.linalg.inv(small_pose), np.eye(3) * 40), atol=1.5
    )
    fluid = scanned.contrasts[1] < -2.0
    assert fluid.sum() > 100
    assert scanned.contrasts[2][fluid].mean() > 2.0


def test_brain_lies_where_the_mask_said(scanned: PreprocessedCase, phantom: Callable, oblique_grid: Grid) -> None:
    """Centroid within half a voxel and volume within 3 % of the mask, through resampling and crop."""
    given = phantom().brain(oblique_grid)
    distance = centroid_mm(scanned.brain, scanned.affine) - centroid_mm(given.data, given.affine)
    assert np.linalg.norm(distance) < 1.5
    assert scanned.record.skull_strip.source is BrainSource.USER_MASK
    assert scanned.record.skull_strip.brain_ml == pytest.approx(given.data.sum() * given.voxel_volume_ml, rel=0.03)


def test_a_label_map_returns_to_the_native_grid(scanned: PreprocessedCase, oblique_grid: Grid) -> None:
    """The oblique, anisotropic, flipped grid of the T1c comes back; the centroid agrees within half a voxel."""
    labels = np.zeros(scanned.brain.shape, dtype=np.uint8)
    labels[10:22, 12:26, 8:20] = 2
    labels &= np.where(scanned.brain, np.uint8(255), np.uint8(0))
    back = to_native(labels, scanned.record)
    assert back.shape == oblique_grid.shape
    np.testing.assert_array_equal(back.affine, oblique_grid.affine)
    moved = centroid_mm(back.data > 0, back.affine) - centroid_mm(labels > 0, scanned.affine)
    assert np.abs(np.linalg.solve(oblique_grid.affine[:3, :3], moved)).max() < 0.5


def test_a_case_on_the_working_grid_is_not_interpolated(
    aligned: PreprocessedCase, phantom: Callable, square_grid: Grid
) -> None:
    """Registration was run and moved nothing; each channel is its own image, only scaled."""
    assert [one.resampled for one in aligned.record.contrasts] == [False] * 4
    for number, contrast in enumerate(CONTRASTS):
        own = crop(reorient_to_ras(phantom().volume(contrast, square_grid)).data, aligned.record.crop)
        scale = aligned.record.contrasts[number]
        expected = np.clip(
            (own[aligned.brain].astype(np.float32) - np.float32(scale.mean)) / np.float32(scale.sd), -5, 5
        )
        np.testing.assert_array_equal(aligned.contrasts[number][aligned.brain], expected)


def test_a_stripped_case_needs_no_extractor(aligned: PreprocessedCase, phantom: Callable, square_grid: Grid) -> None:
    """The background tells the brain."""
    assert aligned.record.skull_strip.source is BrainSource.ALREADY_STRIPPED
    given = crop(phantom().brain(square_grid).data, aligned.record.crop)
    np.testing.assert_array_equal(aligned.brain, given)


def test_labels_of_an_uninterpolated_case_return_exactly(aligned: PreprocessedCase, square_grid: Grid) -> None:
    """Random labels inside the crop are found again voxel by voxel."""
    labels = np.random.default_rng(0).integers(0, 4, aligned.brain.shape).astype(np.uint8)
    back = to_native(labels, aligned.record)
    inside = crop(np.ones(square_grid.shape, dtype=np.bool_), aligned.record.crop)
    np.testing.assert_array_equal(crop(back.data, aligned.record.crop), np.where(inside, labels, 0))


def test_a_head_without_mask_or_extractor_is_refused(phantom: Callable, square_grid: Grid) -> None:
    """There is a skull, and nothing to find the brain with."""
    with pytest.raises(InvalidParameterError) as caught:
        preprocess_case(phantom(skull=True).case(dict.fromkeys(CONTRASTS, square_grid)), options=COARSE)
    assert caught.value.reason == "BRAIN_EXTRACTOR_MISSING"


def test_an_extractor_that_finds_nothing_is_an_error(phantom: Callable, square_grid: Grid) -> None:
    """An empty mask is never passed on."""
    case = phantom(skull=True).case(dict.fromkeys(CONTRASTS, square_grid))
    with pytest.raises(InvalidCaseError) as caught:
        preprocess_case(case, brain_extractor=lambda images, _: np.zeros(images.shape[1:], np.bool_), options=COARSE)
    assert caught.value.reason == "EMPTY_BRAIN_MASK"


def test_progress_is_told_and_can_cancel(phantom: Callable, square_grid: Grid) -> None:
    """Stages come in order with a growing share; what the callback raises comes through."""
    case = phantom().case(dict.fromkeys(CONTRASTS, square_grid))
    heard: list[tuple[str, float]] = []

    def until_second(stage: str, fraction: float) -> None:
        heard.append((stage, fraction))
        if len(heard) == 2:
            raise CancelledError("the caller went away")

    with pytest.raises(CancelledError):
        preprocess_case(case, options=COARSE, on_stage=until_second)
    assert heard == [("register t1n", 0.0), ("register t1c", 0.15)]


def test_another_subject_is_refused_by_name(phantom: Callable, square_grid: Grid) -> None:
    """A T2 that shares nothing with the T1c refuses the case and is named."""
    case = phantom(skull=True).case(dict.fromkeys(CONTRASTS, square_grid))
    noise = np.where(case.t2w.data > 10, np.random.default_rng(0).integers(100, 900, square_grid.shape), 5)
    with pytest.raises(InvalidCaseError) as caught:
        preprocess_case(replace(case, t2w=Volume(noise, square_grid.affine, "t2w")), options=COARSE)
    assert (caught.value.reason, caught.value.field) == ("DIFFERENT_SUBJECTS", "t2w")


def test_the_record_is_json(scanned: PreprocessedCase) -> None:
    """Every step is there as plain data."""
    told = json.loads(scanned.record.to_json())
    assert [one["contrast"] for one in told["contrasts"]] == ["t1n", "t1c", "t2w", "t2f"]
    assert told["registrations"][2]["alignment"] == "registered"
    assert told["native"]["shape"] == list(scanned.record.native.shape)
    assert told["contrasts"][0]["orientation"] == ["L", "A", "I"]
