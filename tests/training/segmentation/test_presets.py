"""Tests of training.segmentation.presets: each is whole, and each ablation changes one thing."""

from dataclasses import fields, replace

import pytest
import torch

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from gliosynth.segmentation.channels import parse_channels
from training.segmentation.presets import PRESETS, SEGMENTERS, Preset, network_input, preset_of, segmenter

ONE_CHANGE = sorted(name for name in SEGMENTERS if name.startswith("joint-") and name != "joint-tiny")


@pytest.mark.parametrize("preset", SEGMENTERS.values(), ids=list(SEGMENTERS))
def test_a_preset_s_parts_belong_together(preset: Preset) -> None:
    """As many channels as the network takes, all of which a service can make; a loss and a logit for each region."""
    assert len(parse_channels(preset.channels)) == preset.spec.channels == 4 * (2 * preset.neighbours + 1)
    assert len(preset.regions) == len(preset.weights) == preset.spec.outputs
    assert all(edge % preset.spec.multiple == 0 for edge in preset.crop)


@pytest.mark.parametrize("name", ONE_CHANGE)
def test_an_ablation_differs_from_its_control_in_one_thing(name: str) -> None:
    """Beside the name one field differs; for neighbours also the number of channels they need."""
    control, changed = SEGMENTERS["joint"], SEGMENTERS[name]
    same_channels = replace(changed, spec=replace(changed.spec, channels=4)) if changed.neighbours else changed
    different = [f.name for f in fields(Preset) if getattr(control, f.name) != getattr(same_channels, f.name)]
    assert len(different) == 2
    assert different[0] == "name"


def test_neighbours_are_named_by_their_distance() -> None:
    """One slice 2 mm below and one above, each with the same four channels."""
    channels = SEGMENTERS["et-2.5d"].channels
    assert channels[:5] == ("t1c-t1n@-2", "t1c@-2", "t2w@-2", "t2f@-2", "t1c-t1n")
    assert channels[-1] == "t2f@2"


def test_the_difference_is_taken_in_every_slice() -> None:
    """Channel c of slice s is 10 s + c: its T1c - T1 is 1 in both slices, the other channels stay."""
    contrasts = torch.tensor([0.0, 1, 2, 3, 10, 11, 12, 13]).reshape(1, 8, 1, 1)
    assert network_input(contrasts, subtract=True).flatten().tolist() == [1, 1, 2, 3, 1, 11, 12, 13]
    assert network_input(contrasts, subtract=False) is contrasts


def test_weights_older_than_names_are_known_by_their_region() -> None:
    """The network is the one of the file, whatever the preset of the name has become."""
    preset = preset_of({"region": "TC", "spec": {"channels": 4, "widths": [8, 12]}})
    assert preset.regions == (Region.TC,)
    assert preset.spec.widths == (8, 12)
    assert preset_of({"preset": "joint", "region": "WT", "spec": SEGMENTERS["joint"].spec.as_json()}).spec.outputs == 3


def test_an_unknown_preset_names_the_known_ones() -> None:
    """The message is the help."""
    with pytest.raises(InvalidParameterError, match="joint-deep-supervision"):
        segmenter("wt2")
    assert [PRESETS[region].name for region in Region] == ["wt", "tc", "et"]
