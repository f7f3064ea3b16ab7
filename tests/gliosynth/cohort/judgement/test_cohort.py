"""A cohort like the reference leaves; one that is broken stays, with the reason."""

import dataclasses

import numpy as np
import pytest

from gliosynth.cohort.judgement import Donors, ReleaseThresholds, judge_cohort, load_donors, load_reference
from gliosynth.cohort.measurement import CaseMeasurement
from gliosynth.cohort.measurement.geometry import pack
from gliosynth.errors import InvalidParameterError
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.metrics.fidelity import feature_names


def _exchanged(case: CaseMeasurement, first: Contrast, second: Contrast) -> CaseMeasurement:
    """The measurement with two contrasts exchanged, in its ratios and its features."""
    other = {first: second, second: first}
    ratios = {one.contrast: one for one in case.ratios}
    names = list(feature_names())

    def source(name: str) -> int:
        words = [str(other.get(word, word)) for word in name.split("_")]
        renamed = "_".join(words)
        return names.index(renamed if renamed in names else "_".join([words[1], words[0], *words[2:]]))

    order = [source(name) for name in names]
    return dataclasses.replace(
        case,
        ratios=tuple(dataclasses.replace(ratios[other.get(one, one)], contrast=one) for one in CONTRASTS),
        features=tuple(tuple(np.array(row)[order]) for row in case.features),
    )


def _scaled(case: CaseMeasurement, factor: float) -> CaseMeasurement:
    names = ("wt_ml", "tc_ml", "et_ml", "ed_ml", "ncr_ml")
    volumes = dataclasses.replace(case.volumes, **{name: getattr(case.volumes, name) * factor for name in names})
    return dataclasses.replace(case, volumes=volumes)


def test_a_cohort_drawn_from_the_reference_leaves(cohort, thresholds) -> None:
    """Varied real measurements pass every threshold."""
    found = judge_cohort(cohort, thresholds=thresholds)
    assert found.reasons == ()
    assert found.released
    assert found.fidelity.distances[0].ratio < 2
    assert all(ratio.inside for ratio in found.fidelity.ratios)


def test_the_same_cohort_gets_the_same_verdict(cohort, thresholds) -> None:
    """All draws inside the judgement have a fixed seed."""
    assert judge_cohort(cohort, thresholds=thresholds) == judge_cohort(cohort, thresholds=thresholds)


@pytest.mark.parametrize("pair", [(Contrast.T1N, Contrast.T2W), (Contrast.T2W, Contrast.T2F)])
def test_exchanged_contrasts_are_refused_for_their_contrast(cohort, thresholds, pair) -> None:
    """T1 and T2 exchanged, or T2 and FLAIR: the ratios lie outside their bands, and the reason names them."""
    found = judge_cohort([_exchanged(case, *pair) for case in cohort], thresholds=thresholds)
    assert not found.released
    assert any("Contrasts are not those of real tumours" in reason and pair[0] in reason for reason in found.reasons)


def test_enhancement_that_is_missing_is_refused(cohort, thresholds) -> None:
    """T1c that is T1 once more: ET does not enhance, and the reason says so."""
    plain = [
        dataclasses.replace(
            case,
            ratios=tuple(
                dataclasses.replace(case.ratios[0], contrast=one.contrast) if one.contrast == Contrast.T1C else one
                for one in case.ratios
            ),
        )
        for case in cohort
    ]
    found = judge_cohort(plain, thresholds=thresholds)
    assert not found.released
    assert any("t1c enhancing" in reason for reason in found.reasons)


def test_images_of_another_texture_are_refused(cohort, thresholds) -> None:
    """Every autocorrelation and band shifted by a tenth: the ratios hold, the features do not."""
    names = feature_names()
    texture = np.array(["autocorrelation" in name or "band" in name for name in names])
    shifted = [
        dataclasses.replace(case, features=tuple(tuple(row + 0.3 * texture) for row in np.array(case.features)))
        for case in cohort
    ]
    found = judge_cohort(shifted, thresholds=thresholds)
    assert [reason.split(":")[0] for reason in found.reasons] == ["Images are far from real ones"]


