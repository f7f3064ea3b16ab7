"""Measures what synthetic cohorts are compared with, once: real cases in numbers, and the donors' geometry.

    python -m training.preparation.reference --donors     # the built-in anatomies, into DONORS
    python -m training.preparation.reference --cases      # the real cases of GLIOSYNTH_DATA, into CASES
    python -m training.preparation.reference --pictures   # the same, into PICTURES

Real cases are the folders below GLIOSYNTH_DATA (default ../shared/data) that hold a ``*_seg.nii.gz``. Numbers alone
are kept of them, and one small picture each, whose sources and licences the NOTICE files beside them name.
"""

import argparse
import json
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gliosynth.anatomy import anatomy_names, load_anatomy
from gliosynth.cohort.measurement.case import measure_case
from gliosynth.cohort.measurement.geometry import common_frame, geometry_of, landmarks_of
from gliosynth.labels import LabelMap, Mask, canonical_labels
from gliosynth.metrics.fidelity.radiomics import ENCODER_ID, feature_names
from gliosynth.report.panel import case_panel

DONORS: Final = Path("gliosynth/cohort/measurement/donor_geometry.npz")
"""Where the donors' geometry goes."""

CASES: Final = Path("gliosynth/cohort/judgement/reference_cases.json")
"""Where the measurements of real cases go."""

UNIT_MM: Final = (1.0, 1.0, 1.0)
"""Voxel edges of the anatomies and of the real cases, mm."""


PICTURES: Final = Path("gliosynth/report/real_cases")
"""Where the pictures go."""

JPEG_QUALITY: Final = 88
"""Quality of the pictures."""

FILE_ENDINGS: Final = ("t1", "t1ce", "t2", "flair")
"""Names of the contrasts in BraTS files up to 2021, in the order of `gliosynth.labels.CONTRASTS`."""


@dataclass(frozen=True, eq=False)
class RealImages:
    """A labelled real case.

    Attributes:
        contrasts: ``(4, X, Y, Z)`` float32, as stored.
        labels: ``(X, Y, Z)`` uint8.
        brain: ``(X, Y, Z)`` bool, where any contrast is above 0.
    """

    contrasts: NDArray[np.float32]
    labels: LabelMap
    brain: Mask


def measure_donors() -> None:
    """Writes the common frame and the tissue maps of the built-in anatomies in it."""
    names = anatomy_names()
    anatomies = [load_anatomy(name) for name in names]
    frame = common_frame([landmarks_of(anatomy.tissues, spacing_mm=UNIT_MM) for anatomy in anatomies])
    maps = [geometry_of(anatomy.tissues, frame, spacing_mm=UNIT_MM) for anatomy in anatomies]
    found = np.stack([one for one in maps if one is not None])
    if len(found) < len(names):
        raise SystemExit("an anatomy has too few landmarks")
    np.savez_compressed(DONORS, frame=frame, names=np.array(names), maps=found)
    print(f"{len(names)} donors, {DONORS.stat().st_size} bytes")


def measure_cases(data: Path) -> None:
    """Writes the measurements of the labelled real cases."""
    cases = []
    for folder in case_folders(data):
        case = load_real(folder)
        measured = measure_case(case.contrasts, case.labels, case.brain, None, spacing_mm=UNIT_MM)
        cases.append({"id": folder.name, "measurement": measured.to_dict()})
        print(f"{folder.name}: {measured.volumes.wt_ml:.1f} ml")
    text = json.dumps({"encoder": ENCODER_ID, "features": feature_names(), "cases": cases}, indent=1)
    CASES.write_text(text + "\n")


def draw_cases(data: Path) -> None:
    """Writes a picture of each labelled real case."""
    PICTURES.mkdir(exist_ok=True)
    for folder in case_folders(data):
        case = load_real(folder)
        panel = case_panel(case.contrasts, case.labels, case.brain, spacing_mm=UNIT_MM, title="")
        picture = Image.open(BytesIO(panel))
        picture.save(PICTURES / f"{folder.name}.jpg", quality=JPEG_QUALITY, optimize=True)


def case_folders(data: Path) -> list[Path]:
    """Returns the folders of labelled cases, sorted."""
    return sorted(path.parent for path in data.rglob("*_seg.nii.gz"))


def load_real(folder: Path) -> RealImages:
    """Returns a case of a BraTS folder (file names up to 2021) in RAS order, in its own intensities."""
    images = [canonical(next(folder.glob(f"*_{ending}.nii.gz"))).astype(np.float32) for ending in FILE_ENDINGS]
    brain: Mask = np.any([image > 0 for image in images], axis=0)
    labels = canonical_labels(canonical(next(folder.glob("*_seg.nii.gz"))), source=folder.name)
    return RealImages(np.stack(images), labels, brain)


def canonical(path: Path) -> NDArray[Any]:
    """Returns the voxels of a NIfTI file in RAS order."""
    return np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj)  # type: ignore[no-untyped-call]


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--donors", action="store_true", help="measure the built-in anatomies")
    parser.add_argument("--cases", action="store_true", help="measure the real cases")
    parser.add_argument("--pictures", action="store_true", help="draw the real cases")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GLIOSYNTH_DATA", "../shared/data")))
    line = parser.parse_args(arguments)
    if line.donors:
        measure_donors()
    if line.cases:
        measure_cases(line.data)
    if line.pictures:
        draw_cases(line.data)


if __name__ == "__main__":
    main()
