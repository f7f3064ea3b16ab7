"""Tests of the model repository."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gliosynth.errors import ModelError, UnknownModelError
from services.runtime.inference.repository import ModelRepository

if TYPE_CHECKING:
    from conftest import TinyRepository


def test_models_are_found_by_name_and_version(models: TinyRepository) -> None:
    """Files and hidden folders of the root are passed over; the newest version comes without a name."""
    models.add("net", [1.0], version=1)
    models.add("net", [1.0], version=12, extra="version_policy: { all { } }")
    models.add("other", [1.0])
    (models.root / "README.md").write_text("about the models")
    (models.root / ".cache").mkdir()
    repository = ModelRepository(models.root)
    assert repository.names == ("net", "other")
    assert [entry.version for entry in repository.versions("net")] == [12, 1]
    assert repository.find("net").version == 12
    assert repository.find("net", "1").model_file == models.root / "net" / "1" / "model.onnx"


@pytest.mark.parametrize(("name", "version"), [("nett", ""), ("../net", ""), ("", ""), ("net", "2"), ("net", "../1")])
def test_unknown_model_or_version_is_refused(name: str, version: str, models: TinyRepository) -> None:
    """A path is no name; the message lists what there is."""
    models.add("net", [1.0])
    with pytest.raises(UnknownModelError, match=r"has net|has 1"):
        ModelRepository(models.root).find(name, version)


def test_digest_is_that_of_sha256sum(models: TinyRepository) -> None:
    """Anyone can check it: sha256sum config.pbtxt 1/model.onnx | sha256sum."""
    folder = models.add("net", [1.0])
    lines = subprocess.run(
        ["sha256sum", "1/model.onnx", "config.pbtxt"], cwd=folder, capture_output=True, check=True
    ).stdout
    assert ModelRepository(models.root).find("net").digest == hashlib.sha256(lines).hexdigest()


def test_digest_changes_with_weights_and_with_configuration(models: TinyRepository) -> None:
    """What decides an answer is in it, the card is not."""
    folder = models.add("net", [1.0])
    before = ModelRepository(models.root).find("net").digest
    (folder / "card.md").write_text("# net")
    assert ModelRepository(models.root).find("net").digest == before
    config = folder / "config.pbtxt"
    config.write_text(config.read_text() + 'parameters { key: "threshold" value: { string_value: "0.3" } }\n')
    changed = ModelRepository(models.root).find("net").digest
    (folder / "1" / "model.onnx").write_bytes(b"other weights")
    assert len({before, changed, ModelRepository(models.root).find("net").digest}) == 3


def test_card_is_read_and_may_be_missing(models: TinyRepository) -> None:
    """No card is an empty text."""
    (models.add("net", [1.0]) / "card.md").write_text("# What it is")
    models.add("bare", [1.0])
    repository = ModelRepository(models.root)
    assert (repository.find("net").card, repository.find("bare").card) == ("# What it is", "")


def test_repository_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The setting is named."""
    with pytest.raises(ModelError, match="set the folder") as caught:
        ModelRepository(tmp_path / "nowhere")
    assert (caught.value.reason, caught.value.field) == ("NO_REPOSITORY", "model_repository")


def test_version_without_a_network_is_refused(models: TinyRepository) -> None:
    """The folder is there, the file is not."""
    (models.add("net", [1.0]) / "1" / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"has no model\.onnx"):
        ModelRepository(models.root)


def test_model_without_a_served_version_is_refused(models: TinyRepository) -> None:
    """The policy names a version that is not there."""
    models.add("net", [1.0], extra="version_policy: { specific { versions: [ 7 ] } }")
    with pytest.raises(ModelError, match=r"none of its version folders \[1\] is served"):
        ModelRepository(models.root)
