"""Quantities beside the real cases', by hand."""

import dataclasses

import pytest

from gliosynth.cohort.judgement import load_reference
from gliosynth.cohort.judgement.quantities import QUANTITIES, judge_quantities


def test_the_reference_differs_from_itself_by_nothing() -> None:
    """All distances are 0, all differences too; seven cases still do not show equivalence."""
    real = [case.measurement for case in load_reference()]
    for one in judge_quantities(real, real):
        assert one.distance == 0.0
        assert one.carried == pytest.approx(0.0)
        assert one.equivalence is None or one.equivalence.difference == pytest.approx(0.0)
        assert one.equivalence is None or one.equivalence.verdict == "not shown"


def test_ten_times_the_volume_is_one_decade_away() -> None:
    """Volumes are compared by their decadic logarithm; 38 to 190 ml and 380 to 1900 ml do not overlap."""
    real = [case.measurement for case in load_reference()]
    grown = [
        dataclasses.replace(case, volumes=dataclasses.replace(case.volumes, wt_ml=10 * case.volumes.wt_ml))
        for case in real
    ]
    whole = next(one for one in judge_quantities(grown, real) if one.quantity.id == "wt_ml")
    assert whole.carried == pytest.approx(1.0)
    assert whole.distance == 1.0


def test_every_real_case_has_every_quantity() -> None:
    """No quantity is compared with fewer than the seven cases."""
    real = [case.measurement for case in load_reference()]
    assert {len(one.real) for one in judge_quantities(real, real)} == {7}


def test_a_case_without_a_tumour_has_none_of_its_quantities() -> None:
    """Only the brain's are left."""
    real = load_reference()[0].measurement
    none = dataclasses.replace(real.volumes, wt_ml=0.0, tc_ml=0.0, et_ml=0.0, ed_ml=0.0, ncr_ml=0.0)
    texture = tuple(dataclasses.replace(one, variation=None, autocorrelation=(None,) * 4) for one in real.texture)
    empty = dataclasses.replace(real, volumes=none, shape=None, texture=texture)
    left = [one.id for one in QUANTITIES if one.read(empty) is not None]
    assert left == ["white", "ventricles", "mirror"]
