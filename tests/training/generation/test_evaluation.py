"""Tests of training.generation.{evaluation, figures, finding, lesion_sheet}, with painters known by heart."""

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.generation import GeneratorNetwork, NetworkIdentity, SliceSize
from gliosynth.labels import CONTRASTS, REGIONS, Contrast
from gliosynth.segmentation import CascadeModels
from training.data.pairs import Pairs, UnitScales, pairs_of_volume
from training.data.ring import Ring
from training.generation.evaluation import CaseScores, evaluate_generator
from training.generation.figures import (
    CaseFigures,
    ContrastFigures,
    ImageFigures,
    Images,
    LesionFigures,
    compare,
    summarise,
)
from training.generation.finding import served_segmenters
from training.generation.lesion_sheet import FOUND_COLOUR, MAP_COLOUR, lesion_sheet, outlined

GREY = np.array([0.1, 0.6, 0.9, 0.5, 0.4, 0.3, 0.2, 0.0], dtype=np.float32)
"""What the painter paints each class: NCR .1, ED .6, ET .9."""


@dataclass(frozen=True)
class BallSegmenter:
    """Finds what is bright in one contrast: the balls of the fakes are 2 sd above their noise, painted ones too."""

    channels: tuple[str, ...]
    batch_size: int = 16
    threshold: float = 0.5

    def submit(self, batch: NDArray[np.float32]) -> "Future[NDArray[np.float32]]":
        """Returns logits above 0 from a z-score of 1."""
        answer: Future[NDArray[np.float32]] = Future()
        answer.set_result(batch - np.float32(1))
        return answer


def painter(contrasts: tuple[Contrast, ...] = CONTRASTS) -> GeneratorNetwork:
    """Returns a network that paints each class in one grey."""
    identity = NetworkIdentity("greys", "1", "sha256:0", "numpy", "nothing")
    return GeneratorNetwork(identity, contrasts, SliceSize(multiple=4), 5, lambda maps: GREY[maps])


def segmenters() -> CascadeModels:
    """Returns three that look at FLAIR."""
    return CascadeModels(*(BallSegmenter(("t2f",)) for _ in REGIONS))


def evaluated(ring: Ring, networks: list[GeneratorNetwork], models: CascadeModels | None) -> list[CaseScores]:
    """Returns the scores of two cases."""
    return list(evaluate_generator(networks, [ring], size=(64, 80), models=models, most_cases=2))


def test_equal_images_score_best_and_a_known_error_by_hand(ring: Ring) -> None:
    """An offset of .1 in the brain alone: MSE .01, MAE .1, PSNR 20 dB; equal: SSIM 1, error 0."""
    pairs = pairs_of_volume(ring, UnitScales(), slot=0, size=(64, 80), channels=(0, 1))
    assert pairs is not None
    off = pairs.contrasts.copy()
    off[:, 1] += np.float32(0.1) * pairs.brain[:, 0]
    same, shifted = compare(pairs, off, (Contrast.T1N, Contrast.T1C))
    assert (same.case.mse, same.case.mae, same.case.ssim, same.case.ssim_whole) == (0, 0, 1, 1)
    assert shifted.case.mse == pytest.approx(0.01, rel=1e-4)
    assert shifted.case.mae == pytest.approx(0.1, rel=1e-4)
    assert shifted.case.psnr_db == pytest.approx(20, abs=1e-3)
    assert len(shifted.slices) == len(pairs.labels)
    assert shifted.contrast is Contrast.T1C


def test_what_is_outside_the_brain_counts_for_whole_slices_alone(ring: Ring) -> None:
    """A bright corner changes no figure in the brain."""
    pairs = pairs_of_volume(ring, UnitScales(), slot=0, size=(96, 112), channels=(0,))
    assert pairs is not None
    off = pairs.contrasts.copy()
    off[:, :, :12, :12] = 1
    (found,) = compare(pairs, off, (Contrast.T1N,))
    assert (found.case.mse, found.case.ssim) == (0, 1)
    assert found.case.ssim_whole < 0.99


def test_a_painted_lesion_is_looked_for_where_the_map_has_it(ring: Ring) -> None:
    """True, painted, moved, healed; the last two differ in the old place alone; ET is where the map has it."""
    (case, other) = evaluated(ring, [painter()], segmenters())
    assert [one.images for one in case.looked] == list(Images)
    true, painted, moved, healed = case.looked
    np.testing.assert_array_equal(moved.labels, healed.labels)
    left = (true.labels > 0) & (moved.labels == 0)
    assert set(np.unique(moved.contrasts[3][left])) == {GREY[5]}
    assert not np.array_equal(moved.contrasts[:, left], healed.contrasts[:, left])
    np.testing.assert_array_equal(moved.contrasts[:, ~left], healed.contrasts[:, ~left])
    assert np.array_equal(true.labels, painted.labels)
    assert not np.array_equal(moved.labels, painted.labels)
    brain = painted.contrasts[3] != 0
    assert set(np.unique(painted.contrasts[3][brain])) <= set(GREY)
    np.testing.assert_array_equal(moved.contrasts[0] == GREY[2], moved.labels == 3)
    for one in case.figures.lesions:
        assert one.dice[0] is not None
        assert 0 <= one.dice[0] <= 1
    assert (case.figures.lesions[0].dice[0] or 0) > 0.8
    assert other.slot == 1


