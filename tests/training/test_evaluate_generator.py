"""Tests of training.evaluate_generator and training.generation.trained: a run folder in, tables and JSON out."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gliosynth.errors import InvalidInputError, InvalidParameterError
from gliosynth.labels import CONTRASTS, Contrast
from training.data.ring import Ring
from training.evaluate_generator import main
from training.generation.presets import network_of, preset_of
from training.generation.trained import BATCH, generated, trained_generator
from training.loop.run_folder import save_weights


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a tiny joint generator that has learnt nothing."""
    torch.manual_seed(0)
    preset = preset_of("tiny", contrast=None)
    facts = {
        "kind": preset.kind, "preset": "tiny", "spec": preset.spec.as_json(), "step": 7, "size": list(preset.size),
        "contrasts": list(CONTRASTS), "multiple": preset.spec.multiple,
    }  # fmt: skip
    (tmp_path / "run").mkdir()
    save_weights(tmp_path / "run" / "best.safetensors", network_of(preset.spec), facts)
    return tmp_path / "run"


def test_a_trained_generator_paints_what_its_network_does(run: Path) -> None:
    """In batches of its own, by what the facts say of it; named with its digest."""
    painter = trained_generator(run / "best.safetensors")
    maps = np.random.default_rng(0).integers(3, 8, size=(BATCH + 1, 4, 16, 16), dtype=np.uint8)
    torch.manual_seed(0)
    network = network_of(preset_of("tiny", contrast=None).spec).eval()
    with torch.no_grad():
        wanted = network(torch.from_numpy(maps)).numpy()
    np.testing.assert_allclose(generated(painter, maps), wanted, atol=1e-6)
    assert painter.contrasts == tuple(Contrast)
    assert painter.size.fixed is None
    assert painter.identity.text.startswith("tiny/step 7@sha256:")


def test_the_command_prints_tables_and_keeps_every_figure(
    run: Path, ring: Ring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two cases of a folder of rings: their means stand in the table and in the JSON."""
    path = tmp_path / "scores.json"
    main(["--run", str(run), "--ring", str(ring.folder.parent), "--cases", "2", "--images-only", "--json", str(path)])
    printed = capsys.readouterr().out
    kept = json.loads(path.read_text())
    assert kept["mean"]["cases"] == len(kept["cases"]) == 2
    ssims = [case["contrasts"][0]["case"]["ssim"] for case in kept["cases"]]
    assert kept["mean"]["by_case"]["t1n"]["ssim"] == pytest.approx(np.mean(ssims))
    assert f"{np.mean(ssims):.4f}" in printed
    assert "data range 1" in printed


def test_what_is_missing_is_named(run: Path, ring: Ring, tmp_path: Path) -> None:
    """No ring, and no weights, each with its path."""
    with pytest.raises(InvalidInputError, match="no ring there"):
        main(["--run", str(run), "--ring", str(tmp_path / "nowhere"), "--images-only"])
    with pytest.raises(InvalidParameterError, match="name a run of training"):
        main(["--run", str(run), "--weights", "last", "--ring", str(ring.folder), "--images-only"])
