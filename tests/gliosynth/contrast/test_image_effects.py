"""Texture, hard negatives, acquisition and rendering on small volumes."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.anatomy import Tissue
from gliosynth.contrast.artefacts import Acquisition, acquire
from gliosynth.contrast.composition import oedema_weight
from gliosynth.contrast.hard_negatives import add_negatives, white_matter_lesions
from gliosynth.contrast.look import TumourLook
from gliosynth.contrast.settings import NegativeSettings
from gliosynth.contrast.tables import look_up
from gliosynth.contrast.texture import add_texture
from gliosynth.contrast.vessels import falx, medullary_veins, pituitary, sulcal_vessels

SHAPE = (32, 32, 16)
SPACING_MM = (1.0, 1.0, 2.0)
NONE = Acquisition((0.0, 0.0, 0.0), psf_mm=0.0, shift_mm=(0.0, 0.0, 0.0), noise=0.0, bias=0.0, gamma=1.0)


def white_noise(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(SHAPE, dtype=np.float32), rng.standard_normal(SHAPE, dtype=np.float32)


def look(**changes: float) -> TumourLook:
    plain = TumourLook(
        oedema_edge_mm=2.0,
        core_edge_mm=1.0,
        label_margin_mm=0.0,
        saturation=1.0,
        cortex_sparing=0.5,
        necrosis=1.0,
        sharpness=2.0,
        rim=0.0,
        fading=0.0,
        patchiness=0.0,
        septa=0.0,
        septum_mm=4.0,
        cysts=None,
        cyst_mm=3.0,
        mottling=0.0,
        uptake=0.0,
        core_grain=1.0,
        bleeding=None,
        texture_t1=0.0,
        texture_t2=0.0,
    )
    return replace(plain, **changes)


def test_acquisition_without_effects_changes_nothing() -> None:
    """The signal comes back."""
    signal = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    image = acquire(signal, white_noise(0), NONE, spacing_mm=SPACING_MM, rng=np.random.default_rng(0))
    np.testing.assert_allclose(image, signal, rtol=1e-6)


def test_noise_is_rician() -> None:
    """Strong signal keeps its mean with the given deviation; air gets the Rayleigh mean 1.2533 sigma."""
    noisy = Acquisition((0.0, 0.0, 0.0), 0.0, (0.0, 0.0, 0.0), noise=0.05, bias=0.0, gamma=1.0)
    bright, dark = (
        acquire(
            np.full(SHAPE, value, np.float32),
            white_noise(1),
            noisy,
            spacing_mm=SPACING_MM,
            rng=np.random.default_rng(1),
        )
        for value in (1.0, 0.0)
    )
    assert bright.mean() == pytest.approx(1.0, abs=0.003)
    assert bright.std() == pytest.approx(0.05, rel=0.05)
    assert dark.mean() == pytest.approx(0.05 * 1.2533, rel=0.03)


def test_noise_keeps_its_strength_behind_a_point_spread() -> None:
    """Noise is correlated by the acquisition but not weakened."""
    blurred = Acquisition((0.0, 0.0, 0.0), 0.6, (0.0, 0.0, 0.0), noise=0.03, bias=0.0, gamma=1.0)
    flat = np.ones(SHAPE, np.float32)
    image = acquire(flat, white_noise(2), blurred, spacing_mm=SPACING_MM, rng=np.random.default_rng(2))
    inner = image[4:-4, 4:-4, 2:-2]
    assert inner.std() == pytest.approx(0.03, rel=0.12)
    assert np.corrcoef(inner[1:].ravel(), inner[:-1].ravel())[0, 1] > 0.2


def test_texture_is_shared_and_scaled() -> None:
    """Strength 0 returns the images themselves; otherwise a constant image varies by 1 to 12 %."""
    images = [np.ones(SHAPE, np.float32)] * 4
    assert add_texture(images, strength=0.0, spacing_mm=SPACING_MM, rng=np.random.default_rng(3)) is images
    textured = add_texture(images, strength=1.0, spacing_mm=SPACING_MM, rng=np.random.default_rng(3))
    assert all(0.01 < image.std() < 0.12 for image in textured)


NONE_OF_ALL = NegativeSettings(
    vessel_share=0.0,
    vein_share=0.0,
    falx_share=0.0,
    gland_share=0.0,
    halo_share=0.0,
    cap_share=0.0,
    lesion_share=0.0,
)


def test_vessels_lie_in_sulci_and_brighten_t1c_most() -> None:
    """Vessels touch no other tissue; they are bright in T1c, at most a third of that in T1, never brighter in T2."""
    tissues = np.full(SHAPE, Tissue.WHITE_MATTER, dtype=np.uint8)
    tissues[:, 10:12] = Tissue.SULCAL_CSF
    found = sulcal_vessels(tissues, spacing_mm=SPACING_MM, rng=np.random.default_rng(4))
    assert 0 < found.sum() < 0.6 * (tissues == Tissue.SULCAL_CSF).sum()
    assert not found[tissues == Tissue.WHITE_MATTER].any()
    only_vessels = replace(NONE_OF_ALL, vessel_share=1.0)
    before = [np.ones(SHAPE, np.float32)] * 4
    side_mm = np.full(SHAPE, 50.0, np.float32)
    after = add_negatives(before, tissues, side_mm, only_vessels, spacing_mm=SPACING_MM, rng=np.random.default_rng(5))
    t1n, t1c, t2w, t2f = (image - 1.0 for image in after)
    assert t1c.max() >= 0.2
    assert (t1n <= 0.351 * t1c).all()
    assert t2w.max() <= 0.0
    assert t2f.max() <= 0.0


def test_without_shares_nothing_is_added() -> None:
    """All shares 0 give back the very images."""
    tissues = np.full(SHAPE, Tissue.WHITE_MATTER, dtype=np.uint8)
    before = [np.ones(SHAPE, np.float32)] * 4
    side_mm = np.zeros(SHAPE, np.float32)
    after = add_negatives(before, tissues, side_mm, NONE_OF_ALL, spacing_mm=SPACING_MM, rng=np.random.default_rng(5))
    assert all(image is old for image, old in zip(after, before, strict=True))


def test_veins_are_thin_lines_in_white_matter() -> None:
    """Where two sheets meet: under 5 % of white matter, none elsewhere."""
    tissues = np.full(SHAPE, Tissue.WHITE_MATTER, dtype=np.uint8)
    tissues[:16] = Tissue.CORTICAL_GREY
    veins = medullary_veins(tissues, spacing_mm=SPACING_MM, rng=np.random.default_rng(6))
    assert 0.0 < veins[16:].mean() < 0.1
    assert not veins[:16].any()


def test_falx_lies_between_the_hemispheres() -> None:
    """Full in fluid on the midline, half at .6 mm, gone at 2 mm, never in tissue."""
    tissues = np.full((5, 2, 1), Tissue.SULCAL_CSF, dtype=np.uint8)
    tissues[:, 1] = Tissue.CORTICAL_GREY
    side_mm = np.broadcast_to(np.array([-2.0, -0.6, 0.0, 0.6, 2.0], np.float32)[:, None, None], tissues.shape)
    assert falx(tissues, side_mm)[:, 0, 0] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])
    assert not falx(tissues, side_mm)[:, 1].any()


def test_pituitary_lies_below_the_rear_of_the_optic_nerves() -> None:
    """Nine mm under the chiasm; without optic nerves in view there is none."""
    tissues = np.full((21, 21, 21), Tissue.OUTER_CSF, dtype=np.uint8)
    assert pituitary(tissues, (1.0, 1.0, 1.0)) is None
    tissues[8:13, 10:16, 15] = Tissue.OPTIC_NERVE
    gland = pituitary(tissues, (1.0, 1.0, 1.0))
    assert gland is not None
    assert gland[10, 10, 6] == 1.0
    assert gland[10, 10, 18] == 0.0
    assert gland[0, 10, 6] == 0.0


def test_lesions_lie_in_white_matter_near_ventricles() -> None:
    """Caps hug the ventricle, stay in white matter, and are absent when their share is 0."""
    tissues = np.full(SHAPE, Tissue.WHITE_MATTER, dtype=np.uint8)
    tissues[12:20, 12:20, 4:12] = Tissue.VENTRICLE
    tissues[:4] = Tissue.CORTICAL_GREY
    caps = NegativeSettings(halo_share=0.0, cap_share=1.0, lesion_share=0.0)
    drawn = [white_matter_lesions(tissues, caps, spacing_mm=SPACING_MM, rng=np.random.default_rng(s)) for s in range(8)]
    weight = np.mean([one for one in drawn if one is not None], axis=0)
    assert 0.0 < weight.max() <= 1.0
    assert not weight[tissues != Tissue.WHITE_MATTER].any()
    assert weight[20:22, 14:18, 6:10].mean() > 3 * weight[28:, 28:].mean()
    none = NegativeSettings(halo_share=0.0, cap_share=0.0, lesion_share=0.0)
    assert white_matter_lesions(tissues, none, spacing_mm=SPACING_MM, rng=np.random.default_rng(7)) is None


def test_oedema_is_half_at_the_label_s_border_minus_the_margin() -> None:
    """Without margin the weight crosses .5 at the label's border; 1 mm of margin moves it 1 mm inwards."""
    whole = np.zeros((40, 8, 8), dtype=np.bool_)
    whole[:20] = True
    nowhere = np.zeros(whole.shape, dtype=np.float32)
    for margin, border in ((0.0, 19.5), (1.0, 18.5)):
        line = oedema_weight(whole, nowhere, look(label_margin_mm=margin), (1.0, 1.0, 1.0))[:, 4, 4]
        crossing = np.interp(0.5, line[::-1], np.arange(40)[::-1])
        assert crossing == pytest.approx(border, abs=0.15)
        assert line[2] == pytest.approx(1.0, abs=0.01)
        assert line[38] == pytest.approx(0.0, abs=0.01)


def test_oedema_spares_what_it_is_told_to() -> None:
    """Full sparing keeps oedema out, saturation scales it."""
    whole = np.ones((8, 8, 8), dtype=np.bool_)
    sparing = np.zeros(whole.shape, dtype=np.float32)
    sparing[:4] = 1.0
    weight = oedema_weight(whole, sparing, look(saturation=0.7), (1.0, 1.0, 1.0))
    assert not weight[:4].any()
    np.testing.assert_allclose(weight[4:], 0.7, rtol=1e-5)


def test_look_up_is_indexing() -> None:
    """A table of signals is read at the tissues."""
    table = np.arange(29, dtype=np.float32) * 2
    tissues = np.array([[[0, 5], [28, 1]]], dtype=np.uint8)
    np.testing.assert_array_equal(look_up(table, tissues), [[[0, 10], [56, 2]]])
