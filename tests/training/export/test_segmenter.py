"""Tests of exporting segmenters from what a training run leaves behind."""

import json
from pathlib import Path

import pytest

from gliosynth.errors import GliosynthError, InvalidParameterError
from gliosynth.labels import Region
from training.export.__main__ import main
from training.export.segmenter import segmenter


def arguments(weights: Path, validation: Path, tmp_path: Path, *more: str) -> list[str]:
    """Returns the command line of an export into ``tmp_path/models``."""
    return [
        "segmenter", "--weights", str(weights), "--validation", str(validation),
        "--repository", str(tmp_path / "models"), *more,
    ]  # fmt: skip


def test_command_writes_a_model_that_can_be_served(
    weights: Path, validation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Model, configuration and card appear together, with the channel names the caller must build."""
    real = tmp_path / "real.json"
    real.write_text(json.dumps({"cases": [{"id": "case", "dice": {"TC": 0.7}, "baseline_dice": {"TC": 0.4}}]}))
    main(arguments(weights, validation, tmp_path, "--region", "TC", "--real", str(real)))
    made = tmp_path / "models" / "segmenter_tc"
    config, card = (made / "config.pbtxt").read_text(), (made / "card.md").read_text()
    assert (made / "1" / "model.onnx").stat().st_size > 0
    for part in ('name: "segmenter_tc"', "max_batch_size: 16", "dims: [ 4, -1, -1 ]", '"t1c-t1n,t1c,t2w,t2f"', '"0.5"'):
        assert part in config
    assert "| case | 0.700 | 0.400 |" in card
    for section in ("Intended use", "Interface", "Training", "Metrics", "Export", "Limits", "Licence"):
        assert f"\n## {section}\n" in card
    assert "onnxruntime" in capsys.readouterr().out


def test_dry_run_writes_nothing(
    weights: Path, validation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gate alone is run, and its figures are printed."""
    main(arguments(weights, validation, tmp_path, "--dry-run"))
    assert not (tmp_path / "models").exists()
    assert "passes, not written" in capsys.readouterr().out


def test_weights_of_another_region_are_refused(weights: Path, validation: Path) -> None:
    """The facts beside the weights say TC."""
    with pytest.raises(InvalidParameterError, match="network of TC") as caught:
        segmenter(Region.WT, weights=weights, validation=validation, real=None)
    assert caught.value.reason == "WRONG_REGION"


def test_command_ends_with_the_reason_where_weights_are_missing(validation: Path, tmp_path: Path) -> None:
    """One sentence and no traceback."""
    with pytest.raises(SystemExit, match=r"NO_WEIGHTS: .*RUN/best\.safetensors"):
        main(arguments(tmp_path / "none.safetensors", validation, tmp_path))
    assert issubclass(InvalidParameterError, GliosynthError)
