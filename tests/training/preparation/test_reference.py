"""The stored reference is what the script measures."""

import os
from pathlib import Path

import pytest

from gliosynth.anatomy import load_anatomies
from gliosynth.cohort.judgement import load_reference
from gliosynth.cohort.measurement import measure_case
from gliosynth.cohort.measurement.geometry import common_frame, landmarks_of, load_frame
from training.preparation.reference import UNIT_MM, case_folders, load_real

DATA = Path(os.environ.get("GLIOSYNTH_DATA", "../shared/data"))


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real cases of the folder GLIOSYNTH_DATA")
def test_a_real_case_measures_as_stored() -> None:
    """Measuring a real case again gives the stored numbers; all seven are there."""
    folders = case_folders(DATA)
    stored = {case.id: case.measurement for case in load_reference()}
    assert [folder.name for folder in folders] == list(stored)
    case = load_real(folders[4])
    found = measure_case(case.contrasts, case.labels, case.brain, None, spacing_mm=UNIT_MM)
    expected = stored[folders[4].name]
    assert found.volumes.wt_ml == pytest.approx(38.3, abs=0.1)
    assert found.fingerprint == expected.fingerprint
    for first, second in zip(found.features, expected.features, strict=True):
        assert first == pytest.approx(second, rel=1e-4, abs=1e-4)


def test_the_common_frame_is_the_mean_of_the_built_in_anatomies() -> None:
    """The stored landmarks are those of the anatomies that ship with the library."""
    found = common_frame([landmarks_of(anatomy.tissues, spacing_mm=UNIT_MM) for anatomy in load_anatomies()])
    assert found == pytest.approx(load_frame(), abs=1e-9)
