"""Gadolinium from the brightness that it must give."""

import numpy as np
import pytest

from gliosynth.contrast.agent import agent_for_ratio
from gliosynth.contrast.relaxometry import Relaxation
from gliosynth.contrast.sequences import Family, Protocol, shortened_rates, signal


def test_enhancing_tumour_reaches_its_brightness() -> None:
    """The concentration for 1.6 times white matter gives 1.6 when put back into the signal equation."""
    protocol = Protocol(Family.SPIN_ECHO, 600, 12)
    tissue, white = Relaxation(0.85, 1400, 120), Relaxation(0.7, 850, 75)
    agent = agent_for_ratio(1.6, protocol, tissue, white, r1_agent=4.0, r2_agent=4.5)
    after = shortened_rates(np.array(1 / 1400), np.array(1 / 120), agent, r1_agent=4.0, r2_agent=4.5)
    plain = signal(protocol, np.array(0.7), np.array(1 / 850), np.array(1 / 75))
    assert float(signal(protocol, np.array(0.85), *after) / plain) == pytest.approx(1.6, abs=0.03)
    most = agent_for_ratio(50.0, protocol, tissue, white, r1_agent=4.0, r2_agent=4.5)
    assert most > agent
