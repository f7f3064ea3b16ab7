"""A cohort of the library's own comes back as training cases."""

from pathlib import Path

import pytest

from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import make_case
from gliosynth.cohort.spec import parse_spec
from gliosynth.labels import CONTRASTS
from training.data.sources.layouts import find_cases, layout_of
from training.data.sources.reading import read_case


def test_a_cohort_of_ours_is_read_as_it_was_made(tmp_path: Path) -> None:
    """Found as BIDS, all contrasts, the volumes of brain and tumour that its manifest says, from 4 mm to 1 mm."""
    spec = parse_spec(
        {
            "name": "Small cohort", "case_count": 1, "seed": 11, "anatomies": {"built_in": ["head_03"]},
            "grid": {"shape": [40, 48, 40], "spacing_mm": [4.0, 4.0, 4.0]}, "tumour": {"free_share": 0.0},
            "release": {"enforce": False},
        }
    )  # fmt: skip
    made = make_case(spec, 0, anatomies=SpecAnatomies(spec), segment=None, check=lambda: None)
    for name, content in made.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (found,) = find_cases(tmp_path)
    volume, said = read_case(found), made.summary.measurement.volumes
    assert layout_of(tmp_path).name == "bids"
    assert volume.present == CONTRASTS
    assert volume.brain.sum() / 1000 == pytest.approx(said.brain_ml, rel=0.02)
    assert (volume.labels > 0).sum() / 1000 == pytest.approx(said.wt_ml, rel=0.1)
