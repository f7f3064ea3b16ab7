"""Signals of tissues as tables, and the look-up of a table by a tissue map."""

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.anatomy import Tissue
from gliosynth.contrast.physics import Physics
from gliosynth.contrast.sequences import shortened_rates, signal
from gliosynth.separable import Array


def rate_signals(physics: Physics) -> NDArray[np.float32]:
    """Returns the signal of each tissue's rates, ``(4, TISSUE_COUNT)`` float32, white matter about 1."""
    table = physics.table
    signals = []
    for contrast, protocol in enumerate(physics.protocols):
        r1, r2 = table.r1, table.r2
        if contrast == 1:
            r1, r2 = shortened_rates(r1, r2, table.agent, r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
        signals.append(signal(protocol, table.density, r1, r2))
    stacked = np.stack(signals)
    white = stacked[:, Tissue.WHITE_MATTER, None]
    result: NDArray[np.float32] = (stacked / white * table.gain).astype(np.float32)
    return result + table.offset


def tissue_signals(physics: Physics) -> NDArray[np.float32]:
    """Returns the signal of each tissue as a scan shows it, ``(4, TISSUE_COUNT)`` float32, white matter about 1.

    A voxel of a narrow sulcus holds fluid and cortex side by side: their signals are mixed, not their rates, because
    mixed rates would make sulci bright in FLAIR (METHODS.md C.3, last line).
    """
    result = rate_signals(physics)
    if physics.mixture is not None:
        result = physics.mixture.replace_in(result)
    fluid, grey = result[:, Tissue.OUTER_CSF], result[:, Tissue.CORTICAL_GREY]
    for tissue, share in physics.cortex_in.items():
        result[:, tissue] = fluid + np.float32(share) * (grey - fluid)
    return result


def white_signals(physics: Physics) -> tuple[float, float, float, float]:
    """Returns the white-matter signal of each contrast before normalisation: the unit of `tissue_signals`."""
    table, values = physics.table, []
    tissue = np.array([Tissue.WHITE_MATTER])
    for contrast, protocol in enumerate(physics.protocols):
        r1, r2 = table.r1[tissue], table.r2[tissue]
        if contrast == 1:
            r1, r2 = shortened_rates(r1, r2, table.agent[tissue], r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
        values.append(float(signal(protocol, table.density[tissue], r1, r2)[0]))
    return values[0], values[1], values[2], values[3]


def look_up(table: NDArray[np.float32], tissues: Array) -> Array:
    """Returns ``table[tissues]``: ``(T,)`` float32 at ``(X, Y, Z)`` integers, in the library of `tissues`."""
    xp = array_namespace(tissues)
    flat = xp.astype(xp.reshape(tissues, (-1,)), xp.int32)
    return xp.reshape(xp.take(xp.asarray(table), flat, axis=0), tissues.shape)
