"""VGG-19 up to conv5_2, the network of paper 002's perceptual loss, with weights from a file that the user names.

K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, table 1,
column E: 3x3 convolutions with padding 1, ReLU after each, 2x2 max-pooling after the blocks. The weights are ImageNet's
and are not shipped: they are a state dict as torchvision writes it (``features.0.weight`` ...), as .safetensors or as
.pth, of which only tensors are read.
"""

import itertools
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gliosynth.errors import InvalidParameterError

BLOCKS: Final = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256, 256), (256, 512, 512, 512, 512), (512, 512, 512))
"""Channels into and out of the convolutions of each block; the fifth block ends at conv5_2."""

LAYERS: Final = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")
"""The layers whose features are taken: the second of each block."""

TAKEN: Final = 2
"""Convolutions of a block before its features are taken."""

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
"""Mean of the training images, red, green, blue, in 0 to 1; torchvision's weights expect it subtracted."""

IMAGENET_SD: Final = (0.229, 0.224, 0.225)
"""Standard deviation of the training images; torchvision's weights expect images divided by it."""

WHERE: Final = (
    "save torchvision's vgg19 state dict (keys features.0.weight ...) as .safetensors or .pth and name that file"
)
"""What to do about a wrong file."""


class Vgg19Features(nn.Module):
    """x -> relu(W * x) in five blocks with 2x2 max-pooling between; features after the second convolution of each."""

    def __init__(self) -> None:
        """Builds the convolutions, weights drawn from torch's global generator."""
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths)) for widths in BLOCKS
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(IMAGENET_SD).view(1, 3, 1, 1), persistent=False)

    @property
    def multiple(self) -> int:
        """Number of pixels that height and width must be a multiple of."""
        return 1 << (len(BLOCKS) - 1)

    def features(self, contrast: Tensor) -> list[Tensor]:
        """Returns the features of conv1_2, 2_2, 3_2, 4_2 and 5_2, after their ReLU.

        Args:
            contrast: Unit intensities ``(B, 1, H, W)``; the three colours are all this grey.

        Returns:
            ``(B, 64 to 512, H / 2^k, W / 2^k)`` for k = 0 to 4, not negative.
        """
        x = (contrast - cast(Tensor, self.mean)) / cast(Tensor, self.sd)
        found: list[Tensor] = []
        for block in cast(list[nn.ModuleList], list(self.blocks)):
            if found:
                x = nn.functional.max_pool2d(x, 2)
            for number, convolution in enumerate(block, start=1):
                x = torch.relu(convolution(x))
                if number == TAKEN:
                    found.append(x)
        return found


def load_vgg19(path: Path) -> Vgg19Features:
    """Returns VGG-19 with the weights of a file.

    Args:
        path: torchvision's state dict as .safetensors or .pth; layers beyond conv5_2 are not read.

    Raises:
        InvalidParameterError: There is no such file, or it is not VGG-19's state dict.
    """
    network = Vgg19Features()
    found = _read(path)
    wanted = dict(zip(torchvision_names(), network.state_dict(), strict=True))
    for name, own in wanted.items():
        expected = network.state_dict()[own].shape
        if name not in found or found[name].shape != expected:
            got = f"shape {tuple(found[name].shape)}" if name in found else "nothing"
            raise InvalidParameterError(
                f"{path}: VGG-19 has {tuple(expected)} under {name!r}, the file has {got}; {WHERE}",
                field=name,
                got=got,
            )
    network.load_state_dict({own: found[name].float() for name, own in wanted.items()})
    return network.eval().requires_grad_(False)


def torchvision_names() -> list[str]:
    """Returns torchvision's names of the weights, in the order of our state dict.

    Its ``features`` count convolutions, ReLUs and poolings alike: 0, 2, (4 pooling), 5, 7, (9), 10, ...
    """
    names, place = [], 0
    for block in BLOCKS:
        for _ in block[1:]:
            names += [f"features.{place}.weight", f"features.{place}.bias"]
            place += 2
        place += 1
    return names


def _read(path: Path) -> Mapping[str, Tensor]:
    """Returns the tensors of a file, never running what a pickle may hold."""
    if not path.is_file():
        raise InvalidParameterError(f"{path}: there is no such file; {WHERE}", field="vgg19", got=str(path))
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise InvalidParameterError(
            f"{path}: it cannot be read as tensors ({type(error).__name__}); {WHERE}", field="vgg19", got=str(path)
        ) from error
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise InvalidParameterError(
            f"{path}: it holds a {type(loaded).__name__}, not tensors by name; {WHERE}", field="vgg19", got=str(path)
        )
    return loaded
