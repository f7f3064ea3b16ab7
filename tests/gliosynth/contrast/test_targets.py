"""The distributions of METHODS.md C.2 on 64 simulated cases, and the functions that measure them.

Whole heads are simulated at 2 mm for what does not need fine voxels; texture and edges are measured at 1 mm in 64 balls
of oedema in white matter, which cost a tenth of a head.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter

from gliosynth.anatomy import Tissue, anatomy_names, load_anatomy
from gliosynth.contrast import targets
from gliosynth.contrast.artefacts import acquire, draw_acquisition
from gliosynth.contrast.look import draw_look
from gliosynth.contrast.physics import Physics, draw_physics
from gliosynth.contrast.relaxometry import Part
from gliosynth.contrast.render import render_tissues, render_tumour
from gliosynth.contrast.sequences import Family, shortened_rates, signal
from gliosynth.contrast.settings import TRAINING
from gliosynth.contrast.simulate import SimulatedCase, simulate_case
from gliosynth.contrast.tables import tissue_signals, white_signals
from gliosynth.contrast.texture import add_texture
from gliosynth.labels import Label
from gliosynth.tumour.plan import draw_plan
from gliosynth.tumour.settings import GridSettings

CASES = 64
WITH_TUMOUR = replace(
    TRAINING, grid=GridSettings((80, 96, 80), (2.0, 2.0, 2.0)), tumour=replace(TRAINING.tumour, free_share=0.0)
)
LEAST_VOXELS = 40
RARE = {
    ("GM", 0, 0.55),
    ("GM", 1, 0.55),
    ("ED", 0, 0.65),
    ("ED", 1, 0.61),
    ("NCR", 1, 0.34),
    ("ED", 2, 2.15),
}
"""Measured values that whole images (2 mm, partial volume, flat contrast in half of the cases) reach less often than 1
in 20: those of the one T1-FLAIR case, of which none of the seven labelled cases is one, and an oedema measured against
the brain's mode instead of white matter. The signals before acquisition, of T1-FLAIR cases alone, must cover them."""

MISSED = {("GM", 3, 0.83)}
"""Measured values that the simulator does not reach: FLAIR of grey matter of .83 (simulated .88 and more; .89 to 1.20
on the seven labelled cases)."""

VALUES = [(*key, value) for key, values in targets.MEASURED_RATIOS.items() for value in values]
USUAL = [value for value in VALUES if value not in RARE | MISSED]
PHYSICS_DRAWS = 1000
SMALLEST_REAL_ML = 35.0
FLAIR = 3

BALL_SHAPE = (60, 60, 60)
BALL_RADIUS_MM = 18.0
BALL_SPACING_MM = (1.0, 1.0, 1.0)
DEPTHS_MM = np.arange(-3.0, 3.5, 1.0)


@dataclass(frozen=True)
class Measured:
    """What was measured on the simulated heads: values by region and contrast, one per case that has the region."""

    ratios: dict[tuple[str, int], list[float]]
    z_scores: dict[tuple[str, int], list[float]]
    brightest: np.ndarray
    noise: np.ndarray
    bias: np.ndarray
    bright_ml: list[float]


def bright_outside_ml(case: SimulatedCase) -> float:
    """Returns the volume outside the tumour whose smoothed FLAIR is 1.5 deviations above the brain's mean, ml."""
    smooth = gaussian_filter(case.contrasts[FLAIR], 0.5)
    brain = smooth[case.brain]
    outside = case.brain & ~binary_dilation(case.labels > 0, iterations=2)
    return float((outside & (smooth > brain.mean() + 1.5 * brain.std())).sum() * 0.008)


def measure(case: SimulatedCase, found: Measured, row: int) -> None:
    """Adds one case to what was found."""
    masks = targets.region_masks(case.tissues, case.labels, case.brain)
    if (case.labels > 0).sum() * 0.008 > SMALLEST_REAL_ML:
        found.bright_ml.append(bright_outside_ml(case))
    for contrast, image in enumerate(case.contrasts):
        brain = image[case.brain]
        white = float(np.median(image[masks["WM"]]))
        for region, mask in masks.items():
            if mask.sum() >= LEAST_VOXELS:
                median = float(np.median(image[mask]))
                found.ratios.setdefault((region, contrast), []).append(median / white)
                found.z_scores.setdefault((region, contrast), []).append((median - brain.mean()) / brain.std())
        found.brightest[row, contrast] = np.percentile(brain, 99.5) / white
        found.noise[row, contrast] = targets.noise_level(image, masks["WM"], 0.5)
        found.bias[row, contrast] = targets.bias_range(image, masks["WM"], 3.0)


