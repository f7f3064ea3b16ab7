"""The panel of a case: one size, one convention, outlines where they belong."""

import io

import numpy as np
import pytest
from PIL import Image

from gliosynth.report.palette import REGION_COLOURS
from gliosynth.report.panel import GAP, ROWS, TITLE_HEIGHT, case_panel

SHAPE = (60, 70, 60)
"""Of voxels of 2 mm."""


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grey ellipsoid with a bright half on the patient's right, and a tumour on the left."""
    grid = (np.indices(SHAPE) - np.array([30, 35, 30]).reshape(3, 1, 1, 1)) / np.array([28, 33, 27]).reshape(3, 1, 1, 1)
    brain = (grid**2).sum(axis=0) <= 1
    contrasts = np.stack([brain * 0.5] * 4).astype(np.float32)
    contrasts[:, 30:] *= 2
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:20, 30:40, 25:35] = 2
    return contrasts, labels, brain


def _panel(case: tuple[np.ndarray, np.ndarray, np.ndarray], title: str = "sub-0001") -> Image.Image:
    contrasts, labels, brain = case
    return Image.open(io.BytesIO(case_panel(contrasts, labels, brain, spacing_mm=(2.0, 2.0, 2.0), title=title)))


def _cell(panel: Image.Image, row: int, column: int = 0) -> np.ndarray:
    """The pixels of one picture."""
    width, height = ROWS[row].cell
    top = TITLE_HEIGHT + sum(one.cell[1] + GAP for one in ROWS[:row])
    left = GAP + column * (max(one.cell[0] for one in ROWS) + GAP)
    return np.asarray(panel.crop((left, top, left + width, top + height))).astype(int)


def _coloured(cell: np.ndarray) -> np.ndarray:
    """Where a picture is not grey."""
    return np.ptp(cell, axis=2) > 60


def test_the_same_case_gives_the_same_bytes(case) -> None:
    """A panel depends on the case alone."""
    contrasts, labels, brain = case
    once, again = (case_panel(contrasts, labels, brain, spacing_mm=(2.0, 2.0, 2.0), title="a") for _ in range(2))
    assert once == again
    assert once.startswith(b"\x89PNG")


def test_every_panel_has_one_size(case) -> None:
    """A small and a large brain, one without tumour and one without brain: the same frame."""
    contrasts, labels, brain = case
    whole = _panel(case)
    small = np.zeros_like(brain)
    small[20:40, 20:40, 20:40] = True
    for mask, found in ((small, labels), (brain, np.zeros_like(labels)), (np.zeros_like(brain), labels)):
        assert _panel((contrasts, found, mask)).size == whole.size
    assert _panel((np.repeat(contrasts, 2, axis=1), np.repeat(labels, 2, axis=0), np.repeat(brain, 2, axis=0))).size


def test_the_patients_right_is_on_the_left(case) -> None:
    """The bright half, on the right of the patient, is on the left of the axial and of the coronal picture."""
    for row in (0, 2):
        cell = _cell(_panel(case), row).mean(axis=2)
        half = cell.shape[1] // 2
        assert cell[:, :half].mean() > 1.5 * cell[:, half:].mean()


def test_outlines_are_in_their_row_alone(case) -> None:
    """The first row shows the images as they are; the second has the colour of the whole tumour, on the right side."""
    panel = _panel(case)
    assert not _coloured(_cell(panel, 0)).any()
    assert not _coloured(_cell(panel, 2)).any()
    columns = np.flatnonzero(_coloured(_cell(panel, 1)).any(axis=0))
    assert columns.min() > ROWS[1].cell[0] // 2
    strongest = max(map(tuple, _cell(panel, 1).reshape(-1, 3)), key=lambda pixel: max(pixel) - min(pixel))
    assert np.argmax(strongest) == np.argmax(REGION_COLOURS[next(iter(REGION_COLOURS))])


def test_a_dot_is_a_millimetre(case) -> None:
    """The brain of 57 voxels of 2 mm is 114 dots wide, within a blurred edge."""
    cell = _cell(_panel(case), 2).mean(axis=2)
    filled = np.flatnonzero((cell > 40).any(axis=0))
    assert filled[-1] - filled[0] + 1 == pytest.approx(114, abs=4)


def test_a_large_brain_is_fitted_in(case) -> None:
    """At 4 mm a voxel the same brain is too large for its cell, and is shown whole all the same."""
    contrasts, labels, brain = case
    panel = Image.open(io.BytesIO(case_panel(contrasts, labels, brain, spacing_mm=(4.0, 4.0, 4.0), title="")))
    cell = _cell(panel, 0).mean(axis=2)
    assert cell[:, 0].max() < 40
    assert cell[:, -1].max() < 40
    assert (cell > 40).sum() > 0.4 * cell.size