@pytest.mark.parametrize("factor", [0.1, 4.0])
def test_wrong_volumes_are_refused(cohort, thresholds, factor) -> None:
    """Tumours of a tenth or four times the volume: the interval lies wholly beyond the margin."""
    found = judge_cohort([_scaled(case, factor) for case in cohort], thresholds=thresholds)
    assert [reason.split(":")[0] for reason in found.reasons] == ["Whole-tumour volumes differ"]
    assert "release.volume_median_ml" in found.reasons[0]


def test_intended_volumes_pass_when_they_are_named(cohort) -> None:
    """A cohort of small tumours leaves when its spec expects small tumours."""
    small = [_scaled(case, 0.1) for case in cohort]
    assert judge_cohort(small, thresholds=ReleaseThresholds(volume_median_ml=9.0)).released


def test_a_donor_that_was_hardly_bent_is_refused(cohort, thresholds) -> None:
    """One case whose tissue map is head 3 itself: the reason names the case and the donor."""
    donors = load_donors()
    cases = [*cohort[:5], dataclasses.replace(cohort[5], geometry=pack(donors.maps[2])), *cohort[6:]]
    found = judge_cohort(cases, thresholds=thresholds)
    assert found.reasons == (
        "Case 6 repeats the anatomy head_03: Dice 1.000 after an affine alignment, allowed are 0.8"
        " (release.donor_dice).",
    )


def test_a_mirrored_donor_is_refused(cohort, thresholds) -> None:
    """Left and right exchanged do not hide a donor."""
    mirrored = pack(np.ascontiguousarray(load_donors().maps[2, ::-1]))
    found = judge_cohort([dataclasses.replace(cohort[0], geometry=mirrored), *cohort[1:]], thresholds=thresholds)
    assert not found.released
    assert "head_03" in found.reasons[0]


def test_one_anatomy_used_twice_is_refused(cohort, thresholds) -> None:
    """Two tumours in one and the same bent head: both cases are named."""
    cases = [*cohort[:-1], dataclasses.replace(cohort[-1], geometry=cohort[3].geometry)]
    found = judge_cohort(cases, thresholds=thresholds)
    assert [reason.split(":")[0] for reason in found.reasons] == ["Cases 4 and 14 share one anatomy"]


def test_a_case_that_is_there_twice_is_refused(cohort, thresholds) -> None:
    """The same case under two numbers shares its anatomy and its images."""
    found = judge_cohort([*cohort, cohort[0]], thresholds=thresholds)
    assert [reason.split(":")[0] for reason in found.reasons] == [
        "Cases 1 and 15 share one anatomy",
        "Cases 1 and 15 are copies",
    ]


def test_a_real_case_in_the_cohort_is_refused(cohort, thresholds) -> None:
    """The images of a reference case among synthetic ones: the reason names it."""
    real = load_reference()[4]
    cases = [*cohort[:-1], dataclasses.replace(cohort[-1], fingerprint=real.measurement.fingerprint)]
    found = judge_cohort(cases, thresholds=thresholds)
    assert [reason.split(":")[0] for reason in found.reasons] == [f"Case 14 repeats the real case {real.id}"]


def test_few_cases_are_not_judged_by_their_medians(cohort, thresholds) -> None:
    """Seven broken cases, below the least number: reported, remarked on, not refused for fidelity."""
    found = judge_cohort([_scaled(case, 0.01) for case in cohort[:7]], thresholds=thresholds)
    assert found.released
    assert "Fidelity was not judged" in found.remarks[0]
    assert all(ratio.inside is None for ratio in found.fidelity.ratios)


