"""Tests of training.data.variants: each leaves out what its name says."""

from dataclasses import fields

import pytest

from gliosynth.contrast.settings import COHORT, TRAINING, SimulatorSettings
from gliosynth.errors import InvalidParameterError
from training.data.variants import VARIANTS, variant


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("training", "quiet-scans")])
def test_a_variant_changes_one_part_of_the_simulator(name: str) -> None:
    """Beside the name one group of settings differs; quiet scans are another data set, not an ablation."""
    settings = variant(name)
    different = [f.name for f in fields(SimulatorSettings) if getattr(settings, f.name) != getattr(TRAINING, f.name)]
    assert len(different) == 2
    assert different[0] == "name"


def test_no_hard_negatives_leaves_none() -> None:
    """Every share of a bright thing that is no tumour is 0."""
    negatives = variant("no-hard-negatives").negatives
    assert {getattr(negatives, f.name) for f in fields(negatives)} == {0.0}


def test_quiet_scans_are_those_of_cohorts_with_less_noise_and_no_thick_slices() -> None:
    """Everything else is as data sets are made."""
    quiet = variant("quiet-scans")
    different = [f.name for f in fields(SimulatorSettings) if getattr(quiet, f.name) != getattr(COHORT, f.name)]
    assert different == ["name", "acquisition"]
    assert quiet.acquisition.thick_share == 0.0
    assert quiet.acquisition.noise[1] < COHORT.acquisition.noise[1]


def test_an_unknown_variant_is_refused() -> None:
    """The message names those there are; the control is the simulator as it is."""
    with pytest.raises(InvalidParameterError, match="no-mass-effect"):
        variant("no-brain")
    assert variant("training") is TRAINING
