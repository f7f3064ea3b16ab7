"""Tests of versions in the model repository: whole or not at all, and known to the services by the same digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gliosynth.errors import InvalidParameterError
from services.runtime.inference import ModelRepository
from training.export import repository as placing
from training.export.model import ExportOptions, ServedModel, export_model
from training.export.repository import next_version, put_version


def test_next_version_follows_and_both_are_served(model: ServedModel, tmp_path: Path) -> None:
    """Versions 1 and 2 mean the same, so a client of the first can finish with it."""
    for number in (1, 2):
        (made,) = export_model(model, ExportOptions(tmp_path))
        assert made.version.number == number
    assert [entry.version for entry in ModelRepository(tmp_path).versions("net")] == [2, 1]


def test_version_of_another_meaning_is_served_alone(make_model: Callable[..., ServedModel], tmp_path: Path) -> None:
    """Version 1 saw t1n; under the configuration of version 2 it would be given t1c - t1n."""
    export_model(make_model(parameters={"channels": "t1n"}), ExportOptions(tmp_path))
    export_model(make_model(parameters={"channels": "t1c-t1n"}), ExportOptions(tmp_path))
    assert [entry.version for entry in ModelRepository(tmp_path).versions("net")] == [2]
    assert (tmp_path / "net" / "1" / "model.onnx").is_file()


def test_card_names_the_digest_that_answers_name(model: ServedModel, tmp_path: Path) -> None:
    """The digest of the exporter is that of the services."""
    (made,) = export_model(model, ExportOptions(tmp_path))
    entry = ModelRepository(tmp_path).find("net")
    assert made.report.digest == entry.digest
    assert f"sha256:{entry.digest}" in entry.card


def test_version_can_be_replaced_but_not_slipped_in_below(model: ServedModel, tmp_path: Path) -> None:
    """The newest is served: an older number would never answer."""
    export_model(model, ExportOptions(tmp_path, version=3))
    export_model(model, ExportOptions(tmp_path, version=3))
    assert placing.versions_of(tmp_path / "net") == [3]
    with pytest.raises(InvalidParameterError, match="name 3 to replace it or 4 to follow it") as caught:
        export_model(model, ExportOptions(tmp_path, version=2))
    assert caught.value.reason == "BAD_VERSION"


def test_failed_write_leaves_the_version_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails while the new folder takes its place: old files, old configuration, nothing else."""
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"one")
    folder = tmp_path / "models" / "net"
    put_version(next_version(folder, wanted=None), files=(weights,), config="config 1", card="card 1")
    weights.write_bytes(b"two")
    rename = Path.rename

    def fail_once(source: Path, target: Path) -> Path:
        if source.name == "new":
            raise OSError("disk")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(OSError, match="disk"):
        put_version(next_version(folder, wanted=None), files=(weights,), config="config 2", card="card 2")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["net"]
    assert sorted(path.name for path in folder.iterdir()) == ["1", "card.md", "config.pbtxt"]
    assert (folder / "config.pbtxt").read_text() == "config 1"
    assert (folder / "1" / "model.onnx").read_bytes() == b"one"


def test_gpu_alone_is_asked_for(model: ServedModel, tmp_path: Path) -> None:
    """Triton takes KIND_AUTO on any machine; KIND_GPU is for those who say so."""
    export_model(model, ExportOptions(tmp_path))
    export_model(replace(model, name="gpu"), ExportOptions(tmp_path, device="gpu"))
    assert "kind: KIND_AUTO" in (tmp_path / "net" / "config.pbtxt").read_text()
    assert "kind: KIND_GPU" in (tmp_path / "gpu" / "config.pbtxt").read_text()
