"""What a spec asks of the simulator."""

from typing import TYPE_CHECKING

import pytest

from gliosynth.cohort.recipe import settings_of
from gliosynth.contrast.settings import COHORT, SCANNERS
from gliosynth.tumour.settings import Hemisphere

if TYPE_CHECKING:
    from conftest import SmallSpec


def test_what_a_spec_leaves_out_is_the_simulators_own(small_spec: "SmallSpec") -> None:
    """A spec of a name and a number gives the preset for cohorts but for grid, free share and volumes."""
    settings = settings_of(small_spec())
    assert settings.physics == COHORT.physics
    assert settings.acquisition == COHORT.acquisition
    assert settings.negatives == COHORT.negatives
    assert settings.deformation == COHORT.deformation
    assert settings.tumour.growth_shares == COHORT.tumour.growth_shares
    assert settings.tumour.cystic_share == COHORT.tumour.cystic_share


def test_every_field_of_a_spec_reaches_the_simulator(small_spec: "SmallSpec") -> None:
    """Each field of the tumour and the scanner changes the setting of its name; weights become shares."""
    settings = settings_of(
        small_spec(
            tumour={
                "free_share": 0.25,
                "growth": {"solid": 1, "oedema": 3},
                "shapes": {"grown": 2, "composite": 2},
                "volume_ml": {"median": 40.0, "log_sd": 0.3, "smallest": 8.0, "largest": 90.0},
                "small_share": 0.5,
                "hemisphere": "left",
                "butterfly_share": 0.11,
                "satellite_share": 0.12,
                "cystic_share": 0.13,
                "haemorrhage_share": 0.14,
                "faint_oedema_share": 0.15,
            },
            scanner={
                "field_strengths_tesla": [3.0, 3.0, 1.5],
                "t1_families": {"MPRAGE": 3, "SE": 1},
                "repeated_t1_share": 0.9,
                "relaxivity": [4.0, 4.5],
                "thick_slice_share": 0.2,
                "slice_mm": [4.0, 5.0],
                "noise": [0.0, 0.01],
                "bias": [0.0, 0.05],
                "strong_agent_share": 0.7,
            },
        )
    )
    tumour, physics, acquisition = settings.tumour, settings.physics, settings.acquisition
    assert tumour.growth_shares == (0.0, 0.25, 0.0, 0.0, 0.75)
    assert tumour.family_shares == (0.5, 0.0, 0.5)
    assert (tumour.volume_median_ml, tumour.volume_log_sd, tumour.volume_range_ml) == (40.0, 0.3, (8.0, 90.0))
    assert (tumour.free_share, tumour.small_share, tumour.hemisphere) == (0.25, 0.5, Hemisphere.LEFT)
    assert (tumour.butterfly_share, tumour.satellite_share, tumour.cystic_share) == (0.11, 0.12, 0.13)
    assert (tumour.haemorrhage_share, tumour.faint_oedema_share) == (0.14, 0.15)
    assert physics.field_strengths_tesla == (3.0, 3.0, 1.5)
    assert physics.t1_family_shares == (0.25, 0.0, 0.75, 0.0)
    assert (physics.repeated_t1_share, physics.relaxivity, physics.strong_agent_share) == (0.9, (4.0, 4.5), 0.7)
    assert (acquisition.thick_share, acquisition.slice_mm) == (0.2, (4.0, 5.0))
    assert (acquisition.noise, acquisition.bias) == ((0.0, 0.01), (0.0, 0.05))
    assert settings.grid.shape == (40, 48, 40)


@pytest.mark.parametrize("name", SCANNERS)
def test_every_scanner_preset_of_the_simulator_can_be_named(small_spec: "SmallSpec", name: str) -> None:
    """A preset gives its physics and acquisition, and single fields change it."""
    assert settings_of(small_spec(scanner={"preset": name})).physics == SCANNERS[name].physics
    changed = settings_of(small_spec(scanner={"preset": name, "thick_slice_share": 0.5}))
    assert changed.acquisition.thick_share == 0.5
    assert changed.acquisition.slice_mm == SCANNERS[name].acquisition.slice_mm
