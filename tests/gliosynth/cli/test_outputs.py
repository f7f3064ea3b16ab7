"""Files appear whole and together, or not at all."""

from pathlib import Path

import pytest

from gliosynth.cli.outputs import write_files
from gliosynth.errors import InvalidParameterError


def test_all_files_are_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    """Contents are exact, the folder is made, no temporary file stays."""
    paths = write_files(tmp_path / "a" / "b", {"one": b"1", "two": b"22"})
    assert [path.read_bytes() for path in paths] == [b"1", b"22"]
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["one", "two"]


def test_a_file_of_that_name_is_replaced(tmp_path: Path) -> None:
    """The second run wins."""
    write_files(tmp_path, {"one": b"old"})
    write_files(tmp_path, {"one": b"new"})
    assert (tmp_path / "one").read_bytes() == b"new"


def test_a_failure_leaves_the_old_files_alone(tmp_path: Path) -> None:
    """The second name cannot be written, so the first one is not touched."""
    write_files(tmp_path, {"one": b"old"})
    with pytest.raises(InvalidParameterError, match="--out"):
        write_files(tmp_path, {"one": b"new", "folder/that/is/not/there": b""})
    assert (tmp_path / "one").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InvalidParameterError, match="cannot be written"):
        write_files(tmp_path / "out", {"one": b"1"})
