"""Tests of gliosynth.client.tumour_edits: the contract follows the library, field by field."""

import dataclasses

import pytest

from gliosynth.client.tumour_edits import edit_from, edit_message, edits_of
from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from gliosynth.tumour_map.edits import Deform, Grow, Mirror, RandomEdit, Relocate, Rotate
from gliosynth.tumour_map.places import Lobe, MirrorPlane, Side
from gliosynth.tumour_map.recipe import EDIT_CLASSES, parse_edit
from gliosynth.v1 import tumour_map_pb2 as pb

WORDS = (
    "translate 1 -2 3.5",
    "rotate -20 1 0 0",
    "scale 0.5",
    "mirror axial",
    "deform 2 9 8",
    "grow ET 2",
    "shrink WT 1",
    "resize TC 3",
    "thicken_rim 1.5",
    "add_satellite 0.5 7 0.1 3",
    "transplant head_04 true",
    "relocate insula left",
    "random 9223372036854775807 10 20 30 0.5 0.6 false 0.25",
)


@pytest.mark.parametrize("words", WORDS)
def test_edits_cross_the_wire_unchanged(words: str) -> None:
    """Every field of every edit, at values that are no defaults."""
    edit = parse_edit(words)
    sent = pb.TumourEdit.FromString(edit_message(edit).SerializeToString())
    assert edit_from(sent, field="edits[0]") == edit


def test_every_edit_and_every_field_is_in_the_contract() -> None:
    """The oneof's names are the edits' names, and the messages' fields those of the dataclasses, in their order."""
    oneof = pb.TumourEdit.DESCRIPTOR.oneofs_by_name["edit"]
    assert [field.name for field in oneof.fields] == list(EDIT_CLASSES)
    for field in oneof.fields:
        wanted = [item.name for item in dataclasses.fields(EDIT_CLASSES[field.name]) if item.name != "edit"]
        assert [item.name for item in field.message_type.fields] == wanted
    assert {words.split()[0] for words in WORDS} == set(EDIT_CLASSES)


def test_absent_fields_have_the_librarys_defaults() -> None:
    """An axis, a scale, ranges and a plane that nobody set."""
    assert edit_from(pb.TumourEdit(rotate=pb.Rotate(degrees=5)), field="e") == Rotate(5)
    assert edit_from(pb.TumourEdit(deform=pb.Deform(amount_mm=2)), field="e") == Deform(2)
    assert edit_from(pb.TumourEdit(random=pb.RandomEdit(seed=3)), field="e") == RandomEdit(3)
    assert edit_from(pb.TumourEdit(mirror=pb.Mirror()), field="e") == Mirror(MirrorPlane.MIDLINE)
    assert edit_message(Relocate(Lobe.DEEP, Side.RIGHT)).relocate.side == pb.SIDE_RIGHT
    assert edit_message(Mirror()).mirror.plane == pb.MIRROR_PLANE_MIDLINE


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.TumourEdit(), "edits[1]"),
        (pb.TumourEdit(grow=pb.Grow(mm=1)), "edits[1].region"),
        (pb.TumourEdit(grow=pb.Grow(region=7, mm=1)), "edits[1].region"),
        (pb.TumourEdit(relocate=pb.Relocate(side=pb.SIDE_LEFT)), "edits[1].lobe"),
        (pb.TumourEdit(relocate=pb.Relocate(lobe=pb.LOBE_DEEP)), "edits[1].side"),
        (pb.TumourEdit(scale=pb.Scale()), "edits[1].factor"),
        (pb.TumourEdit(translate=pb.Translate(right_mm=float("nan"))), "edits[1].right_mm"),
        (pb.TumourEdit(random=pb.RandomEdit(seed=2**64 - 1)), "edits[1].seed"),
    ],
)
def test_wrong_messages_are_refused_with_their_place(message: pb.TumourEdit, field: str) -> None:
    """The index in the list and the field."""
    with pytest.raises(InvalidParameterError) as caught:
        edits_of([edit_message(Grow(Region.ET, 1)), message])
    assert caught.value.field == field
