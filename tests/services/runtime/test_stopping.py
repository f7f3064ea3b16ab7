"""Tests of services.runtime.stopping with real signals."""

import subprocess
import sys
from pathlib import Path

from services.runtime.stopping import StopRequest

ROOT = Path(__file__).parents[3]

INTERRUPTED_WAITS = """
import random, signal
from services.runtime.stopping import StopRequest

for _ in range(400):
    stop = StopRequest()
    stop.on_signals(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1.2e-4))
    stop.wait()
    assert stop.is_set()
print("never stuck")
"""


def test_a_signal_at_any_moment_of_the_wait_is_seen() -> None:
    """Four hundred waits, each interrupted within its first 120 microseconds: before, while and after it begins."""
    command = [sys.executable, "-c", INTERRUPTED_WAITS]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "never stuck\n", "")


def test_a_thread_may_ask_as_well() -> None:
    """A stop that was asked for before the wait ends it at once."""
    stop = StopRequest()
    assert not stop.is_set()
    stop.set()
    stop.wait()
    assert stop.is_set()
