"""The object store of a server: a local folder by default, S3, Google Cloud or Azure by one setting.

Keys are relative paths with "/" between folders. An object is written whole or not at all.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

import obstore
from obstore import exceptions
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from gliosynth.errors import StateError, StorageError, UnknownResourceError

CHUNK_BYTES: Final = 1 << 20
"""Most bytes that are read at once."""

RETRIES: Final = 3
"""Tries of one request to a remote store after the first; the jobs themselves try again later."""

RETRY_TIMEOUT_S: Final = 20
"""Seconds after which a request to a remote store is given up."""

FULL_MARKS: Final = ("os error 28", "os error 122", "no space left", "quota", "insufficientstorage")
"""What messages of a full disk (ENOSPC), a used-up quota (EDQUOT) or a full bucket contain, in lower case."""


class Store:
    """Reads and writes the objects of one store. Safe to use from several threads."""

    def __init__(self, store: ObjectStore, *, name: str, folder: Path | None = None) -> None:
        """Keeps the store.

        Args:
            store: Where the objects lie.
            name: How messages call it; no secrets.
            folder: The folder of a local store, None for any other.
        """
        self._store = store
        self._folder = folder
        self.name = name

    def put(self, key: str, data: bytes) -> None:
        """Writes an object, whole or not at all; one of the same key is replaced.

        Args:
            key: The object's key.
            data: Its bytes.

        Raises:
            StorageError: The store is full (STORE_FULL), refuses (STORE_REFUSED) or cannot be reached.
        """
        with self._errors(key):
            obstore.put(self._store, key, data, use_multipart=False)

    def get(self, key: str) -> bytes:
        """Returns the bytes of an object.

        Args:
            key: The object's key.

        Raises:
            UnknownResourceError: There is none.
            StorageError: The store refuses or cannot be reached.
        """
        with self._errors(key):
            return bytes(obstore.get(self._store, key).bytes())

    def chunks(self, key: str, *, start: int, end: int) -> Iterator[bytes]:
        """Yields a part of an object in pieces of at most `CHUNK_BYTES`.

        Args:
            key: The object's key.
            start: First byte.
            end: One past the last byte, above `start`.

        Raises:
            UnknownResourceError: There is no such object.
            StorageError: The store refuses or cannot be reached.
        """
        with self._errors(key):
            answer = obstore.get(self._store, key, options={"range": (start, end)})
            for piece in answer.stream(min_chunk_size=CHUNK_BYTES):
                view = memoryview(piece)
                for first in range(0, len(view), CHUNK_BYTES):
                    yield bytes(view[first : first + CHUNK_BYTES])

    def exists(self, key: str) -> bool:
        """Returns whether there is such an object.

        Args:
            key: The object's key.

        Raises:
            StorageError: The store refuses or cannot be reached.
        """
        try:
            with self._errors(key):
                obstore.head(self._store, key)
        except UnknownResourceError:
            return False
        return True

    def keys(self, prefix: str) -> list[str]:
        """Returns the keys below a folder, sorted.

        Args:
            prefix: The folder, without "/" at its end.

        Raises:
            StorageError: The store refuses or cannot be reached.
        """
        with self._errors(prefix):
            return sorted(str(found["path"]) for page in obstore.list(self._store, prefix) for found in page)

    def delete_folder(self, prefix: str) -> None:
        """Deletes every object below a folder; there need not be any.

        Args:
            prefix: The folder, without "/" at its end.

        Raises:
            StorageError: The store refuses or cannot be reached.
        """
        with self._errors(prefix):
            if self._folder is not None:
                # Writers that were killed leave partial files which the store does not list.
                shutil.rmtree(self._folder / prefix, ignore_errors=False, onerror=_unless_gone)
                return
            for page in obstore.list(self._store, prefix):
                obstore.delete(self._store, [str(found["path"]) for found in page])

    def signed_urls(self, keys: Sequence[str], *, lifetime_s: int) -> list[str]:
        """Returns URLs from which anyone can read the objects for a while.

        Args:
            keys: The objects' keys.
            lifetime_s: Seconds for which the URLs work.

        Raises:
            StateError: The store has no signed URLs (NO_SIGNED_URLS).
        """
        if self._folder is not None or not keys:
            raise StateError(
                f"{self.name} has no signed URLs; download through the server instead", reason="NO_SIGNED_URLS"
            )
        with self._errors(keys[0]):
            signer = cast(S3Store, self._store)
            return list(obstore.sign(signer, "GET", list(keys), timedelta(seconds=lifetime_s)))

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except (exceptions.NotFoundError, FileNotFoundError) as error:
            raise UnknownResourceError(
                f"{key} is not in {self.name}; it was deleted or never written", field="store", reason="OBJECT_MISSING"
            ) from error
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise _storage_error(error, key, self.name) from error


def open_store(url: str, *, folder: Path) -> Store:
    """Returns the store of a setting.

    Args:
        url: Such as ``s3://bucket/prefix``; credentials and endpoint come from the store's own standard variables
            (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, ...). Empty: the folder.
        folder: Local folder, made if needed.

    Raises:
        StorageError: The folder cannot be made, or the URL is of no store.
    """
    try:
        if not url:
            folder.mkdir(parents=True, exist_ok=True)
            return Store(LocalStore(folder.resolve()), name=f"the folder {folder}", folder=folder.resolve())
        if url.startswith("file://"):
            return open_store("", folder=Path(url.removeprefix("file://")))
        retries = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_TIMEOUT_S)}
        # An endpoint inside a cluster may well be http://: its own URL decides, nothing is downgraded.
        timeouts = {"timeout": timedelta(seconds=RETRY_TIMEOUT_S), "connect_timeout": timedelta(seconds=5)}
        options = {**timeouts, "allow_http": True}
        remote = from_url(url, retry_config=retries, client_options=options)  # type: ignore[call-overload]
        return Store(remote, name=url)
    except (exceptions.BaseError, OSError, ValueError) as error:
        raise _storage_error(error, "", url or str(folder)) from error


def _unless_gone(_function: object, _path: str, details: tuple[type[BaseException], BaseException, object]) -> None:
    """Raises what hindered a deletion, unless it was already done."""
    if not isinstance(details[1], FileNotFoundError):
        raise details[1]


def _storage_error(error: Exception, key: str, name: str) -> StorageError:
    """Returns the error of a store in three kinds: full, refusing, out of reach."""
    text = str(error)
    what = f"{name}: {key}" if key else name
    if any(mark in text.lower() for mark in FULL_MARKS):
        return StorageError(
            f"{what}: the store is full; make room, then resume the cohort", field="store", reason="STORE_FULL"
        )
    refused = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError)
    if isinstance(error, refused) or "os error 13" in text or "os error 30" in text:
        return StorageError(
            f"{what}: the store refuses; give the server the right to read and write it, then resume the cohort",
            field="store",
            reason="STORE_REFUSED",
        )
    return StorageError(
        f"{what}: the store cannot be used ({_first_line(text)}); check its address and that it runs",
        field="store",
        reason="STORE_UNAVAILABLE",
    )


def _first_line(text: str) -> str:
    """Returns the first line of a message, shortened: the rest is the library's own debugging output."""
    return (text.splitlines() or [""])[0][:200]
