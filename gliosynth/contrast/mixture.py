"""Contrast without physics: each tissue's signal drawn from a Gaussian about the ratio measured on real scans.

A share of such cases keeps a network from relying on the simulator's relaxation times (METHODS.md C.1, line 3). Means
and spread follow the medians of METHODS.md C.2 and their range over patients.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import Tissue
from gliosynth.contrast.relaxometry import Part


class Component(NamedTuple):
    """Mean and standard deviation of a tissue's signal in t1n, t1c, t2w, t2f, relative to white matter."""

    mean: tuple[float, float, float, float]
    deviation: tuple[float, float, float, float]


GREY: Final = Component((0.80, 0.87, 1.20, 1.04), (0.08, 0.08, 0.08, 0.09))
"""Grey matter: .75 and .55, .93 and .55, 1.26 and 1.11, 1.05 and .83 measured; .73-.89, .77-.98, 1.13-1.30, .89-1.20
on the seven labelled cases."""

DEEP_SHARES: Final[dict[Tissue, float]] = {
    Tissue.HIPPOCAMPUS: 1.0,
    Tissue.CEREBELLAR_GREY: 0.9,
    Tissue.CAUDATE: 0.85,
    Tissue.PUTAMEN: 0.65,
    Tissue.THALAMUS: 0.4,
    Tissue.PALLIDUM: 0.3,
}
"""How far deep and other grey matter lies on the way from white to cortical grey matter."""

FLUID: Final = Component((0.40, 0.48, 2.9, 0.32), (0.10, 0.12, 0.55, 0.12))
"""CSF: .42 and .22, .60 and .22, 2.6 and 3.5, .37 and .26."""

PARTS: Final[dict[Part, Component]] = {
    Part.ED: Component((0.80, 0.88, 1.70, 1.48), (0.10, 0.10, 0.30, 0.22)),
    Part.NET: Component((0.70, 0.75, 2.00, 1.55), (0.12, 0.12, 0.40, 0.30)),
    Part.ET: Component((0.82, 1.45, 1.75, 1.55), (0.10, 0.28, 0.30, 0.28)),
    Part.NCR: Component((0.55, 0.62, 2.40, 1.40), (0.12, 0.14, 0.50, 0.45)),
    Part.CYST: Component((0.42, 0.48, 3.0, 0.55), (0.10, 0.10, 0.50, 0.20)),
    Part.BLOOD: Component((1.25, 1.30, 1.10, 1.20), (0.15, 0.15, 0.35, 0.30)),
}
"""Parts of the tumour: ED .77 and .65, .98 and .61, 1.38 to 2.15, 1.36 and 1.51; NET/NCR .69 and .34, .97 and .34, 1.69
to 2.77, 1.58 and 1.37; ET .73, 1.17, 1.62 and 2.28, 1.55. Cyst and blood, not measured, after C.3's signals."""

LEAST: Final = 0.1
"""Least signal that is drawn, relative to white matter."""

LEAST_ENHANCEMENT: Final = 0.06
"""Least T1c signal of enhancing tumour above white matter."""

FLUID_TISSUES: Final = (Tissue.VENTRICLE, Tissue.SULCAL_CSF, Tissue.SULCUS_EDGE, Tissue.OUTER_CSF)
"""Tissues that get the fluid's signal."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """Signals of one case, relative to white matter.

    Attributes:
        tissues: By `Tissue`: the signal in t1n, t1c, t2w, t2f; tissues that are missing keep their physical signal.
        parts: By `Part`: the same.
    """

    tissues: dict[Tissue, tuple[float, float, float, float]]
    parts: dict[Part, tuple[float, float, float, float]]

    def replace_in(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns a table ``(4, T)`` of tissue signals with those of the mixture put in."""
        result = table.copy()
        for tissue, values in self.tissues.items():
            result[:, tissue] = values
        return result


def draw_mixture(rng: np.random.Generator) -> Mixture:
    """Returns the signals of one case, each contrast independent of the others."""
    grey, fluid = _draw(GREY, rng), _draw(FLUID, rng)
    tissues = dict.fromkeys(FLUID_TISSUES, fluid) | {Tissue.CORTICAL_GREY: grey}
    one = (1.0, 1.0, 1.0, 1.0)
    for tissue, share in DEEP_SHARES.items():
        tissues[tissue] = _between(one, grey, share * float(rng.uniform(0.8, 1.2)))
    parts = {part: _draw(component, rng) for part, component in PARTS.items()}
    t1n, t1c, t2w, t2f = parts[Part.ET]
    parts[Part.ET] = (t1n, max(t1c, 1.0 + LEAST_ENHANCEMENT, t1n + LEAST_ENHANCEMENT), t2w, t2f)
    return Mixture(tissues, parts)


def _draw(component: Component, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Returns one draw of a component, at least `LEAST`."""
    a, b, c, d = (max(float(value), LEAST) for value in rng.normal(component.mean, component.deviation))
    return a, b, c, d


def _between(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float], share: float
) -> tuple[float, float, float, float]:
    """Returns the signals `share` of the way from the first to the second."""
    a, b, c, d = (x + share * (y - x) for x, y in zip(first, second, strict=True))
    return a, b, c, d
