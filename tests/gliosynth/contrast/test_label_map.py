"""Painted label maps: fast form and plain form, and what each step promises."""

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.contrast.label_map import paint_label_map
from gliosynth.contrast.label_map_reference import paint_plainly
from gliosynth.contrast.paint_plan import IntensityTable, PaintSettings, tissue_intensities
from gliosynth.contrast.physics import draw_physics
from gliosynth.contrast.settings import TRAINING
from gliosynth.contrast.tables import tissue_signals
from gliosynth.errors import InvalidLabelError, InvalidParameterError

SPACING_MM = (1.0, 1.5, 2.0)
QUIET = PaintSettings(displacement_mm=0.0, blur_mm=(0.0, 0.0), bias=0.0, noise=(0.0, 0.0))


def blocks(shape: tuple[int, int, int] = (70, 30, 21)) -> NDArray[np.uint8]:
    """Returns a map of eight labels in boxes."""
    x, y, z = np.indices(shape)
    return ((x * 2 // shape[0]) * 4 + (y * 2 // shape[1]) * 2 + z * 2 // shape[2]).astype(np.uint8)


def table(deviation: float = 0.05, contrasts: int = 3) -> IntensityTable:
    """Returns distinct means per label and contrast, and one deviation."""
    mean = np.arange(8 * contrasts, dtype=np.float32).reshape(contrasts, 8) / 8
    return IntensityTable(mean, np.full_like(mean, deviation))


@pytest.mark.parametrize("rician", [False, True])
def test_fast_and_plain_form_agree(rician: bool) -> None:
    """Labels are equal; images differ by float32 rounding alone, on an anisotropic grid with odd sizes."""
    settings = PaintSettings(rician=rician)
    fast = paint_label_map(
        blocks(), table(), spacing_mm=SPACING_MM, rng=np.random.default_rng(1), settings=settings, threads=2
    )
    images, labels = paint_plainly(
        blocks(), table(), spacing_mm=SPACING_MM, rng=np.random.default_rng(1), settings=settings
    )
    np.testing.assert_array_equal(fast.labels, labels)
    assert (fast.labels != blocks()).mean() > 0.02
    np.testing.assert_allclose(fast.images, images, rtol=5e-5, atol=5e-6)


def test_same_seed_same_bytes_for_any_number_of_threads() -> None:
    """One, two and five threads cut the volume differently and write the same bytes; another seed does not."""
    painted = [
        paint_label_map(
            blocks((130, 20, 18)), table(), spacing_mm=SPACING_MM, rng=np.random.default_rng(seed), threads=n
        )
        for seed, n in ((2, 1), (2, 2), (2, 5), (3, 1))
    ]
    assert len({case.images.tobytes() for case in painted[:3]}) == 1
    assert len({case.labels.tobytes() for case in painted[:3]}) == 1
    assert painted[3].images.tobytes() != painted[0].images.tobytes()


def test_memory_layout_does_not_matter() -> None:
    """Labels in Fortran order, as readers of NIfTI give them, make the same bytes."""
    plain, fortran = (
        paint_label_map(labels, table(), spacing_mm=SPACING_MM, rng=np.random.default_rng(2))
        for labels in (blocks(), np.asfortranarray(blocks()))
    )
    assert plain.images.tobytes() == fortran.images.tobytes()
    np.testing.assert_array_equal(plain.labels, fortran.labels)


def test_without_any_step_the_table_is_looked_up() -> None:
    """No deformation, deviation, blur, bias or noise: every voxel has its label's mean."""
    case = paint_label_map(
        blocks(), table(0.0), spacing_mm=SPACING_MM, rng=np.random.default_rng(0), settings=QUIET, threads=1
    )
    np.testing.assert_array_equal(case.images, table().mean[:, blocks()])
    np.testing.assert_array_equal(case.labels, blocks())


def test_noise_has_its_deviation_and_is_white() -> None:
    """Noise of .1 has that deviation, no correlation between neighbours or contrasts, and no mean."""
    settings = replace(QUIET, noise=(0.1, 0.1))
    labels = np.zeros((64, 64, 64), dtype=np.uint8)
    case = paint_label_map(labels, table(0.0), spacing_mm=SPACING_MM, rng=np.random.default_rng(4), settings=settings)
    first, second = case.images[0], case.images[1] - 1.0
    assert first.std() == pytest.approx(0.1, rel=0.01)
    assert first.mean() == pytest.approx(0.0, abs=1e-3)
    assert abs(np.corrcoef(first[1:].ravel(), first[:-1].ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(first[:, :, 1:].ravel(), first[:, :, :-1].ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01


def test_rician_noise_lifts_the_background() -> None:
    """Where there is no signal the magnitude's mean is sigma sqrt(pi / 2)."""
    settings = replace(QUIET, noise=(0.1, 0.1), rician=True)
    nothing = IntensityTable(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    labels = np.zeros((40, 40, 40), dtype=np.uint8)
    case = paint_label_map(labels, nothing, spacing_mm=SPACING_MM, rng=np.random.default_rng(5), settings=settings)
    assert case.images.mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.01)


def test_blur_keeps_the_mean_and_spreads_by_its_sigma() -> None:
    """An impulse of one voxel gets the variance of the drawn sigma along each axis; its sum stays."""
    labels = np.zeros((41, 41, 41), dtype=np.uint8)
    labels[20, 20, 20] = 1
    impulse = IntensityTable(np.array([[0.0, 1.0]], np.float32), np.zeros((1, 2), np.float32))
    settings = replace(QUIET, blur_mm=(2.0, 2.0))
    case = paint_label_map(labels, impulse, spacing_mm=(1.0, 2.0, 1.0), rng=np.random.default_rng(6), settings=settings)
    image = case.images[0].astype(np.float64)
    assert image.sum() == pytest.approx(1.0, rel=1e-5)
    for axis, sigma in enumerate((2.0, 1.0, 2.0)):
        profile = image.sum(axis=tuple({0, 1, 2} - {axis}))
        assert np.sqrt((profile * (np.arange(41) - 20.0) ** 2).sum()) == pytest.approx(sigma, rel=0.08)


def test_bias_is_smooth_and_of_its_size() -> None:
    """Over many draws the logarithm of the field has the deviation asked for; neighbours differ by little."""
    settings = replace(QUIET, bias=0.2)
    one = IntensityTable(np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32))
    labels = np.zeros((12, 12, 12), dtype=np.uint8)
    fields = [
        np.log(
            paint_label_map(
                labels, one, spacing_mm=(8, 8, 8), rng=np.random.default_rng(seed), settings=settings
            ).images
        )
        for seed in range(60)
    ]
    assert np.std(fields) == pytest.approx(0.2, rel=0.15)
    assert max(np.abs(np.diff(field, axis=1)).max() for field in fields) < 0.1


def test_deformation_has_its_size() -> None:
    """The labels of a ramp along x move by the displacement asked for."""
    ramp = np.broadcast_to(np.arange(120, dtype=np.uint8)[:, None, None], (120, 24, 24)).copy()
    many = IntensityTable(np.zeros((1, 120), np.float32), np.zeros((1, 120), np.float32))
    settings = replace(QUIET, displacement_mm=4.0, displacement_sigma_mm=15.0)
    moves = [
        paint_label_map(ramp, many, spacing_mm=(1, 1, 1), rng=np.random.default_rng(seed), settings=settings).labels[
            30:90
        ]
        - np.arange(30.0, 90.0)[:, None, None]
        for seed in range(12)
    ]
    assert np.std(moves) == pytest.approx(4.0, rel=0.2)


def test_tissues_are_painted_by_the_physics() -> None:
    """The table of a drawn physics is its tissue signals in four contrasts, with texture relative to them."""
    physics = draw_physics(
        replace(TRAINING.physics, textbook=True, signal_jitter_share=0.0),
        None,
        bright_csf=False,
        rng=np.random.default_rng(0),
    )
    found = tissue_intensities(physics, texture=0.1)
    np.testing.assert_array_equal(found.mean, tissue_signals(physics))
    assert found.mean.shape[0] == 4
    np.testing.assert_allclose(found.deviation, 0.1 * found.mean, rtol=1e-5)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.full((3, 3, 3), 9, np.uint8), InvalidLabelError, "holds 9, but the table ends at label 7"),
        (np.zeros((3, 3), np.uint8), InvalidLabelError, "shape (3, 3)"),
        (np.zeros((3, 3, 3), np.int16), InvalidLabelError, "int16"),
    ],
)
def test_wrong_labels_are_refused(labels: NDArray[np.uint8], error: type[Exception], message: str) -> None:
    """The error names what was given."""
    with pytest.raises(error, match=re.escape(message)):
        paint_label_map(labels, table(), spacing_mm=SPACING_MM, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (PaintSettings(bias=0.9), "bias is 0.9"),
        (PaintSettings(noise=(0.2, 0.1)), "noise is"),
        (PaintSettings(displacement_mm=-1.0), "displacement_mm is -1.0"),
        (PaintSettings(displacement_mm=float("inf")), "displacement_mm is inf"),
        (PaintSettings(bias=float("nan")), "bias is nan"),
        (PaintSettings(bias_sigma_mm=0.0), "bias_sigma_mm is 0.0"),
    ],
)
def test_wrong_settings_are_refused(settings: PaintSettings, message: str) -> None:
    """The error names the setting and its value."""
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        paint_label_map(blocks(), table(), spacing_mm=SPACING_MM, rng=np.random.default_rng(0), settings=settings)


def test_wrong_table_edges_and_threads_are_refused() -> None:
    """Means and deviations of different shapes, an edge of 0 mm, and no thread at all."""
    wrong = IntensityTable(table().mean, np.zeros((1, 8), np.float32))
    with pytest.raises(InvalidParameterError, match="deviations"):
        paint_label_map(blocks(), wrong, spacing_mm=SPACING_MM, rng=np.random.default_rng(0))
    with pytest.raises(InvalidParameterError, match="0 threads"):
        paint_label_map(blocks(), table(), spacing_mm=SPACING_MM, rng=np.random.default_rng(0), threads=0)
    with pytest.raises(InvalidParameterError, match="voxel edges are"):
        paint_label_map(blocks(), table(), spacing_mm=(1.0, 0.0, 1.0), rng=np.random.default_rng(0))
