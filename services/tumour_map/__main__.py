"""Runs the tumour-map service alone: `python -m services.tumour_map`. `--help` lists the settings."""

import sys

from services.runtime.server import serve
from services.runtime.settings import read_settings
from services.tumour_map.servicer import build


def main() -> int:
    """Returns the exit status of the server."""
    return serve(read_settings(sys.argv[1:]), [build])


if __name__ == "__main__":
    sys.exit(main())
