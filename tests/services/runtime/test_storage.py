"""Tests of services.runtime.storage on a local folder: whole objects, ranges, and what fails."""

from pathlib import Path

import pytest
from obstore import exceptions

from gliosynth.errors import StateError, StorageError, UnknownResourceError
from services.runtime.storage import CHUNK_BYTES, Store, _storage_error, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store("", folder=tmp_path / "store")


def test_an_object_is_read_as_it_was_written(store: Store) -> None:
    """The last write of a key stays."""
    store.put("a/b.bin", b"one")
    store.put("a/b.bin", b"two")
    assert store.get("a/b.bin") == b"two"
    assert store.keys("a") == ["a/b.bin"]


def test_a_range_comes_in_pieces(store: Store) -> None:
    """No piece is larger than a chunk, and together they are the range."""
    data = bytes(range(256)) * 20_000
    store.put("big", data)
    pieces = list(store.chunks("big", start=7, end=len(data) - 3))
    assert b"".join(pieces) == data[7:-3]
    assert max(map(len, pieces)) <= CHUNK_BYTES
    assert len(pieces) > 1


def test_what_is_not_there_is_unknown(store: Store) -> None:
    """Reading raises, asking does not, an empty folder lists nothing, deleting nothing is no error."""
    with pytest.raises(UnknownResourceError, match="nothing"):
        store.get("nothing")
    assert not store.exists("nothing")
    assert store.keys("nothing") == []
    store.delete_folder("nothing")


def test_deleting_a_folder_takes_what_killed_writers_left(store: Store, tmp_path: Path) -> None:
    """Also files that the store does not list, and no folder beside it."""
    store.put("a/b", b"1")
    store.put("ab/c", b"2")
    (tmp_path / "store" / "a" / "b#1").write_bytes(b"half")
    store.delete_folder("a")
    assert not (tmp_path / "store" / "a").exists()
    assert store.keys("ab") == ["ab/c"]


def test_a_folder_signs_no_urls(store: Store) -> None:
    """It says what to do instead."""
    store.put("a", b"1")
    with pytest.raises(StateError, match="download through the server"):
        store.signed_urls(["a"], lifetime_s=60)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Unable to copy data to file: No space left on device (os error 28)", "STORE_FULL"),
        ("Disk quota exceeded (os error 122)", "STORE_FULL"),
        ("Unable to open file: Read-only file system (os error 30)", "STORE_REFUSED"),
        ("Permission denied (os error 13)", "STORE_REFUSED"),
        ("error sending request", "STORE_UNAVAILABLE"),
    ],
)
def test_each_kind_of_failure_has_its_reason(text: str, reason: str) -> None:
    """By what object stores write about it; tests of the work meet the real disk."""
    assert _storage_error(exceptions.GenericError(text), "a/b", "the folder x").reason == reason


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file is in the way."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file"):
        open_store("", folder=tmp_path / "file" / "store")


def test_an_unknown_kind_of_store_is_refused(tmp_path: Path) -> None:
    """The URL's scheme says which store; this one says nothing."""
    with pytest.raises(StorageError, match="gopher"):
        open_store("gopher://somewhere", folder=tmp_path)
