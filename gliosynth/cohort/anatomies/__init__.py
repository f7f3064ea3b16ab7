"""Whose heads the cases are made from: anatomies that ship with the library, and label maps of the caller's own."""

from gliosynth.cohort.anatomies.own import anatomy_from_label_map
from gliosynth.cohort.anatomies.source import AnatomySource, SpecAnatomies

__all__ = ["AnatomySource", "SpecAnatomies", "anatomy_from_label_map"]
