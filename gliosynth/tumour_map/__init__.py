"""Edits of tumour maps: typed, composable, replayable, in mm on any grid.

Start with `edit_tumour_map`; `gliosynth.tumour_map.edits` lists what can be done, `parse_recipe` reads it from a file.
"""

from gliosynth.tumour_map.apply import EditedTumour, edit_tumour_map
from gliosynth.tumour_map.recipe import parse_edit, parse_recipe, recipe_json, recipe_schema
from gliosynth.tumour_map.report import EditStep, Healing, RegionMeasure, measure
from gliosynth.tumour_map.surroundings import GLIOSYNTH_KEY, Surroundings, TissueKey

__all__ = [
    "GLIOSYNTH_KEY",
    "EditStep",
    "EditedTumour",
    "Healing",
    "RegionMeasure",
    "Surroundings",
    "TissueKey",
    "edit_tumour_map",
    "measure",
    "parse_edit",
    "parse_recipe",
    "recipe_json",
    "recipe_schema",
]
