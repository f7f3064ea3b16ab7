"""Tests of training.networks.vgg19."""

import io
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gliosynth.errors import InvalidParameterError
from training.networks.vgg19 import IMAGENET_MEAN, IMAGENET_SD, Vgg19Features, load_vgg19, torchvision_names


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """Returns random weights under torchvision's names, small enough to test with, and its classifier's first bias."""
    torch.manual_seed(0)
    own = Vgg19Features().state_dict()
    named = dict(zip(torchvision_names(), own.values(), strict=True))
    return {**named, "classifier.0.bias": torch.zeros(7)}


def test_names_are_torchvisions() -> None:
    """conv1_1 is features.0, conv2_1 is 5, conv3_1 is 10, conv4_1 is 19 and conv5_2 is 30."""
    names = torchvision_names()
    assert len(names) == 2 * 14
    for place in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30):
        assert f"features.{place}.weight" in names


@pytest.mark.parametrize("name", ["vgg19.safetensors", "vgg19.pth"])
def test_features_are_those_of_the_plain_layers(name: str, weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    """From either file, conv1_2 and conv2_2 are what the layers written out give, grey as all three colours."""
    path = tmp_path / name
    if path.suffix == ".pth":
        torch.save(weights, path)
    else:
        save_file(weights, path)
    image = torch.rand(1, 1, 32, 32)
    found = load_vgg19(path).features(image)
    x = (image - torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)) / torch.tensor(IMAGENET_SD).view(1, 3, 1, 1)
    wanted = []
    for places in ((0, 2), (5, 7)):
        for place in places:
            kernel, bias = weights[f"features.{place}.weight"], weights[f"features.{place}.bias"]
            x = torch.relu(torch.nn.functional.conv2d(x, kernel, bias, padding=1))
        wanted.append(x)
        x = torch.nn.functional.max_pool2d(x, 2)
    torch.testing.assert_close(found[0], wanted[0])
    torch.testing.assert_close(found[1], wanted[1])
    assert [feature.shape[1:] for feature in found[2:]] == [(256, 8, 8), (512, 4, 4), (512, 2, 2)]


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    """The message names the first layer that is not VGG-19's and says what to save."""
    path = tmp_path / "resnet.safetensors"
    save_file({"conv1.weight": torch.zeros(4)}, path)
    with pytest.raises(InvalidParameterError, match=r"'features\.0\.weight', the file has nothing; save torchvision's"):
        load_vgg19(path)


def test_layers_of_another_size_are_refused(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    """VGG-11 has the same names for other layers."""
    path = tmp_path / "vgg.pth"
    torch.save({**weights, "features.2.weight": torch.zeros(128, 64, 3, 3)}, path)
    with pytest.raises(InvalidParameterError, match=r"has \(64, 64, 3, 3\) under 'features\.2\.weight'.*\(128, 64"):
        load_vgg19(path)


def test_no_pickled_code_is_run(tmp_path: Path) -> None:
    """A .pth that would run something is refused, and does not run."""

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "bomb.pth"
    held = io.BytesIO()
    pickle.dump({"features.0.weight": Bomb()}, held, protocol=2)
    path.write_bytes(held.getvalue())
    with pytest.raises(InvalidParameterError, match="cannot be read as tensors"):
        load_vgg19(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_and_rubbish_are_named(tmp_path: Path) -> None:
    """Each with what to do."""
    with pytest.raises(InvalidParameterError, match="there is no such file; save torchvision's"):
        load_vgg19(tmp_path / "none.pth")
    rubbish = tmp_path / "rubbish.safetensors"
    rubbish.write_bytes(b"no tensors here")
    with pytest.raises(InvalidParameterError, match="cannot be read as tensors"):
        load_vgg19(rubbish)
