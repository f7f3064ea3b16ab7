"""Runs the cohort service alone: `python -m services.cohort`. `--help` lists the settings."""

import sys

from services.cohort.build import build
from services.runtime.server import serve
from services.runtime.settings import read_settings


def main() -> int:
    """Returns the exit status of the server."""
    return serve(read_settings(sys.argv[1:]), [build])


if __name__ == "__main__":
    sys.exit(main())
