"""What the judgement hands to the report."""

import dataclasses

import pytest

from gliosynth.cohort.judgement import (
    CohortFacts,
    ReleaseThresholds,
    case_caption,
    cohort_page,
    judge_cohort,
    shown_cases,
)
from gliosynth.cohort.judgement.page import real_tiles
from gliosynth.cohort.judgement.quantities import QUANTITIES
from gliosynth.report.cohort import CohortPage, cohort_report

FACTS = CohortFacts("Trial", "Fourteen cases.", {"too dark": 1, "too small": 3}, (("Generator", "simulator"),))


@pytest.fixture(scope="module")
def page(cohort, thresholds) -> CohortPage:
    """Of the cohort drawn from the reference."""
    judgement = judge_cohort(cohort, thresholds=thresholds)
    return cohort_page(judgement, cohort, thresholds=thresholds, facts=FACTS, tiles=())


def test_the_gallery_is_chosen_at_random_but_always_alike() -> None:
    """Sixteen different cases in order, the same for the same seed, others for another; all of a small cohort."""
    chosen = shown_cases(200, seed=3)
    assert len(set(chosen)) == 16
    assert list(chosen) == sorted(chosen)
    assert chosen == shown_cases(200, seed=3)
    assert chosen != shown_cases(200, seed=4)
    assert shown_cases(5, seed=3) == (0, 1, 2, 3, 4)


def test_rejects_are_listed_by_how_often_they_occur(page) -> None:
    """The most frequent reason comes first, and the total stands at the top."""
    assert page.rejects == (("too small", 3), ("too dark", 1))
    assert next(fact.value for fact in page.facts if fact.label == "Draws rejected") == "4"


def test_every_required_threshold_is_shown_as_passed(page) -> None:
    """What decides on the release is marked, the rest is reported; n is told for every line."""
    gated = [row for row in (*page.fidelity, *page.memorisation) if row.threshold]
    assert {row.id for row in gated} == {
        "kid/gliosynth-radiomics-1",
        "tost/median-log-wt",
        "dice/affine-frame",
        "pearson/1cm",
    }
    assert all(row.passed for row in gated)
    assert all(row.count for row in (*page.fidelity, *page.memorisation))
    assert all(row.passed is None for row in page.fidelity if not row.threshold)


def test_a_missed_threshold_is_marked(cohort) -> None:
    """The row of a limit that is not kept is marked as failed."""
    strict = ReleaseThresholds(fidelity_ratio=0.001)
    found = cohort_page(judge_cohort(cohort, thresholds=strict), cohort, thresholds=strict, facts=FACTS, tiles=())
    assert next(row for row in found.fidelity if row.id.startswith("kid")).passed is False
    assert not found.released


def test_further_reasons_keep_a_cohort_back_unless_nothing_is_enforced(cohort, thresholds) -> None:
    """What the judgement cannot know, such as two generators, counts as much as what it can."""
    judgement = judge_cohort(cohort, thresholds=thresholds)
    mixed = dataclasses.replace(FACTS, further_reasons=("Two generators made it.",))
    kept, sent = (
        cohort_page(judgement, cohort, thresholds=thresholds, facts=facts, tiles=())
        for facts in (mixed, dataclasses.replace(mixed, enforced=False))
    )
    assert (kept.released, sent.released) == (False, True)
    assert kept.reasons == sent.reasons == ("Two generators made it.",)


def test_feature_metrics_name_their_encoder(page) -> None:
    """No distance of features goes without the name of what made them."""
    named = ("kid", "frechet", "mmd-rbf", "precision", "recall", "density", "coverage", "dcr")
    rows = [row for row in (*page.fidelity, *page.memorisation) if row.id.split("/")[0] in named]
    assert {row.id.split("/")[0] for row in rows} == set(named)
    assert all(row.id.endswith("/gliosynth-radiomics-1") for row in rows)


def test_quantities_stand_beside_real_ones(page) -> None:
    """One row and one plot for each quantity, seven real values in those that every tumour has."""
    assert len(page.quantities) == len(page.distributions) == len(QUANTITIES)
    whole = page.distributions[0]
    assert (len(whole.synthetic), len(whole.real), whole.unit) == (14, 7, "ml")


def test_real_cases_are_shown_and_attributed(page) -> None:
    """Seven pictures, and the licences of both sources."""
    assert len(page.real) == 7
    assert all(tile.picture.startswith(b"\xff\xd8") for tile in real_tiles())
    text = " ".join(page.attributions)
    for tile in page.real:
        assert tile.title in text
    assert "CC BY 3.0" in text
    assert "CC BY 4.0" in text


def test_one_case_without_a_tumour_fills_a_page(cohort, thresholds) -> None:
    """The smallest cohort: nothing to compare but the brain, and a page all the same."""
    none = dataclasses.replace(cohort[0].volumes, wt_ml=0.0, tc_ml=0.0, et_ml=0.0, ed_ml=0.0, ncr_ml=0.0)
    texture = tuple(dataclasses.replace(one, variation=None, autocorrelation=(None,) * 4) for one in cohort[0].texture)
    ratios = tuple(dataclasses.replace(one, oedema=None, necrosis=None, enhancing=None) for one in cohort[0].ratios)
    empty = dataclasses.replace(cohort[0], volumes=none, texture=texture, ratios=ratios, shape=None)
    page = cohort_page(
        judge_cohort([empty], thresholds=thresholds), [empty], thresholds=thresholds, facts=FACTS, tiles=()
    )
    assert [len(one.synthetic) for one in page.distributions] == [0] * 12 + [1] * 3
    assert {row.part for row in page.ratios} == {"Grey matter", "Fluid"}
    assert "Fidelity was not judged" in cohort_report(page)


def test_a_case_without_a_tumour_says_so(cohort) -> None:
    """No volumes of nothing."""
    empty = dataclasses.replace(cohort[0], volumes=dataclasses.replace(cohort[0].volumes, wt_ml=0.0))
    assert case_caption(empty) == "No tumour"
