"""How far a run is, and which learning rate belongs there."""

import math

from training.loop.options import LoopOptions
from training.loop.run_folder import Progress


def done_share(options: LoopOptions, at: Progress) -> float:
    """Returns how far the run is, 0 to 1: by steps or by minutes, whichever is further."""
    return max(at.step / options.steps, at.elapsed_s / (60 * options.minutes))


def learning_rate_share(options: LoopOptions, at: Progress) -> float:
    """Returns the share of the highest learning rate: a linear rise, 1, then a cosine to 0."""
    rise = min(1.0, (at.step + 1) / options.warm_up) if options.warm_up else 1.0
    if not options.annealed:
        return rise
    into = (done_share(options, at) - (1 - options.annealed)) / options.annealed
    return rise * 0.5 * (1 + math.cos(math.pi * min(max(into, 0.0), 1.0)))
