"""Tests of recipes: read, written, read back; and what is wrong with them, said where."""

import dataclasses
import json

import jsonschema
import pytest
import yaml

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from gliosynth.tumour_map.edits import (
    AddSatellite,
    Deform,
    Edit,
    Grow,
    Mirror,
    RandomEdit,
    Relocate,
    Resize,
    Rotate,
    Scale,
    Shrink,
    ThickenRim,
    Translate,
    Transplant,
)
from gliosynth.tumour_map.places import Lobe, MirrorPlane, Side
from gliosynth.tumour_map.recipe import (
    EDIT_CLASSES,
    LONGEST_RECIPE,
    edit_words,
    parse_edit,
    parse_recipe,
    recipe_json,
    recipe_schema,
)

EVERY_EDIT: list[Edit] = [
    Translate(1.5, -2, 0),
    Rotate(-30, 1, 0, 0),
    Scale(0.8),
    Mirror(MirrorPlane.CORONAL),
    Deform(3, 7, 12),
    Grow(Region.ET, 2),
    Shrink(Region.WT, 1),
    Resize(Region.TC, 4.5),
    ThickenRim(1),
    AddSatellite(0.5, 6, 0.25, 9),
    Transplant("head_07", fit=True),
    Relocate(Lobe.TEMPORAL, Side.LEFT),
    RandomEdit(2**63 - 1, flips=False),
]


def test_every_edit_is_listed_here() -> None:
    """A new edit without a test of its recipe fails this one."""
    assert [type(edit) for edit in EVERY_EDIT] == list(EDIT_CLASSES.values())


def test_recipes_are_read_back_as_they_were_written() -> None:
    """As JSON, as YAML, under 'edits', and beside a report."""
    written = recipe_json(EVERY_EDIT)
    as_yaml = yaml.safe_dump({"edits": json.loads(written)})
    beside = json.dumps({"edits": json.loads(written), "report": {"anything": 1}})
    for document in (written, written.encode(), as_yaml, beside):
        assert list(parse_recipe(document)) == EVERY_EDIT


@pytest.mark.parametrize("edit", EVERY_EDIT, ids=lambda edit: edit.edit)
def test_words_are_read_back_as_they_were_written(edit: Edit) -> None:
    """Every field in its order."""
    assert parse_edit(edit_words(edit)) == edit


@pytest.mark.parametrize(
    ("words", "edit"),
    [
        ("rotate 45", Rotate(45, 0, 0, 1)),
        ("mirror", Mirror(MirrorPlane.MIDLINE)),
        ("deform 3 seed=7", Deform(3, 7, 15)),
        ("relocate side=right lobe=deep", Relocate(Lobe.DEEP, Side.RIGHT)),
        ("random 4 dz_mm=0 flips=false", RandomEdit(4, dz_mm=0, flips=False)),
        ("grow ET 1e0", Grow(Region.ET, 1)),
    ],
)
def test_words_may_leave_out_defaults_and_name_fields(words: str, edit: Edit) -> None:
    """What a person types."""
    assert parse_edit(words) == edit


@pytest.mark.parametrize(
    ("words", "field", "text"),
    [
        ("grwo ET 2", "edit.edit", "choose one of translate"),
        ("translate 1 2", "edit.superior_mm", "Field required"),
        ("translate 1 2 3 4", "edit.translate", "takes 3 values"),
        ("translate 1 2 up", "edit.superior_mm", "up"),
        ("grow XT 2", "edit.region", "XT"),
        ("scale 9", "edit.factor", "outside 0.1 to 5"),
        ("scale nan", "edit.factor", "outside"),
        ("scale factor=1 size=2", "edit.size", "no such field"),
        ("rotate 5 0 0 0", "edit.axis", "points nowhere"),
        ("deform 10 scale_mm=12", "edit.scale_mm", "would fold"),
        ("random -1", "edit.seed", "outside"),
        ("random 1.5", "edit.seed", "1.5"),
        ("random 1 smallest_scale=1.2 largest_scale=1.1", "edit.largest_scale", "outside 1.2 to 5"),
        ("'open", "edit", "is no edit"),
        ("", "edit", "is no edit"),
    ],
)
def test_wrong_words_are_refused_with_field_and_rule(words: str, field: str, text: str) -> None:
    """The field, the rule, and what was given."""
    with pytest.raises(InvalidParameterError) as caught:
        parse_edit(words)
    assert caught.value.field == field
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("[", "edits"),
        ("just words", "edits"),
        ("{}", "edits"),
        ('{"edits": [], "more": 1}', "edits"),
        ("[1]", "edits[0]"),
        ('[{"edit": "scale", "factor": 1}, {"edit": "melt"}]', "edits[1].edit"),
        ('[{"factor": 1}]', "edits[0].edit"),
        ('[{"edit": ["scale"]}]', "edits[0].edit"),
        ('[{"edit": "scale"}]', "edits[0].factor"),
        ('[{"edit": "scale", "factor": 1, "colour": 2}]', "edits[0].colour"),
        ('[{"edit": "scale", "factor": "big"}]', "edits[0].factor"),
        ('[{"edit": "scale", "factor": -1}]', "edits[0].factor"),
        ("!!python/object:os.system []", "edits"),
        (" " * (LONGEST_RECIPE + 1), "edits"),
        (b"\xff\xfe\x00", "edits"),
    ],
)
def test_wrong_documents_are_refused_with_their_place(document: str | bytes, field: str) -> None:
    """Neither JSON nor YAML, no list, no edit, no such field, out of range, code, too long, no text."""
    with pytest.raises(InvalidParameterError) as caught:
        parse_recipe(document)
    assert caught.value.field == field


def test_the_schema_accepts_every_edit_and_refuses_what_is_none() -> None:
    """What is published for editors is what is read."""
    schema = recipe_schema()
    jsonschema.validate(json.loads(recipe_json(EVERY_EDIT)), schema)
    for wrong in ([{"edit": "melt"}], [{"edit": "scale"}], [{"edit": "grow", "region": "XT", "mm": 1}], {}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_edits_are_frozen() -> None:
    """A recipe that was checked stays as it was."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVERY_EDIT[0].right_mm = 3  # type: ignore[misc,union-attr]
