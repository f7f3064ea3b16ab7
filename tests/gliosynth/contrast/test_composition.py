"""What a tumour's voxels are made of, and how that becomes signal."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.anatomy import Tissue
from gliosynth.contrast.composition import Composition, compose
from gliosynth.contrast.look import TumourLook, draw_look
from gliosynth.contrast.physics import Physics, draw_physics
from gliosynth.contrast.relaxometry import Part, Relaxation
from gliosynth.contrast.render import physical_signals, render_tissues, render_tumour
from gliosynth.contrast.sequences import signal
from gliosynth.contrast.settings import COHORT
from gliosynth.contrast.simulate import tight_slices
from gliosynth.contrast.tables import white_signals
from gliosynth.labels import Label
from gliosynth.tumour.plan import draw_plan

SHAPE = (32, 32, 32)
SPACING_MM = (1.0, 1.0, 1.0)
WHITE = np.full(SHAPE, Tissue.WHITE_MATTER, dtype=np.uint8)


def shells() -> np.ndarray:
    """A ball: necrosis within 5 mm, enhancing to 8 mm, oedema to 12 mm."""
    axis = np.arange(32) - 15.5
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    radius = np.sqrt(x * x + y * y + z * z)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for outer, label in ((12.0, Label.ED), (8.0, Label.ET), (5.0, Label.NCR)):
        labels[radius < outer] = label
    return labels


def look(**changes: float | None) -> TumourLook:
    """A drawn look with some of it changed."""
    rng = np.random.default_rng(0)
    drawn = draw_look(COHORT, draw_plan(COHORT.tumour, rng), rng)
    return replace(drawn, **{"cysts": None, "bleeding": None, "septa": 0.0} | changes)  # type: ignore[arg-type]


def composed(changed: TumourLook, seed: int = 0) -> Composition:
    return compose(WHITE, shells(), changed, spacing_mm=SPACING_MM, rng=np.random.default_rng(seed))


def physics(seed: int = 0) -> Physics:
    return draw_physics(COHORT.physics, None, bright_csf=False, rng=np.random.default_rng(seed))


def test_shares_lie_between_0_and_1_and_end_with_enhancing_tumour() -> None:
    """Enhancing tumour comes last, so that nothing covers it."""
    composition = composed(look(cysts=1.0, bleeding=0.0))
    assert [part for part, _ in composition.shares] == [
        Part.ED, Part.NET, Part.NCR, Part.CYST, Part.BLOOD, Part.ET
    ]  # fmt: skip
    for _, share in composition.shares:
        assert 0.0 <= share.min() <= share.max() <= 1.0 + 1e-5


def test_cysts_and_blood_are_absent_unless_looked_for() -> None:
    """The look's None leaves the part out."""
    assert {part for part, _ in composed(look()).shares} == {Part.ED, Part.NET, Part.NCR, Part.ET}


def test_septa_cut_through_necrosis() -> None:
    """Strong walls leave less necrosis than none."""
    plain, crossed = (composed(look(necrosis=1.5, septa=amount)) for amount in (0.0, 6.0))
    necrosis = [dict(one.shares)[Part.NCR].sum() for one in (plain, crossed)]
    assert necrosis[1] < 0.9 * necrosis[0]


def test_oedema_fades_away_from_the_core() -> None:
    """Fading by .6 takes at most .6 of the oedema, and more of it far from the core than near."""
    steady, fading = (dict(composed(look(fading=amount, patchiness=0.0)).shares)[Part.ED] for amount in (0.0, 0.6))
    near, far = (float(fading[15, 15, z] / steady[15, 15, z]) for z in (20, 26))
    assert 0.4 - 1e-5 <= far < near - 0.05 < 1.0


def test_rates_are_mixed_before_the_signal_equation() -> None:
    """Half oedema, half white matter: T1, T2 and density averaged as rates, then the sequence's equation."""
    drawn = physics()
    half = np.full((1, 1, 1), 0.5, dtype=np.float32)
    zero = np.zeros_like(half)
    composition = Composition(((Part.ED, half),), uptake=1.0 + zero, grain=zero, weight=zero)
    tissues = np.full((1, 1, 1), Tissue.WHITE_MATTER, dtype=np.uint8)
    image = physical_signals(composition, tissues, drawn, look())[2]
    white, oedema = (
        (float(drawn.table.density[1]), float(drawn.table.r1[1]), float(drawn.table.r2[1])),
        (drawn.parts[Part.ED].density, 1 / drawn.parts[Part.ED].t1_ms, 1 / drawn.parts[Part.ED].t2_ms),
    )
    density, r1, r2 = (np.array([(a + b) / 2]) for a, b in zip(white, oedema, strict=True))
    expected = signal(drawn.protocols[2], density, r1, r2)[0] / white_signals(drawn)[2]
    assert image[0, 0, 0] == pytest.approx(expected * drawn.table.gain[2, 1], rel=1e-5)


def test_far_from_a_tumour_the_host_stays() -> None:
    """In the box's corners the signals are the host's, whatever made them differ from the tissue's mean."""
    drawn, rng = physics(), np.random.default_rng(1)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[14:18, 14:18, 14:18] = Label.ED
    host = [image + 0.1 * rng.standard_normal(SHAPE, dtype=np.float32) for image in render_tissues(WHITE, drawn)]
    changed = replace(look(), oedema_edge_mm=1.0)
    after = render_tumour(host, WHITE, labels, drawn, changed, spacing_mm=SPACING_MM, rng=np.random.default_rng(2))
    for image, before in zip(after, host, strict=True):
        np.testing.assert_allclose(image[:4], before[:4], atol=1e-4)
        assert not np.allclose(image[14:18, 14:18, 14:18], before[14:18, 14:18, 14:18], atol=1e-2)


def test_enhancing_tumour_varies_in_t1c_but_not_in_t1() -> None:
    """Uneven uptake of gadolinium shows after injection alone."""
    changed = replace(look(), texture_t1=0.0, texture_t2=0.0, mottling=0.0, uptake=0.9, core_grain=1.0)
    drawn = physics(3)
    drawn.parts[Part.ET] = Relaxation(0.85, 1300.0, 120.0)
    host = render_tissues(WHITE, drawn)
    images = render_tumour(host, WHITE, shells(), drawn, changed, spacing_mm=SPACING_MM, rng=np.random.default_rng(4))
    rim = shells() == Label.ET
    t1n, t1c = (images[contrast][rim].std() / images[contrast][rim].mean() for contrast in (0, 1))
    assert t1c > 2 * t1n


def test_tight_slices_hug_the_labels() -> None:
    """One voxel at (4, 5, 6) with margins 1, 2, 3 in a grid of 8: cut at the border."""
    labels = np.zeros((8, 8, 8), dtype=np.uint8)
    whole = (slice(0, 8), slice(0, 8), slice(0, 8))
    assert tight_slices(labels, whole, (1, 2, 3)) == whole
    labels[4, 5, 6] = 1
    assert tight_slices(labels, whole, (1, 2, 3)) == (slice(3, 6), slice(3, 8), slice(3, 8))
    assert tight_slices(labels, (slice(2, 8),) * 3, (1, 2, 3)) == (slice(3, 6), slice(3, 8), slice(3, 8))
