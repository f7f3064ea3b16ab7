"""A case on disk, a server in this process, and the command as a person runs it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gliosynth.cli import main
from gliosynth.client.fake import FakeServer
from gliosynth.nifti import write_nifti
from gliosynth.volume import Volume

AFFINE = np.array([[-1.0, 0, 0, 11], [0, 1, 0, -12], [0, 0, 2, 3], [0, 0, 0, 1]])
"""One of the many orders of axes: LAS, 1 x 1 x 2 mm."""

RunCommand = Callable[..., int]
"""Runs ``gliosynth`` with arguments; returns the exit code."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["gliosynth", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return command


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    """Four contrasts of 20 x 22 x 12 voxels; a cube of 3 x 3 x 3 voxels is bright in the t1c."""
    folder = tmp_path / "BraTS-GLI-00001-000"
    folder.mkdir()
    generator = np.random.default_rng(3)
    for suffix in ("t1n", "t1c", "t2w", "t2f"):
        data = generator.uniform(50, 100, (20, 22, 12)).astype(np.float32)
        if suffix == "t1c":
            data[8:11, 9:12, 5:8] = 1000
        (folder / f"BraTS-GLI-00001-000-{suffix}.nii.gz").write_bytes(write_nifti(Volume(data, AFFINE)))
    return folder
