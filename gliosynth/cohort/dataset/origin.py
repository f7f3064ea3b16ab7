"""How a cohort's images came about, in the words of its texts: computed by equations, or painted by networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from gliosynth.cohort.judgement import SIMULATED
from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.cohort.summary import CaseSummary
from gliosynth.generation import NetworkIdentity

_NETWORKS: Final = TypeAdapter(tuple[NetworkIdentity, ...])


@dataclass(frozen=True)
class Origin:
    """What made the images.

    Attributes:
        networks: Who painted them; none where signal equations computed them.
        moved_share: Share of the cases with a tumour whose tumour was moved before it was painted.
    """

    networks: tuple[NetworkIdentity, ...]
    moved_share: float

    @property
    def training(self) -> str:
        """What the networks were trained on, one sentence each; empty without networks."""
        return " ".join(f"The network {one.name} was trained on {one.trained_on}." for one in self.networks)

    @property
    def limit(self) -> str:
        """What the report says on where the images come from."""
        if not self.networks:
            return SIMULATED
        return (
            f"The images are painted by networks from maps of simulated heads. {self.training} A network can repeat"
            " what it was trained on; memorisation is measured against the heads that cases were made from, against"
            " each other and against the reference cases, not against the networks' training images."
        )


def origin_of(spec: CohortSpec, summaries: Sequence[CaseSummary]) -> Origin:
    """Returns what made the images of a cohort.

    Args:
        spec: The cohort.
        summaries: One for each case.
    """
    if not spec.generator.is_network:
        return Origin((), 0.0)
    painted = [(summary, generation) for summary in summaries if (generation := _generation(summary)) is not None]
    networks = {one: None for _, generation in painted for one in _NETWORKS.validate_python(generation["networks"])}
    moved = [bool(how["edits"]) for summary, how in painted if summary.measurement.volumes.wt_ml > 0.0]
    return Origin(tuple(networks), sum(moved) / max(len(moved), 1))


def _generation(summary: CaseSummary) -> dict[str, object] | None:
    """Returns how a case was painted, or None where it was not."""
    parameters = summary.facts.parameters
    found = parameters.get("generation") if isinstance(parameters, dict) else None
    return dict(found) if isinstance(found, dict) else None