def test_the_same_seed_moves_alike_and_another_one_elsewhere(ring: Ring) -> None:
    """Movements depend on the seed and the volume's number alone."""
    places = [
        next(iter(evaluate_generator([painter()], [ring], size=(64, 80), models=segmenters(), most_cases=1, seed=seed)))
        for seed in (0, 0, 1)
    ]
    first, again, other = (case.looked[2].labels for case in places)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_contrast_has_image_figures_but_no_painted_lesion(ring: Ring) -> None:
    """A segmenter needs all four contrasts; without one nothing is looked at."""
    (case, _) = evaluated(ring, [painter((Contrast.T2F,))], segmenters())
    assert [one.contrast for one in case.figures.contrasts] == [Contrast.T2F]
    assert [one.images for one in case.looked] == [Images.TRUE]
    (case, _) = evaluated(ring, [painter()], None)
    assert len(case.figures.contrasts) == 4
    assert case.looked == ()


def test_means_are_over_the_cases_that_have_a_region() -> None:
    """ET of one case of two; slices weigh alike by slice, cases alike by case."""

    def case(ssims: list[float], dice: tuple[float | None, ...]) -> CaseFigures:
        slices = tuple(ImageFigures(0, 0, 10, ssim, ssim) for ssim in ssims)
        whole = ImageFigures(0, 0, 10, float(np.mean(ssims)), 1)
        return CaseFigures((ContrastFigures(Contrast.T1N, whole, slices),), (LesionFigures(Images.MOVED, dice),))

    scores = summarise([case([0.2, 0.4, 0.6], (0.5, 0.1, None)), case([0.8], (0.7, 0.3, 0.9))])
    assert (scores.cases, scores.slices) == (2, 4)
    assert scores.by_case[Contrast.T1N].ssim == pytest.approx(0.6)
    assert scores.by_slice[Contrast.T1N].ssim == pytest.approx(0.5)
    assert scores.ssim == pytest.approx(0.6)
    found = scores.lesions[Images.MOVED]
    assert [round(found[region].dice, 6) for region in REGIONS] == [0.6, 0.2, 0.9]
    assert [found[region].cases for region in REGIONS] == [2, 2, 1]


def test_the_sheet_shows_both_outlines(ring: Ring) -> None:
    """A row a case of four times four slices; yellow for the map, blue for what was found."""
    cases = evaluated(ring, [painter()], segmenters())
    sheet = lesion_sheet(cases)
    assert sheet.shape == (2 * (80 + 16), 16 * (64 + 2), 3)
    assert (sheet == MAP_COLOUR).all(axis=-1).any()
    wanted, found = np.zeros((2, 7, 7), dtype=bool)
    wanted[2:5, 2:5], found[1:6, 1:6] = True, True
    picture = outlined(np.zeros((7, 7)), wanted, found)
    assert tuple(picture[2, 2]) == MAP_COLOUR
    assert tuple(picture[1, 1]) == FOUND_COLOUR
    assert not picture[3, 3].any()
    assert not picture[0].any()


def test_the_shipped_segmenters_answer_as_the_cascade_asks() -> None:
    """Channels and thresholds come from config.pbtxt; logits have the slices' size."""
    models = served_segmenters(Path("model_repository"))
    assert models.wt.channels == CONTRASTS
    assert models.et.channels[0] == "t1c-t1n"
    logits = models.wt.submit(np.zeros((2, 4, 32, 48), dtype=np.float32)).result()
    assert logits.shape == (2, 1, 32, 48)
    assert (logits < 0).mean() > 0.9


def test_a_folder_without_segmenters_says_what_was_looked_for(tmp_path: Path) -> None:
    """The message names the files."""
    with pytest.raises(InvalidParameterError, match=r"config\.pbtxt with channels"):
        served_segmenters(tmp_path)


def test_padding_changes_no_figure_in_the_brain(ring: Ring) -> None:
    """Slices in a larger frame score alike: the painter is the same in every pixel."""
    scales, figures = UnitScales(), []
    for size in ((64, 80), (96, 96)):
        pairs = pairs_of_volume(ring, scales, slot=0, size=size, channels=(0,))
        assert isinstance(pairs, Pairs)
        (found,) = compare(pairs, GREY[pairs.brain_maps], (Contrast.T1N,))
        figures.append((found.case.mse, found.case.mae))
    np.testing.assert_allclose(figures[0], figures[1], rtol=1e-5)
