"""A case whose images a network painted, in the place of the simulated one that it was painted from.

The base case gives the head and its anatomy, the brain mask, and the scale of intensities. Its tumour is moved, and
brain maps of the base images with the tumour at its new place are what the network sees (METHODS.md A.002).

- `labels` are the moved tumour map: what the network was told to paint.
- `tissues` are the base case's: the head before any tumour, bent by the mass effect of the tumour where it grew. A
  moved tumour displaces nothing, and what it leaves becomes healthy tissue (`gliosynth.brain_map.Vacated`).
- Unit intensities become the base images' own scale again, so that ratios of signals keep their origin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from gliosynth.brain_map import Vacated
from gliosynth.contrast.simulate import CaseParameters, SimulatedCase
from gliosynth.generation.manipulation import MovedTumour
from gliosynth.generation.networks import GeneratorNetwork, NetworkIdentity
from gliosynth.generation.painting import brain_maps_of, paint
from gliosynth.labels import CONTRASTS
from gliosynth.preprocessing.intensity import UnitScale, from_units, measure_unit_scale
from gliosynth.tumour_map.edits import Edit


@dataclass(frozen=True)
class Generation:
    """How a case was painted.

    Attributes:
        networks: Who painted it.
        edits: What was done to the simulated tumour map, see `MovedTumour.edits`.
        draws: How often the movement was drawn.
        clipped_ml: What the movement pushed out of the brain, ml.
        vacated: What became of the place that the tumour left.
        scales: Of each contrast: the intensities of the base image that are the network's 0 and 1.
        painters: Of each contrast: which of the networks painted it.
    """

    networks: tuple[NetworkIdentity, ...]
    edits: tuple[Edit, ...]
    draws: int
    clipped_ml: float
    vacated: Vacated
    scales: tuple[UnitScale, ...]
    painters: tuple[int, ...]

    def painter_of(self, channel: int) -> NetworkIdentity:
        """Returns who painted a contrast.

        Args:
            channel: Its place in `gliosynth.labels.CONTRASTS`.
        """
        return self.networks[self.painters[channel]]


@dataclass(frozen=True, eq=False)
class GeneratedParameters(CaseParameters):
    """What was drawn for a painted case: the parameters of its base case, and how it was painted.

    Attributes:
        generation: How it was painted.
    """

    generation: Generation


def generate_case(
    base: SimulatedCase,
    moved: MovedTumour,
    networks: Sequence[GeneratorNetwork],
    *,
    vacated: Vacated = Vacated.MIRRORED,
    check: Callable[[], None] | None = None,
) -> SimulatedCase:
    """Returns the case that networks paint from a simulated one; its parameters are `GeneratedParameters`.

    Args:
        base: The simulated case.
        moved: Where its tumour shall be.
        networks: Together they paint every contrast once.
        vacated: What becomes of the place that the tumour leaves.
        check: Called before each batch of slices; may raise to stop the work.

    Raises:
        InvalidParameterError: The networks do not paint every contrast once, or take smaller slices.
        InvalidVolumeError: A base image is constant.
        ModelError: A network answers outside its contract.
    """
    images = list(zip(CONTRASTS, base.contrasts, strict=True))
    scales = tuple(measure_unit_scale(image, base.brain, name=name) for name, image in images)
    moved_from = base.labels if moved.edits else None
    brain_maps = brain_maps_of(base.contrasts, moved.labels, base.brain, moved_from=moved_from, vacated=vacated)
    painted = paint(brain_maps, networks, check=check)
    contrasts = [from_units(image, base.brain, scale=scale) for image, scale in zip(painted, scales, strict=True)]
    generation = Generation(
        networks=tuple(network.identity for network in networks),
        edits=moved.edits,
        draws=moved.draws,
        clipped_ml=moved.clipped_ml,
        vacated=vacated,
        scales=scales,
        painters=tuple(
            next(number for number, network in enumerate(networks) if contrast in network.contrasts)
            for contrast in CONTRASTS
        ),
    )
    drawn = {field.name: getattr(base.parameters, field.name) for field in fields(CaseParameters)}
    parameters = GeneratedParameters(**drawn, generation=generation)
    return replace(base, contrasts=np.stack(contrasts), labels=moved.labels, parameters=parameters)
