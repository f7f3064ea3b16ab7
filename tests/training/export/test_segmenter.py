"""Tests of exporting segmenters from what a training run leaves behind."""

import json
from pathlib import Path

import onnxruntime
import pytest
import torch

from gliosynth.errors import GliosynthError, InvalidParameterError
from gliosynth.labels import Region
from training.export.__main__ import main
from training.export.segmenter import segmenter
from training.loop.run_folder import load_weights, save_weights
from training.networks.mean import MeanOfNetworks
from training.networks.unet2d import UNet2d, UNet2dSpec


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
        segmenter(Region.WT, weights=(weights,), validation=validation, real=None)
    assert caught.value.reason == "WRONG_REGION"


def test_command_ends_with_the_reason_where_weights_are_missing(validation: Path, tmp_path: Path) -> None:
    """One sentence and no traceback."""
    with pytest.raises(SystemExit, match=r"NO_WEIGHTS: .*RUN/best\.safetensors"):
        main(arguments(tmp_path / "none.safetensors", validation, tmp_path))
    assert issubclass(InvalidParameterError, GliosynthError)


def test_several_weights_are_served_as_the_mean_of_their_logits(
    weights: Path, validation: Path, tmp_path: Path
) -> None:
    """A second network of other widths: one graph, half the sum of both, and the card says so."""
    torch.manual_seed(1)
    other = UNet2d(UNet2dSpec(4, (4, 4, 4, 4))).eval()
    facts = json.loads(weights.with_suffix(".json").read_text()) | {"spec": other.spec.as_json()}
    save_weights(tmp_path / "other.safetensors", other, facts)
    line = arguments(weights, validation, tmp_path)
    line.insert(line.index(str(weights)) + 1, str(tmp_path / "other.safetensors"))
    main(line)
    made = tmp_path / "models" / "segmenter_tc"
    first = UNet2d(UNet2dSpec(4, (4, 6, 8, 10))).eval()
    load_weights(weights, first)
    slices = torch.randn(2, 4, 32, 48)
    with torch.no_grad():
        expected = (first(slices) + other(slices)) / 2
        torch.testing.assert_close(MeanOfNetworks([first, other])(slices), expected)
    session = onnxruntime.InferenceSession(str(made / "1" / "model.onnx"))
    (given,) = session.run(None, {"contrasts": slices.numpy()})
    torch.testing.assert_close(torch.from_numpy(given), expected, atol=1e-3, rtol=0)
    assert "The mean of 2 networks' logits" in (made / "card.md").read_text()


def test_mean_of_networks_that_see_other_channels_is_refused(weights: Path, validation: Path, tmp_path: Path) -> None:
    """A 2.5D network beside one that sees a slice alone."""
    spec = UNet2dSpec(12, (4, 4, 4, 4))
    facts = json.loads(weights.with_suffix(".json").read_text()) | {"spec": spec.as_json(), "preset": "tc-2.5d"}
    save_weights(tmp_path / "other.safetensors", UNet2d(spec), facts)
    with pytest.raises(InvalidParameterError, match="t1c-t1n@-2") as caught:
        segmenter(None, weights=(weights, tmp_path / "other.safetensors"), validation=validation, real=None)
    assert caught.value.reason == "DIFFERENT_INPUTS"
