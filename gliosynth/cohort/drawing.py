"""One draw of a case: simulated, and where the spec's generator is a network, painted by it."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from gliosynth.anatomy import Anatomy
from gliosynth.cohort.gate import Finding
from gliosynth.cohort.recipe import manipulation_of, settings_of
from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.contrast.simulate import CaseParameters, SimulatedCase, simulate_case
from gliosynth.generation import GeneratedParameters, GeneratorNetwork, generate_case, move_tumour

NOWHERE: Final = Finding("TUMOUR_FITS_WHERE_IT_IS_MOVED", 0.0, 1.0, passed=False)
"""The rule that one draw at least of a tumour's movement leaves enough of it inside the brain: the number that did."""


def draw_case(
    spec: CohortSpec,
    anatomy: Anatomy,
    networks: Sequence[GeneratorNetwork],
    *,
    rng: np.random.Generator,
    check: Callable[[], None],
) -> SimulatedCase | Finding:
    """Returns a draw, not judged yet, or the rule by which it is refused before anything is painted.

    Args:
        spec: The cohort.
        anatomy: The head.
        networks: Paint the images, where the spec's generator is a network.
        rng: The attempt's own generator.
        check: Called between the parts of the work; raises to stop it.

    Raises:
        ModelError: A network answers outside its contract.
    """
    base = simulate_case(anatomy, settings=settings_of(spec), rng=rng)
    if not spec.generator.is_network:
        return base
    manipulation = manipulation_of(spec)
    moved = move_tumour(base, manipulation, rng, check=check)
    if moved is None:
        return NOWHERE
    return generate_case(base, moved, networks, vacated=manipulation.vacated, check=check)


def networks_id(parameters: CaseParameters) -> str | None:
    """Returns the networks that painted a case and their engine, or None: ``"name/1@sha256:... (engine)"``.

    Args:
        parameters: What was drawn for the case.
    """
    if not isinstance(parameters, GeneratedParameters):
        return None
    return " ".join(network.text for network in parameters.generation.networks)
