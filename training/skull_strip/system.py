"""The brain extractor as the loop trains it: one 2D U-Net for every contrast, on slices of simulated heads."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data.ring import Ring
from training.loop.devices import descend, set_up
from training.loop.options import LoopOptions
from training.loop.system import Evaluation, Step
from training.losses.overlap import OverlapWeights, region_loss
from training.networks.unet2d import UNet2d, UNet2dSpec
from training.skull_strip.head_simulator import STORED_PER_UNIT

SPEC: Final = UNet2dSpec(channels=1, widths=(16, 32, 64, 96))
"""The network: 2x2 pixels folded into the finest of four scales."""

VALIDATION_SLICES: Final = 4
"""Every n-th slice of a validation head is scored."""

SLICES_A_HEAD: Final = 4
"""Most slices of a batch that come from one head."""

WEIGHT_DECAY: Final = 1e-2
"""AdamW's."""

NETWORK: Final = "network"
"""Name of the one thing that learns."""


class SkullStripSystem:
    """One U-Net, one optimiser."""

    averaged = (NETWORK,)
    facts: Mapping[str, object] = {"preset": "skull_strip", "spec": SPEC.as_json()}  # never changed

    def __init__(self, options: LoopOptions, fabric: Fabric, *, ring: Ring, validation: Ring) -> None:
        """Makes the network from the seed.

        Args:
            options: Course of the run.
            fabric: The device or devices.
            ring: Heads that batches are drawn from.
            validation: Heads of the held-out anatomies.
        """
        self.options, self.fabric, self.ring, self.validation = options, fabric, ring, validation
        torch.manual_seed(options.seed)
        network = UNet2d(SPEC)
        optimizer = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=WEIGHT_DECAY)
        self.trained, self.optimizers = {NETWORK: network}, {NETWORK: optimizer}
        self.wrapped = set_up(fabric, network, optimizer)

    def state(self) -> Mapping[str, Tensor]:
        """Returns nothing: weights and moments are all there is."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes nothing back."""

    def step(self, at: Step) -> Mapping[str, float]:
        """Fits the network to one batch."""
        with at.data:
            self.ring.advance(at.number)
            drawn = [draw_batch(self.ring, count=at.count, rng=rng) for rng in at.rngs]
        inputs, reference = (self.fabric.to_device(torch.cat(parts)) for parts in zip(*drawn, strict=True))
        logits = self.wrapped(inputs.contiguous(memory_format=torch.channels_last))
        loss = region_loss(logits, reference, OverlapWeights())
        descend(self.fabric, self.trained[NETWORK], self.optimizers[NETWORK], loss=loss, clip=self.options.clip)
        return {"loss": float(loss.detach())}

    def evaluate(self, averaged: Mapping[str, nn.Module]) -> Evaluation:
        """Scores the mean Dice of brain on the held-out heads."""
        dice = validation_dice(averaged[NETWORK], self.validation)
        return Evaluation(dice, {"dice": dice})

    def picture(self, averaged: Mapping[str, nn.Module]) -> NDArray[np.uint8] | None:
        """Shows four middle slices of a held-out head, one a contrast, with the found brain's edge in white."""
        read = self.validation.read(0, np.array([self.validation.shape.slices // 2]))
        if read is None:
            return None
        images = torch.from_numpy(read.contrasts[0][:, None] / np.float32(STORED_PER_UNIT))
        with torch.no_grad():
            found = (averaged[NETWORK](images.to(self.fabric.device))[:, 0] > 0).float().cpu()
        edge = (nn.functional.max_pool2d(found[:, None], 3, 1, 1)[:, 0] - found).numpy() > 0
        grey = np.clip(images[:, 0].numpy() * 170, 0, 255).astype(np.uint8)
        return np.concatenate(
            [np.where(mark, np.uint8(255), one).T[::-1] for mark, one in zip(edge, grey, strict=True)], 1
        )


def draw_batch(ring: Ring, *, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Returns network input and brain, ``(B, 1, X, Y)`` float32 each, of random slices of random renderings.

    Args:
        ring: Ring with at least one head.
        count: Slices to draw.
        rng: Random generator.
    """
    images: list[NDArray[np.float32]] = []
    masks: list[NDArray[np.bool_]] = []
    while len(images) < count:
        wanted = min(SLICES_A_HEAD, count - len(images))
        planes = np.sort(rng.choice(ring.shape.slices, size=wanted, replace=False))
        read = ring.read(int(rng.choice(ring.held)), planes)
        if read is None:
            continue
        for contrasts, brain in zip(read.contrasts, read.brain, strict=True):
            image, mask = augmented(contrasts[rng.integers(4)] / STORED_PER_UNIT, brain, rng)
            images.append(image)
            masks.append(mask)
    inputs = torch.from_numpy(np.stack(images)[:, None].astype(np.float32))
    return inputs, torch.from_numpy(np.stack(masks)[:, None].astype(np.float32))


def augmented(
    image: NDArray[np.float32], brain: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Returns a slice mirrored, moved, and with gain and gamma changed; ``(X, Y)`` each, zeros stay zero."""
    if rng.random() < 0.5:
        image, brain = image[::-1], brain[::-1]
    shift = (int(rng.integers(-8, 9)), int(rng.integers(-8, 9)))
    image, brain = np.roll(image, shift, axis=(0, 1)), np.roll(brain, shift, axis=(0, 1))
    gain, gamma = float(rng.uniform(0.75, 1.3)), float(np.exp(rng.normal(0.0, 0.15)))
    return np.clip(gain * image**gamma, 0.0, 1.5), brain


def validation_dice(network: nn.Module, ring: Ring) -> float:
    """Returns the mean Dice of brain over all heads and renderings of a ring, every fourth slice."""
    scores = []
    planes = np.arange(0, ring.shape.slices, VALIDATION_SLICES)
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    for slot in ring.held:
        read = ring.read(int(slot), planes)
        if read is None:
            continue
        for channel in range(read.contrasts.shape[1]):
            inputs = torch.from_numpy(read.contrasts[:, channel : channel + 1] / np.float32(STORED_PER_UNIT))
            with torch.no_grad():
                found = network(inputs.to(device))[:, 0].cpu().numpy() > 0
            scores.append(2.0 * (found & read.brain).sum() / max(int(found.sum() + read.brain.sum()), 1))
    return float(np.mean(scores))
