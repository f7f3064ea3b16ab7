"""Runs all services in one process on one port: `python -m services`. `--help` lists the settings."""

import sys

from services import metrics, preprocessing, segmentation, tumour_map
from services.cohort.build import build as build_cohort
from services.runtime.server import serve
from services.runtime.settings import read_settings


def main() -> int:
    """Returns the exit status of the server."""
    return serve(
        read_settings(sys.argv[1:]),
        [preprocessing.build, segmentation.build, metrics.build, tumour_map.build, build_cohort],
    )


if __name__ == "__main__":
    sys.exit(main())