def test_features_of_another_resolution_are_not_compared(cohort, thresholds) -> None:
    """Voxels of 2 mm have other textures than the real cases' of 1 mm: remarked on, and no reason for refusal."""
    coarse = [dataclasses.replace(case, spacing_mm=(2.0, 2.0, 2.0)) for case in cohort]
    found = judge_cohort(coarse, thresholds=thresholds)
    assert found.released
    assert found.fidelity.distances == ()
    assert found.memorisation.closest_real is None
    assert "ed_grain" not in {one.quantity.id for one in found.fidelity.quantities}
    assert "Textures and distances of image features were not judged" in found.remarks[0]


def test_one_case_is_judged_for_what_it_repeats(cohort, thresholds) -> None:
    """A single copy of a donor is refused even where nothing else can be judged."""
    copy = dataclasses.replace(cohort[0], geometry=pack(load_donors().maps[0]))
    found = judge_cohort([copy], thresholds=thresholds)
    assert not found.released
    assert found.fidelity.distances == ()
    assert found.memorisation.twins is None


def test_own_donors_take_the_place_of_the_built_in_ones(cohort, thresholds) -> None:
    """A cohort of own label maps is compared with these, by their names."""
    donors = load_donors()
    own = Donors(("clinic-7",), donors.maps[[2]])
    cases = [dataclasses.replace(cohort[0], geometry=pack(donors.maps[2])), *cohort[1:]]
    found = judge_cohort(cases, thresholds=thresholds, donors=own)
    assert found.memorisation.donors is not None
    assert found.memorisation.donors.highest.other == "clinic-7"
    assert found.memorisation.donor_ratio is None


def test_the_share_of_donors_that_are_found(cohort, thresholds) -> None:
    """Told the right donor of every case but one, the share is 13 of 14."""
    names = load_donors().names
    told = [*names[:13], names[0]]
    assert judge_cohort(cohort, thresholds=thresholds, made_from=told).memorisation.donor_found == pytest.approx(
        13 / 14
    )


def test_a_receiver_is_told_that_cases_can_be_linked(cohort, thresholds) -> None:
    """Donors that are found in most cases are remarked on; where they are not told, nothing is claimed."""
    told = list(load_donors().names[:14])
    found = judge_cohort(cohort, thresholds=thresholds, made_from=told)
    assert found.released
    assert any("100 % of the cases" in remark for remark in found.remarks)
    assert judge_cohort(cohort, thresholds=thresholds).remarks == ()


def test_bent_donors_leave_a_trace(cohort, thresholds) -> None:
    """Cases are nearer to the fourteen donors they were made from than to the six others; with no others, no share."""
    names = load_donors().names
    assert judge_cohort(cohort, thresholds=thresholds, made_from=names[:14]).memorisation.overfit == 1.0
    every = Donors(names[:14], load_donors().maps[:14])
    found = judge_cohort(cohort, thresholds=thresholds, made_from=names[:14], donors=every)
    assert found.memorisation.overfit is None


def test_cases_without_a_tissue_map_have_no_donor(cohort, thresholds) -> None:
    """Memorisation of anatomies is left out where there is none, not passed silently."""
    found = judge_cohort([dataclasses.replace(case, geometry=None) for case in cohort], thresholds=thresholds)
    assert found.memorisation.donors is None
    assert found.memorisation.twins is None
    assert any("no case has a tissue map" in remark for remark in found.remarks)


def test_an_empty_cohort_is_refused(thresholds) -> None:
    """Nothing cannot be judged."""
    with pytest.raises(InvalidParameterError):
        judge_cohort([], thresholds=thresholds)


def test_another_encoder_is_refused(cohort, thresholds) -> None:
    """Features of two encoders cannot be compared; both are named."""
    with pytest.raises(InvalidParameterError) as caught:
        judge_cohort([dataclasses.replace(cohort[0], encoder="other-2")], thresholds=thresholds)
    assert caught.value.reason == "ENCODERS_DIFFER"
