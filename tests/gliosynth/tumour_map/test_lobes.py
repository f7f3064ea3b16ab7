"""Tests of the lobes: what the twenty anatomies label, and tumours that are sent to them."""

from functools import cache

import numpy as np
import pytest

from gliosynth.anatomy import Tissue, load_anatomy
from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import apply_affine
from gliosynth.labels import Label
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.describe import describe_tumour_map
from gliosynth.tumour_map.edits import Relocate, Scale
from gliosynth.tumour_map.lobes import LOBE_ORDER, in_lobe, lobe_of
from gliosynth.tumour_map.places import Lobe, Side
from gliosynth.volume import Volume

HEADS = ("head_01", "head_05", "head_08", "head_16")
"""Heads of different sizes and tilts; the docstring of `gliosynth.tumour_map.lobes` has the figures of all twenty."""


@cache
def head(name: str) -> Surroundings:
    """One of the built-in heads."""
    return Surroundings.of_anatomy(load_anatomy(name))


def shares(name: str, tissue: Tissue) -> dict[Lobe | None, float]:
    """Where the voxels of a tissue lie."""
    around = head(name)
    points = apply_affine(around.grid.affine, np.argwhere(around.tissues == tissue)[::7])
    lateral, anterior, superior = around.frame.places_of(points).T
    found = lobe_of(np.abs(lateral), anterior, superior)
    return {
        None: float(np.mean(found == -1)),
        **{lobe: float(np.mean(found == i)) for i, lobe in enumerate(LOBE_ORDER)},
    }


@pytest.mark.parametrize(
    ("tissue", "lobe", "mean", "worst"),
    [
        (Tissue.THALAMUS, Lobe.DEEP, 0.85, 0.5),
        (Tissue.PALLIDUM, Lobe.DEEP, 0.85, 0.4),
        (Tissue.HIPPOCAMPUS, Lobe.TEMPORAL, 0.65, 0.3),
        (Tissue.CEREBELLAR_GREY, None, 0.9, 0.8),
    ],
)
def test_lobes_meet_the_structures_that_the_anatomies_label(
    tissue: Tissue, lobe: Lobe | None, mean: float, worst: float
) -> None:
    """Thalamus and pallidum are deep, the hippocampus mostly temporal, the cerebellum in no lobe."""
    found = [shares(name, tissue)[lobe] for name in HEADS]
    assert np.mean(found) > mean
    assert min(found) > worst


def test_the_cortex_is_shared_out_as_in_anatomy() -> None:
    """The frontal lobe has the most cortex, each other lobe a tenth to a quarter, insula and deep places little."""
    found = shares("head_02", Tissue.CORTICAL_GREY)
    assert max(found, key=lambda lobe: found[lobe]) is Lobe.FRONTAL
    assert all(0.1 < found[lobe] < 0.25 for lobe in (Lobe.PARIETAL, Lobe.TEMPORAL, Lobe.OCCIPITAL))
    assert found[Lobe.INSULA] + found[Lobe.DEEP] < 0.08


def test_landmarks_of_the_atlas_lie_in_their_lobes() -> None:
    """Talairach's coordinates of well-known places, right and left."""
    places = {
        Lobe.FRONTAL: (30, 45, 20),
        Lobe.PARIETAL: (40, -50, 50),
        Lobe.TEMPORAL: (50, -20, -15),
        Lobe.OCCIPITAL: (15, -90, 5),
        Lobe.INSULA: (38, 5, 2),
        Lobe.DEEP: (12, -18, 8),
    }
    for lobe, place in places.items():
        both = np.array([place, np.multiply(place, (-1, 1, 1))], dtype=float)
        assert in_lobe(both, lobe, Side.RIGHT).tolist() == [True, False]
        assert in_lobe(both, lobe, Side.LEFT).tolist() == [False, True]


@pytest.mark.parametrize("lobe", Lobe)
def test_a_small_tumour_goes_to_every_lobe_whole(lobe: Lobe) -> None:
    """Most of it lies in the lobe afterwards, at most a little is cut off, and nothing else is lost."""
    around, side = head("head_02"), Side.LEFT if lobe.value < "o" else Side.RIGHT
    labels = np.zeros(around.grid.shape, np.uint8)
    middle = np.argwhere(around.tissues == Tissue.THALAMUS).mean(axis=0).astype(int)
    box = tuple(slice(index - 6, index + 6) for index in middle)
    labels[box] = np.where(around.room[box], Label.ED, 0)
    tumour = Volume(labels, around.grid.affine, "tumour_map")
    edited = edit_tumour_map(tumour, [Relocate(lobe, side)], around=around)
    described = describe_tumour_map(edited.labels, around=around)
    assert (described.lobes[0].lobe, described.lobes[0].side) == (lobe, side)
    assert edited.clipped_ml <= 0.15 * edited.before[0].volume_ml
    assert edited.after[0].volume_ml + edited.clipped_ml == pytest.approx(edited.before[0].volume_ml)


def test_a_tumour_that_does_not_fit_is_refused_and_fits_when_scaled(ellipsoid_head, ball) -> None:
    """A ball of 144 mm has no room in half a brain that is 136 mm wide; one of 36 mm has."""
    labels = ball(ellipsoid_head.grid.shape, (36, 45, 37), 36.0).astype(np.uint8) * int(Label.ED)
    tumour = Volume(labels, ellipsoid_head.grid.affine, "tumour_map")
    with pytest.raises(InvalidParameterError, match="scale the tumour down") as caught:
        edit_tumour_map(tumour, [Relocate(Lobe.OCCIPITAL, Side.LEFT)], around=ellipsoid_head)
    assert (caught.value.reason, caught.value.field) == ("LOBE_TOO_SMALL", "edits[0].lobe")
    edited = edit_tumour_map(tumour, [Scale(0.25), Relocate(Lobe.OCCIPITAL, Side.LEFT)], around=ellipsoid_head)
    assert edited.after[0].centroid_mm[0] < -5
    assert edited.after[0].centroid_mm[1] < -40


def test_without_a_brain_there_are_no_lobes(tumour) -> None:
    """The error says what to send."""
    with pytest.raises(InvalidParameterError, match="brain mask") as caught:
        edit_tumour_map(tumour, [Relocate(Lobe.FRONTAL, Side.LEFT)])
    assert caught.value.reason == "BRAIN_UNKNOWN"
