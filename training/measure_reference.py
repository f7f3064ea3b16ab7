"""Measures what synthetic cohorts are compared with, once: real cases in numbers, and the donors' geometry.

    python -m training.measure_reference --donors     # gliosynth/cohort/donor_geometry.npz, from the built-in anatomies
    python -m training.measure_reference --cases      # gliosynth/cohort/reference_cases.json, from GLIOSYNTH_DATA
    python -m training.measure_reference --pictures   # gliosynth/report/real_cases/*.jpg, from GLIOSYNTH_DATA

Real cases are the folders below GLIOSYNTH_DATA (default ../shared/data) that hold a ``*_seg.nii.gz``. Numbers alone
are kept of them, and one small picture each, whose sources and licences REFERENCE-NOTICE and the pictures' NOTICE name.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np

from gliosynth.anatomy import anatomy_names, load_anatomy
from gliosynth.cohort.measure_geometry import common_frame, geometry_of, landmarks_of

COHORT: Final = Path("gliosynth/cohort")
"""Where the data files go."""

UNIT_MM: Final = (1.0, 1.0, 1.0)
"""Voxel edges of the anatomies and of the real cases, mm."""


def measure_donors() -> None:
    """Writes the common frame and the tissue maps of the built-in anatomies in it."""
    names = anatomy_names()
    anatomies = [load_anatomy(name) for name in names]
    frame = common_frame([landmarks_of(anatomy.tissues, spacing_mm=UNIT_MM) for anatomy in anatomies])
    maps = [geometry_of(anatomy.tissues, frame, spacing_mm=UNIT_MM) for anatomy in anatomies]
    found = np.stack([one for one in maps if one is not None])
    if len(found) < len(names):
        raise SystemExit("an anatomy has too few landmarks")
    np.savez_compressed(COHORT / "donor_geometry.npz", frame=frame, names=np.array(names), maps=found)
    print(f"{len(names)} donors, {(COHORT / 'donor_geometry.npz').stat().st_size} bytes")


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--donors", action="store_true", help="measure the built-in anatomies")
    line = parser.parse_args(arguments)
    if line.donors:
        measure_donors()


if __name__ == "__main__":
    main()
