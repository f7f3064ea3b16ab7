"""The ``gliosynth`` command."""

from gliosynth.cli.app import main

__all__ = ["main"]
