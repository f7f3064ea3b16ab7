"""Where the anatomies of a cohort come from: those that ship with the library, and the caller's own label maps."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from gliosynth.anatomy import Anatomy, anatomy_names, load_anatomy
from gliosynth.cohort.anatomies.own import anatomy_from_label_map
from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.errors import InvalidParameterError
from gliosynth.volume import Volume


class AnatomySource(Protocol):
    """Gives anatomies by name; loading the same name twice gives the same anatomy."""

    def names(self) -> tuple[str, ...]:
        """Returns the names of all anatomies, in a fixed order."""

    def load(self, name: str) -> Anatomy:
        """Returns one anatomy."""


class SpecAnatomies:
    """The anatomies that a spec names; own label maps are turned into anatomies once and kept."""

    def __init__(self, spec: CohortSpec, read_label_map: Callable[[str], Volume[np.generic]] | None = None) -> None:
        """Keeps the spec; nothing is read yet.

        Args:
            spec: The cohort.
            read_label_map: Gives an uploaded label map by its id; needed only where the spec names own ones.
        """
        self._tables = {own.id: own.labels for own in spec.anatomies.own}
        built_in = spec.anatomies.built_in
        if built_in is None:
            built_in = () if self._tables else anatomy_names()
        self._names = (*built_in, *self._tables)
        self._read_label_map = read_label_map
        self._made: dict[str, Anatomy] = {}

    def names(self) -> tuple[str, ...]:
        """Returns built-in names first, then own ones, each in the spec's order."""
        return self._names

    def load(self, name: str) -> Anatomy:
        """Returns one anatomy.

        Raises:
            InvalidParameterError: The spec does not name it, or its label map is not at hand.
            InvalidLabelError: A value of an own label map has no tissue, or the map holds no brain.
        """
        if name not in self._names:
            raise InvalidParameterError(
                f"the cohort spec names no anatomy {name!r}, only {', '.join(self._names)}", field="anatomy", got=name
            )
        if name not in self._tables:
            return load_anatomy(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Anatomy:
        if self._read_label_map is None:
            raise InvalidParameterError(
                f"the label map {name!r} is not at hand; upload it before the cohort is made",
                field="anatomies.own",
                got=name,
            )
        return anatomy_from_label_map(self._read_label_map(name), self._tables[name], name=name)
