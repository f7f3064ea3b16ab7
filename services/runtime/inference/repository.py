"""The model repository: one folder a model, one numbered folder a version, as Triton reads it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gliosynth.errors import ModelError, UnknownModelError
from services.runtime.inference.config import ModelConfig, read_config

MODEL_FILES: Final[Mapping[str, str]] = {"onnxruntime": "model.onnx", "pytorch": "model.pt"}
"""Name of the network's file in a version folder, by backend, as Triton names it."""

HASH_CHUNK_BYTES: Final = 1 << 20
"""How much of a file is hashed at a time."""


@dataclass(frozen=True)
class ModelEntry:
    """One version of one model, as it lies in the repository.

    Attributes:
        name: The model's folder.
        version: The version folder's number.
        folder: The version folder.
        config: What config.pbtxt says.
        digest: SHA-256 in hexadecimal over the lines that ``sha256sum`` prints for config.pbtxt and every file of the
            version folder, with paths relative to the model's folder and in their order: what decides an answer
            (of an ensemble its own files alone: the models of its steps have digests of their own).
        card: The text of card.md, or ``""``.
    """

    name: str
    version: int
    folder: Path
    config: ModelConfig
    digest: str
    card: str

    @property
    def model_file(self) -> Path:
        """The network's file."""
        return self.folder / model_file(self.config)


def model_file(config: ModelConfig) -> str:
    """Returns the name of the network's file; a backend that no engine here knows has onnxruntime's."""
    return MODEL_FILES.get(config.backend, MODEL_FILES["onnxruntime"])


class ModelRepository:
    """The models of a folder, read once: to serve other files, start again."""

    def __init__(self, root: Path) -> None:
        """Reads every model of the folder.

        Args:
            root: The folder; files and hidden folders in it are passed over.

        Raises:
            ModelError: The folder is missing (NO_REPOSITORY), or a model in it cannot be served (BAD_CONFIG).
        """
        if not root.is_dir():
            raise ModelError(
                f"there is no model repository at {root}; set the folder that holds the models",
                field="model_repository",
                got=str(root),
                reason="NO_REPOSITORY",
            )
        self.root = root
        folders = sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith("."))
        self._entries = {folder.name: _read_versions(folder) for folder in folders}

    @property
    def names(self) -> tuple[str, ...]:
        """The models by name."""
        return tuple(self._entries)

    def versions(self, name: str) -> tuple[ModelEntry, ...]:
        """Returns the served versions of a model, newest first.

        Args:
            name: The model.

        Raises:
            UnknownModelError: There is no such model.
        """
        if name not in self._entries:
            raise UnknownModelError(
                f"there is no model {name!r}; the repository has {', '.join(self.names) or 'none'}",
                field="model",
                got=name[:80],
            )
        return self._entries[name]

    def find(self, name: str, version: str = "") -> ModelEntry:
        """Returns one version of a model.

        Args:
            name: The model.
            version: The version folder's name, or ``""`` for the newest.

        Raises:
            UnknownModelError: There is no such model, or no such version of it.
        """
        entries = self.versions(name)
        if not version:
            return entries[0]
        for entry in entries:
            if str(entry.version) == version:
                return entry
        raise UnknownModelError(
            f"model {name!r} has no version {version!r}; it has {', '.join(str(entry.version) for entry in entries)}",
            field="model_version",
            got=version[:80],
            reason="UNKNOWN_MODEL_VERSION",
        )


def _read_versions(folder: Path) -> tuple[ModelEntry, ...]:
    config = read_config(folder / "config.pbtxt")
    available = tuple(int(child.name) for child in folder.iterdir() if child.is_dir() and child.name.isdecimal())
    served = config.version_policy.served(available)
    if not served:
        raise ModelError(
            f"model {folder.name}: none of its version folders {sorted(available)} is served; add a folder such as 1/"
            " or change version_policy in its config.pbtxt",
            field=folder.name,
            got=str(sorted(available)),
            reason="BAD_CONFIG",
        )
    return tuple(_read_entry(folder, config=config, version=version) for version in served)


def _read_entry(folder: Path, *, config: ModelConfig, version: int) -> ModelEntry:
    version_folder = folder / str(version)
    if not config.is_ensemble and not (version_folder / model_file(config)).is_file():
        raise ModelError(
            f"model {folder.name}: version {version} has no {model_file(config)}; put the network there",
            field=folder.name,
            got=str(version),
            reason="BAD_CONFIG",
        )
    card = folder / "card.md"
    return ModelEntry(
        name=folder.name,
        version=version,
        folder=version_folder,
        config=config,
        digest=_digest(folder, version_folder),
        card=card.read_text(encoding="utf-8") if card.is_file() else "",
    )


def _digest(folder: Path, version_folder: Path) -> str:
    files = [folder / "config.pbtxt", *(path for path in version_folder.rglob("*") if path.is_file())]
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    lines = "".join(f"{_file_sha256(folder / name)}  {name}\n" for name in names)
    return hashlib.sha256(lines.encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()
