"""The cohort spec: one typed document that says what a cohort is."""

from gliosynth.cohort.spec.cohort import CohortSpec, json_schema, parse_spec
from gliosynth.cohort.spec.generators import Generator
from gliosynth.cohort.spec.sections import TISSUE_NAMES

__all__ = ["TISSUE_NAMES", "CohortSpec", "Generator", "json_schema", "parse_spec"]