@pytest.fixture(scope="module")
def heads() -> Measured:
    """The measures of 64 heads with tumour, every anatomy in turn."""
    found = Measured({}, {}, np.zeros((CASES, 4)), np.zeros((CASES, 4)), np.zeros((CASES, 4, 2)), [])
    names = anatomy_names()
    for number in range(CASES):
        anatomy = load_anatomy(names[number % len(names)])
        case = simulate_case(anatomy, settings=WITH_TUMOUR, rng=np.random.default_rng((77, number)))
        measure(case, found, number)
    return found


def ball(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the FLAIR of a ball of oedema in white matter, white matter 1, and the depth inside its border in mm."""
    rng = np.random.default_rng((78, seed))
    centred = [np.arange(size) - (size - 1) / 2 for size in BALL_SHAPE]
    x, y, z = np.meshgrid(*centred, indexing="ij")
    depth_mm = (BALL_RADIUS_MM - np.sqrt(x * x + y * y + z * z)).astype(np.float32)
    labels = np.where(depth_mm > 0.0, int(Label.ED), 0).astype(np.uint8)
    tissues = np.full(BALL_SHAPE, int(Tissue.WHITE_MATTER), dtype=np.uint8)
    plan = replace(draw_plan(TRAINING.tumour, rng), faint=False)
    physics = draw_physics(TRAINING.physics, plan, bright_csf=False, rng=rng)
    look = draw_look(TRAINING, plan, rng)
    host = render_tissues(tissues, physics)
    signals = render_tumour(host, tissues, labels, physics, look, spacing_mm=BALL_SPACING_MM, rng=rng)
    weights = TRAINING.physics.texture_by_contrast
    signals = add_texture(signals, strength=1.0, weights=weights, spacing_mm=BALL_SPACING_MM, rng=rng)
    acquisition = draw_acquisition(TRAINING.acquisition.of(FLAIR), rng)
    real, imaginary = (rng.standard_normal(BALL_SHAPE, dtype=np.float32) for _ in range(2))
    image = acquire(signals[FLAIR], (real, imaginary), acquisition, spacing_mm=BALL_SPACING_MM, rng=rng)
    return image / np.median(image[depth_mm < -8.0]), depth_mm


@pytest.fixture(scope="module")
def balls() -> dict[str, np.ndarray]:
    """Coefficient of variation, autocorrelation and edge profile of 64 balls."""
    found: dict[str, list[object]] = {"variation": [], "autocorrelation": [], "edge": []}
    for number in range(CASES):
        image, depth_mm = ball(number)
        inner = depth_mm > 3.0
        found["variation"].append(image[inner].std() / image[inner].mean())
        found["autocorrelation"].append([targets.autocorrelation(image, inner, lag) for lag in targets.LAGS_MM])
        found["edge"].append(targets.edge_profile(image, depth_mm, DEPTHS_MM))
    return {name: np.array(values) for name, values in found.items()}


@pytest.fixture(scope="module")
def pure() -> dict[tuple[str, int], np.ndarray]:
    """Signals to white matter before partial volume and acquisition, T1-weighted ones of T1-FLAIR alone."""
    rng = np.random.default_rng(79)
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(PHYSICS_DRAWS):
        plan = draw_plan(TRAINING.tumour, rng)
        physics = draw_physics(TRAINING.physics, plan, bright_csf=False, rng=rng)
        grey = tissue_signals(physics)[:, Tissue.CORTICAL_GREY]
        for contrast, protocol in enumerate(physics.protocols):
            if contrast < 2 and protocol.family is not Family.INVERSION_SPIN_ECHO:
                continue
            found.setdefault(("GM", contrast), []).append(float(grey[contrast]))
            for part in (Part.ED, Part.NCR):
                found.setdefault((part.value, contrast), []).append(part_ratio(physics, part, contrast))
    return {key: np.array(values) for key, values in found.items()}


def part_ratio(physics: Physics, part: Part, contrast: int) -> float:
    """Returns the pure signal of a tumour part relative to white matter."""
    if physics.mixture is not None:
        return physics.mixture.parts[part][contrast]
    tissue = physics.parts[part]
    r1, r2 = np.array([1 / tissue.t1_ms]), np.array([1 / tissue.t2_ms])
    if contrast == 1:
        agent = physics.part_agent[part]
        r1, r2 = shortened_rates(r1, r2, agent, r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
    value = (
        signal(physics.protocols[contrast], np.array([tissue.density]), r1, r2)[0] / white_signals(physics)[contrast]
    )
    return float(value) * float(physics.part_gain[contrast])


@pytest.mark.parametrize(("region", "contrast", "value"), USUAL)
def test_measured_ratios_lie_inside_the_simulated_range(
    region: str, contrast: int, value: float, heads: Measured
) -> None:
    """A real median relative to white matter lies inside the simulated 5 to 95 %."""
    low, high = np.percentile(heads.ratios[region, contrast], (5, 95))
    assert low <= value <= high


@pytest.mark.parametrize(("region", "contrast", "value"), sorted(RARE))
def test_rare_ratios_lie_inside_the_range_of_pure_signals(
    region: str, contrast: int, value: float, pure: dict[tuple[str, int], np.ndarray]
) -> None:
    """See `RARE`."""
    low, high = np.percentile(pure[region, contrast], (5, 95))
    assert low <= value <= high


@pytest.mark.xfail(reason="known miss, see MISSED", strict=True)
@pytest.mark.parametrize(("region", "contrast", "value"), sorted(MISSED))
def test_missed_ratios(region: str, contrast: int, value: float, heads: Measured) -> None:
    """See `MISSED`; this test fails loudly once the simulator reaches them."""
    low, high = np.percentile(heads.ratios[region, contrast], (5, 95))
    assert low <= value <= high


@pytest.mark.parametrize("key", list(targets.MEASURED_RATIOS), ids=lambda key: f"{key[0]}-{key[1]}")
def test_median_ratios_are_near_the_measured(key: tuple[str, int], heads: Measured) -> None:
    """The simulated median lies between the real values, widened by 20 % (their own spread is larger)."""
    measured = targets.MEASURED_RATIOS[key]
    assert 0.8 * min(measured) <= np.median(heads.ratios[key]) <= 1.2 * max(measured)


@pytest.mark.parametrize("key", list(targets.Z_SCORES), ids=lambda key: f"{key[0]}-{key[1]}")
def test_z_scores_are_what_a_network_sees_on_real_scans(key: tuple[str, int], heads: Measured) -> None:
    """The middle of the measured range is inside the simulated 5 to 95 %; the median within .35 of the range."""
    low, high = targets.Z_SCORES[key]
    least, median, largest = np.percentile(heads.z_scores[key], (5, 50, 95))
    assert least <= (low + high) / 2 <= largest
    assert low - 0.35 <= median <= high + 0.35


@pytest.mark.parametrize("contrast", range(4))
def test_brightest_voxels_are_as_bright_as_real_ones(contrast: int, heads: Measured) -> None:
    """99.5 % quantile to white matter: the measured middle inside 5 to 95 %, the median within 10 % of the range."""
    low, high = targets.BRIGHTEST[contrast]
    least, median, largest = np.percentile(heads.brightest[:, contrast], (5, 50, 95))
    assert least <= (low + high) / 2 <= largest
    assert 0.9 * low <= median <= 1.1 * high


@pytest.mark.parametrize("contrast", range(4))
def test_noise_is_1_to_5_percent_of_white_matter(contrast: int, heads: Measured) -> None:
    """In the median, and in nine of ten cases up to rounding."""
    low, high = targets.NOISE
    noise = heads.noise[:, contrast]
    assert low <= np.median(noise) <= high
    assert ((noise >= low - 0.005) & (noise <= high + 0.005)).mean() >= 0.9


@pytest.mark.parametrize("contrast", range(4))
def test_bias_spreads_white_matter_as_measured(contrast: int, heads: Measured) -> None:
    """Medians of the 2 and 98 % quantile within .06 of .92 and 1.10; most cases within the worst measured."""
    low, high = heads.bias[:, contrast].T
    assert np.median(low) == pytest.approx(targets.BIAS[0], abs=0.06)
    assert np.median(high) == pytest.approx(targets.BIAS[1], abs=0.06)
    least, largest = targets.WORST_BIAS
    assert ((low >= least) & (high <= largest)).mean() >= 0.85


def test_little_is_bright_in_flair_outside_the_tumour(heads: Measured) -> None:
    """Real cases: median 4, at most 11 ml; in simulated ones the median is no larger and 3 of 4 stay below 15 ml."""
    median, upper = np.percentile(heads.bright_ml, (50, 75))
    assert median <= 5.0
    assert upper <= 15.0


def test_oedema_varies_as_measured(balls: dict[str, np.ndarray]) -> None:
    """The median coefficient of variation of FLAIR inside oedema is one of real oedema's, .09 to .14."""
    low, high = targets.VARIATION
    assert low <= np.median(balls["variation"]) <= high


def test_texture_has_the_measured_autocorrelation(balls: dict[str, np.ndarray]) -> None:
    """At 1, 2, 3, 4, 6 and 8 mm the measured value lies inside the 5 to 95 % range and within .09 of the median."""
    low, median, high = np.percentile(balls["autocorrelation"], (5, 50, 95), axis=0)
    assert (low <= targets.AUTOCORRELATION).all()
    assert (high >= targets.AUTOCORRELATION).all()
    np.testing.assert_allclose(median, targets.AUTOCORRELATION, atol=0.09)


def test_flair_rises_across_the_border_as_measured(balls: dict[str, np.ndarray]) -> None:
    """White matter 3 mm outside, 1.49 to 1.67 times that 3 mm inside, in the median."""
    outside, (low, high) = targets.EDGE
    median = np.median(balls["edge"], axis=0)
    assert DEPTHS_MM[0] == -targets.EDGE_MM
    assert median[0] == pytest.approx(outside, abs=0.03)
    assert low <= median[-1] <= high


def test_half_height_lies_near_the_label_s_border(balls: dict[str, np.ndarray]) -> None:
    """Within 1 mm of it in 9 of 10 balls (labels are drawn a little outside half height on purpose)."""
    found = np.abs([targets.half_height_mm(DEPTHS_MM, profile) for profile in balls["edge"]])
    assert (found <= targets.HALF_HEIGHT_MM).mean() >= 0.9


def test_half_height_of_a_step() -> None:
    """A profile 0, 0, 1, 1 at 0, 1, 2, 3 mm crosses the middle at 1.5 mm; a falling one never."""
    distances = np.array([0.0, 1.0, 2.0, 3.0])
    assert targets.half_height_mm(distances, np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(1.5)
    assert np.isnan(targets.half_height_mm(distances, np.array([1.0, 1.0, 0.0, 0.0])))


def test_autocorrelation_of_stripes() -> None:
    """Stripes two voxels wide along x: -1 two voxels away along x, +1 along y, hence 0 in the mean."""
    stripes = np.tile(np.array([1.0, 1.0, -1.0, -1.0], np.float32), 4)[:, None, None] * np.ones((16, 16, 2), np.float32)
    everywhere = np.ones(stripes.shape, dtype=np.bool_)
    assert targets.autocorrelation(stripes, everywhere, 2) == pytest.approx(0.0, abs=1e-6)
    assert targets.autocorrelation(stripes, everywhere, 4) == pytest.approx(1.0, abs=1e-6)


def test_noise_level_of_white_noise() -> None:
    """Noise of .05 on a constant 2 is .025 of it; a Gaussian of 3 voxels takes next to nothing of it away."""
    rng = np.random.default_rng(0)
    image = (2.0 + 0.05 * rng.standard_normal((24, 24, 24))).astype(np.float32)
    assert targets.noise_level(image, np.ones(image.shape, dtype=np.bool_), 3.0) == pytest.approx(0.025, rel=0.03)


def test_bias_range_of_a_slope() -> None:
    """A slope from .9 to 1.1 has its 2 and 98 % quantiles at about .90 and 1.10."""
    image = np.linspace(0.9, 1.1, 50, dtype=np.float32)[:, None, None] * np.ones((50, 8, 8), np.float32)
    low, high = targets.bias_range(image, np.ones(image.shape, dtype=np.bool_), 1.0)
    assert (low, high) == pytest.approx((0.904, 1.096), abs=0.004)


def test_region_masks_leave_the_tumour_to_its_labels() -> None:
    """White matter under a label is no white matter; outside the brain there is none."""
    tissues = np.full((3, 1, 1), Tissue.WHITE_MATTER, dtype=np.uint8)
    labels = np.array([0, Label.ED, 0], dtype=np.uint8).reshape(3, 1, 1)
    brain = np.array([True, True, False]).reshape(3, 1, 1)
    masks = targets.region_masks(tissues, labels, brain)
    assert masks["WM"].ravel().tolist() == [True, False, False]
    assert masks["ED"].ravel().tolist() == [False, True, False]
    assert set(masks) == {"WM", "GM", "CSF", "NCR", "ED", "ET"}
