"""The cohort spec: what is read, what is refused, and how a refusal reads."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from gliosynth.brain_map import Vacated
from gliosynth.cohort.recipe import manipulation_of
from gliosynth.cohort.spec import CohortSpec, json_schema, parse_spec
from gliosynth.errors import InvalidSpecError
from gliosynth.generation import Manipulation

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples" / "cohorts").glob("*.yaml"))
GOOD: dict[str, object] = {"name": "Cohort", "case_count": 2}
BAD = [
    ({"case_count": 0}, "case_count", "must be greater than or equal to 1", "0"),
    ({"case_count": -20}, "case_count", "must be greater than or equal to 1", "-20"),
    ({"case_count": 10_001}, "case_count", "must be less than or equal to 10000", "10001"),
    ({"case_count": 10**40}, "case_count", "must be", "1" + "0" * 40),
    ({"case_count": "20"}, "case_count", "must be a valid integer", "'20'"),
    ({"case_count": True}, "case_count", "must be a valid integer", "true"),
    ({"case_count": 2.5}, "case_count", "must be a valid integer", "2.5"),
    ({"case_count": None}, "case_count", "must be a valid integer", "null"),
    ({"seed": -1}, "seed", "must be greater than or equal to 0", "-1"),
    ({"seed": 2**63}, "seed", "must be less than", str(2**63)),
    ({"name": "../etc"}, "name", "String should match pattern", "'../etc'"),
    ({"name": "a" * 64}, "name", "String should match pattern", "'" + "a" * 64 + "'"),
    ({"colour": 1}, "colour", "is no field of a cohort spec", "1"),
    ({"tumour": {"volume": 3}}, "tumour.volume", "is no field of a cohort spec", "3"),
    ({"tumour": {"free_share": 1.5}}, "tumour.free_share", "must be less than or equal to 1", "1.5"),
    ({"tumour": {"free_share": float("nan")}}, "tumour.free_share", "must be a finite number", "NaN"),
    ({"tumour": {"growth": {"rings": 1}}}, "tumour.growth.rings", "must be 'ring'", "'rings'"),
    ({"tumour": {"growth": {}}}, "tumour.growth", "at least 1 item", "{}"),
    ({"tumour": {"growth": {"ring": 0}}}, "tumour.growth", "must have one frequency at least above 0", '{"ring": 0}'),
    ({"tumour": {"growth": {"ring": -1}}}, "tumour.growth.ring", "must be greater than or equal to 0", "-1"),
    ({"tumour": {"volume_ml": {"median": 999}}}, "tumour.volume_ml.median", "must be less than or equal to", "999"),
    ({"tumour": {"volume_ml": {"smallest": 93.0}}}, "tumour.volume_ml", "smallest <= median <= largest", "{"),
    ({"tumour": {"hemisphere": "top"}}, "tumour.hemisphere", "must be 'either', 'left' or 'right'", "'top'"),
    ({"scanner": {"noise": [0.1, 0.01]}}, "scanner.noise", "must name the lowest end first", "[0.1, 0.01]"),
    ({"scanner": {"noise": [0.1]}}, "scanner.noise[1]", "must be given", "nothing"),
    ({"scanner": {"field_strengths_tesla": [7.0]}}, "scanner.field_strengths_tesla[0]", "must be 1.5 or 3.0", "7.0"),
    ({"generator": "diffusion"}, "generator", "must be 'simulator'", "'diffusion'"),
    ({"manipulation": {}}, "(document)", "must leave out manipulation with the generator simulator", "{"),
    (
        {"generator": "spade", "manipulation": {"scale": [1.3, 0.7]}},
        "manipulation.scale",
        "must name the lowest end first",
        "[1.3, 0.7]",
    ),
    (
        {"generator": "spade", "manipulation": {"rotation_deg": 181}},
        "manipulation.rotation_deg",
        "must be less than or equal to 180",
        "181",
    ),
    ({"generator": "spade", "manipulation": {"dx_mm": 1}}, "manipulation.dx_mm", "is no field of a cohort spec", "1"),
    ({"grid": {"shape": [8, 192, 160]}}, "grid.shape[0]", "must be greater than or equal to 24", "8"),
    ({"grid": {"shape": [300, 300, 300]}}, "grid", "must have at most 16777216 voxels, these are 27000000", "{"),
    ({"grid": {"shape": [40, 48, 40]}}, "grid", "must be 128 to 320 mm wide along each axis", "{"),
    ({"formats": {"image": "dicom"}}, "formats.image", "must be 'int16' or 'float32'", "'dicom'"),
    ({"gate": {"attempts": 0}}, "gate.attempts", "must be greater than or equal to 1", "0"),
    ({"anatomies": {"built_in": ["head_99"]}}, "anatomies", "head_99 does not", "{"),
    ({"anatomies": {"built_in": []}}, "anatomies", "must name at least one anatomy", "{"),
    ({"anatomies": {"built_in": ["head_01", "head_01"]}}, "anatomies", "must name each anatomy once", "{"),
    ({"anatomies": {"own": [{"id": "A B", "labels": {"1": "skin"}}]}}, "anatomies.own[0].id", "String should", "'A B'"),
    ({"anatomies": {"own": [{"id": "mine", "labels": {}}]}}, "anatomies.own[0].labels", "at least 1 item", "{}"),
    (
        {"anatomies": {"own": [{"id": "mine", "labels": {"2": "white"}}]}},
        "anatomies.own[0].labels.2",
        "must be one of background, white-matter",
        "'white'",
    ),
    (
        {"case_count": 10_000, "grid": {"shape": [256, 256, 256]}, "formats": {"image": "float32"}},
        "(document)",
        "must stay below 1099511627776 bytes before compression",
        "{",
    ),
]


@pytest.mark.parametrize(("change", "field", "rule", "got"), BAD, ids=[f"{one[1]}={one[3][:12]}" for one in BAD])
def test_every_bad_field_is_named_with_its_rule_and_value(
    change: dict[str, object], field: str, rule: str, got: str
) -> None:
    """One bad field gives one violation that says which, why, and what was given."""
    with pytest.raises(InvalidSpecError) as caught:
        parse_spec(GOOD | change)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert rule in violation.rule
    assert violation.got.startswith(got)
    assert field in str(caught.value)
    assert rule in str(caught.value)
    assert caught.value.field == field


def test_all_bad_fields_are_named_at_once() -> None:
    """Whoever writes a spec repairs it in one go."""
    with pytest.raises(InvalidSpecError) as caught:
        parse_spec({"case_count": -1, "seed": -2, "tumour": {"cystic_share": 3}})
    assert {one.field for one in caught.value.violations} == {"name", "case_count", "seed", "tumour.cystic_share"}


@pytest.mark.parametrize(
    ("text", "rule", "got"),
    [
        ("{", "must be JSON or YAML", "Expecting"),
        ("a: [1", "must be JSON or YAML", "while parsing"),
        ("- 1\n- 2", "must be a mapping of fields", "list"),
        ("", "must be a mapping of fields", "NoneType"),
        ("a: &x [1]\nb: *x", "must be JSON or YAML", "aliases"),
        ("seed: 1\nseed: 2", "must be JSON or YAML", "a key comes twice"),
        ('{"seed": 1, "seed": 2}', "must be JSON or YAML", "the key 'seed' comes twice"),
        ("[" * 100_000, "must be JSON or YAML", ""),
        ('{"a":' * 100_000, "must be JSON or YAML", ""),
        ("a" * ((1 << 20) + 1), "must have at most 1048576 bytes", "1048577 bytes"),
        (b"\xff\xfe", "must be UTF-8 text", "byte 0xff at 0"),
        ("!!python/object/apply:os.system ['true']", "must be JSON or YAML", "could not determine"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text: str | bytes, rule: str, got: str) -> None:
    """Broken, hostile and ambiguous texts are refused before anything is built from them."""
    with pytest.raises(InvalidSpecError) as caught:
        parse_spec(text)
    (violation,) = caught.value.violations
    assert violation.rule == rule
    assert violation.got.startswith(got)


def test_json_and_yaml_say_the_same() -> None:
    """The format does not change the spec, and whole numbers stand for decimals."""
    text = "name: Cohort\ncase_count: 2\ntumour: {growth: {ring: 1, solid: 2}, volume_ml: {median: 60}}\n"
    as_yaml = parse_spec(text)
    assert parse_spec(json.dumps(yaml.safe_load(text)).encode()) == as_yaml
    assert parse_spec(yaml.safe_load(text)) == as_yaml
    assert as_yaml.tumour.volume_ml.median == 60.0


def test_the_release_expects_the_volumes_that_were_asked_for() -> None:
    """A cohort of small tumours is judged as such; whoever names an expectation gets that one."""
    asked = {"median": 12.0, "log_sd": 0.3}
    spec = parse_spec(GOOD | {"tumour": {"volume_ml": asked}})
    assert (spec.release.volume_median_ml, spec.release.volume_log_sd) == (12.0, 0.3)
    other = parse_spec(GOOD | {"tumour": {"volume_ml": asked}, "release": {"volume_median_ml": 20.0}})
    assert (other.release.volume_median_ml, other.release.volume_log_sd) == (20.0, 0.3)
    assert parse_spec(spec.to_json()) == spec


def test_a_network_moves_tumours_as_the_paper_does_unless_told_otherwise() -> None:
    """The defaults are written out, one field changes one range, and the simulator has none."""
    spec = parse_spec(GOOD | {"generator": "augmentation_network"})
    assert spec.manipulation is not None
    assert (spec.manipulation.rotation_deg, spec.manipulation.shift_mm) == (80.0, 10.0)
    assert (spec.manipulation.scale, spec.manipulation.flips, spec.manipulation.share) == ((0.7, 1.3), True, 1.0)
    assert parse_spec(spec.to_json()) == spec
    other = parse_spec(GOOD | {"generator": "augmentation_network", "manipulation": {"shift_mm": 2}})
    assert other.manipulation == spec.manipulation.model_copy(update={"shift_mm": 2.0})
    assert parse_spec(GOOD).manipulation is None
    assert parse_spec(parse_spec(GOOD).to_json()).manipulation is None


def test_every_field_of_a_manipulation_reaches_the_generator() -> None:
    """Each changed one, and the random edit takes them all."""
    asked = {"share": 0.5, "rotation_deg": 9, "shift_mm": 8, "dz_mm": 7, "scale": [0.9, 1.2], "flips": False}
    asked |= {"smallest_inside": 0.6, "keep_unmoved": True, "vacated": "band"}
    moved = manipulation_of(parse_spec(GOOD | {"generator": "spade", "manipulation": asked}))
    assert moved == Manipulation(0.5, 9.0, 8.0, 7.0, (0.9, 1.2), False, 0.6, True, Vacated.BAND)
    edit = moved.edit(3)
    assert (edit.seed, edit.rotation_deg, edit.shift_mm, edit.dz_mm) == (3, 9.0, 8.0, 7.0)
    assert (edit.smallest_scale, edit.largest_scale, edit.flips, edit.smallest_inside) == (0.9, 1.2, False, 0.6)


def test_a_spec_survives_its_own_json() -> None:
    """Defaults written out are read back as they are, also own label tables with their numbers as keys."""
    spec = parse_spec(GOOD | {"anatomies": {"own": [{"id": "mine", "labels": {2: "white-matter", 41: "skin"}}]}})
    assert parse_spec(spec.to_json()) == spec
    assert json.loads(spec.to_json())["anatomies"]["own"][0]["labels"] == {"2": "white-matter", "41": "skin"}


def test_the_published_schema_is_that_of_the_code() -> None:
    """The file that users' editors load is what `json_schema` returns; write it anew by the command in its error."""
    published = (ROOT / "gliosynth" / "cohort" / "cohort-spec.schema.json").read_text(encoding="utf-8")
    command = "python -m gliosynth.cohort.spec.schema > gliosynth/cohort/cohort-spec.schema.json"
    assert json.loads(published) == json_schema(), f"run: {command}"


def test_every_field_of_the_schema_is_described() -> None:
    """A reader of the schema needs no code: each field has a description."""

    def fields(node: object) -> list[tuple[str, dict[str, object]]]:
        if not isinstance(node, dict):
            return []
        own = list(node.get("properties", {}).items())
        return own + [found for child in node.get("$defs", {}).values() for found in fields(child)]

    found = fields(json_schema())
    assert len(found) > 50
    assert [name for name, field in found if "description" not in field] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_examples_are_specs(path: Path) -> None:
    """Each example passes the code and the published schema."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(parse_spec(document), CohortSpec)
    jsonschema.validate(json.loads(json.dumps(document)), json_schema())


def test_there_are_examples() -> None:
    """The folder is not empty, so that the test above says something."""
    assert len(EXAMPLES) >= 3
