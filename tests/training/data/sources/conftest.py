"""The real cases, and cases that every test of sources shares."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("GLIOSYNTH_DATA", Path(__file__).parents[4].parent / "shared" / "data"))


@pytest.fixture
def real_data() -> Path:
    """The folder of real cases: read here, never trained on."""
    if not (DATA / "glioma-tcga").is_dir():
        pytest.skip("set GLIOSYNTH_DATA to the folder that holds glioma-tcga and glioma-brats2021")
    return DATA
