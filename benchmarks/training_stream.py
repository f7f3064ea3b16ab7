"""Times what feeds a segmenter: the simulator, the batches drawn from its ring, the steps, and all of it on two cores.

Launch in the peers' environment, with this project on the path, on an idle machine:

    OMP_NUM_THREADS=1 PYTHONPATH=. .venv-peers/bin/python benchmarks/training_stream.py --seconds 60
    OMP_NUM_THREADS=1 PYTHONPATH=. .venv-peers/bin/python benchmarks/training_stream.py --seconds 2 --balls   # try it

Every line is measured alone, one after the other, in slices a second. Both trainers fit the same U-Net with the same
loss on slices of the same ring and the same crop. Ours draws in the trainer's process, and its second core simulates
new volumes; TorchIO has the second core for its transforms (a data loader with one worker), and its ring stays as it
is. Its transforms are the kin of ours: flip, rotation and scale, crop, gamma, lower resolution, gain and offset, noise,
a lost contrast. So the peer does less on as many cores: nothing renews what it learns from.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gliosynth.labels import region_mask
from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, Simulate, feed
from training.data.simulated import simulator
from training.data.stream import Feed, Pace, Stream
from training.losses.overlap import deep_loss
from training.networks.unet2d import UNet2d
from training.segmentation.augment import augment
from training.segmentation.presets import Preset, network_input, segmenter
from training.segmentation.samples import draw_views

BATCH = 16
"""Slices a step."""

Batch = tuple[Tensor, Tensor]
"""Network input ``(B, 4, H, W)`` and reference ``(B, 1, H, W)``."""


def balls() -> Simulate:
    """Returns the stand-in for the simulator."""
    return simulate_ball


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        name: What was measured.
        rate: Slices a second.
        note: What else happened.
    """

    name: str
    rate: float
    note: str = ""


def rate_of(work: Callable[[], object], *, seconds: float, slices: int) -> float:
    """Returns slices a second of a work that handles some at each call; the first call is not timed."""
    work()
    start, calls = time.monotonic(), 0
    while time.monotonic() - start < seconds or calls == 0:
        work()
        calls += 1
    return calls * slices / (time.monotonic() - start)


@dataclass(eq=False)
class Trainer:
    """The step that both sides take: forward, loss, backward, AdamW, in bf16 and channels last.

    Attributes:
        preset: Network and loss.
    """

    preset: Preset
    network: UNet2d = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        """Makes network and optimiser."""
        torch.manual_seed(0)
        self.network = UNet2d(self.preset.spec)
        self.network.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), 1e-3)

    def step(self, batch: Batch) -> None:
        """Fits one batch."""
        inputs, reference = batch
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(inputs.contiguous(memory_format=torch.channels_last))
        loss = deep_loss(logits, reference, self.preset.weights)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def our_batches(ring: Ring, preset: Preset) -> Iterator[Batch]:
    """Yields batches as `training.segmentation.system` draws them."""
    for step in range(10**9):
        ring.advance(step)
        rng = np.random.default_rng([0, step, 0])
        drawn = augment(draw_views(ring, preset, count=BATCH, rng=rng), preset, rng=rng)
        reference = torch.from_numpy(region_mask(drawn.labels.numpy(), preset.region)).float()
        yield network_input(drawn.contrasts, subtract=preset.subtract), reference


class TorchioSlices(torch.utils.data.IterableDataset[Batch]):
    """Random slices of a ring through TorchIO's transforms."""

    def __init__(self, ring: Path, preset: Preset) -> None:
        self.folder, self.preset = ring, preset

    def __iter__(self) -> Iterator[Batch]:
        """Yields ``(4, H, W)`` and ``(1, H, W)``."""
        import torchio as tio

        torch.set_num_threads(1)
        ring, rng, transform = Ring(self.folder), np.random.default_rng(0), torchio_transforms(self.preset)
        while True:
            read = ring.read(int(rng.choice(ring.held)), rng.integers(ring.shape.slices, size=1))
            if read is None or not read.brain.any():
                continue
            mask = region_mask(read.labels, self.preset.region)[0]
            subject = tio.Subject(
                image=tio.ScalarImage(tensor=torch.from_numpy(read.contrasts[0][..., None])),
                label=tio.LabelMap(tensor=torch.from_numpy(mask[None, ..., None].astype(np.uint8))),
            )
            varied = transform(subject)
            gain, offset = rng.uniform(0.85, 1.15, (4, 1, 1)), rng.uniform(-0.2, 0.2, (4, 1, 1))
            image = varied["image"].data[..., 0] * torch.from_numpy(gain).float() + torch.from_numpy(offset).float()
            if rng.random() < self.preset.variation.channel_dropout:
                image[int(rng.integers(4))] = 0
            yield image, varied["label"].data[..., 0].float()


def torchio_transforms(preset: Preset) -> Callable[..., dict[str, object]]:
    """Returns TorchIO's kin of `training.segmentation.augment`, with its ranges and chances."""
    import torchio as tio

    how = preset.variation
    return tio.Compose(
        [
            tio.RandomFlip(axes=(0,), flip_probability=0.5),
            tio.RandomAffine(scales=(0.8, 1.2, 0.8, 1.2, 1, 1), degrees=(0, 0, 0, 0, -15, 15)),
            tio.CropOrPad((*preset.crop, 1)),
            tio.RandomGamma(log_gamma=(-0.4, 0.4), p=how.gamma),
            tio.RandomAnisotropy(axes=(0, 1), downsampling=(1, 2.5), p=how.low_resolution),
            tio.RandomNoise(std=(0, 0.15), p=how.noise),
        ]
    )


def measure(ring: Ring, source: Feed, *, seconds: float, scratch: Path) -> list[Line]:
    """Returns the lines of the table.

    Args:
        ring: Volumes that lie still.
        source: The simulator.
        seconds: How long each line is measured.
        scratch: Folder for the ring that is renewed.
    """
    preset, shape = segmenter("wt"), ring.shape
    simulate, seeds = source.make(), iter(range(10**9))
    loader = torch.utils.data.DataLoader
    trainer, mine = Trainer(preset), our_batches(ring, preset)
    alone = iter(loader(TorchioSlices(ring.folder, preset), batch_size=BATCH))
    fixed = next(mine)
    rate = partial(rate_of, seconds=seconds)
    lines = [
        Line("simulator, one core", rate(lambda: simulate(np.random.default_rng(next(seeds))), slices=shape.slices)),
        Line("draw, gliosynth, one core", rate(lambda: next(mine), slices=BATCH)),
        Line("draw, TorchIO, one core", rate(lambda: next(alone), slices=BATCH)),
        Line("step alone, one core", rate(lambda: trainer.step(fixed), slices=BATCH)),
        Line("draw and step, gliosynth, one core", rate(lambda: trainer.step(next(mine)), slices=BATCH)),
        Line("draw and step, TorchIO, one core", rate(lambda: trainer.step(next(alone)), slices=BATCH)),
    ]
    pace = Pace(float("inf"), reserve=2, window=shape.slots)
    with Stream(scratch / "renewed", shape, feed=source, pace=pace, workers=1) as stream:
        streamed = our_batches(stream, preset)
        next(streamed)
        before, start = stream.next_volume, time.monotonic()
        both = rate(lambda: trainer.step(next(streamed)), slices=BATCH)
        made = (stream.next_volume - before) / (time.monotonic() - start) * 60
    lines.append(Line("all, gliosynth, two cores", both, f"{made:.0f} new volumes a minute"))
    beside = iter(loader(TorchioSlices(ring.folder, preset), batch_size=BATCH, num_workers=1, prefetch_factor=4))
    lines.append(Line("all, TorchIO, two cores", rate(lambda: trainer.step(next(beside)), slices=BATCH), "no new one"))
    return lines


def table(lines: list[Line]) -> str:
    """Returns the lines as Markdown, with the ratios that matter below."""
    rates = {line.name: line.rate for line in lines}
    rows = [f"| {line.name} | {line.rate:.1f} | {line.note} |" for line in lines]
    pairs = [
        (name, rates[f"{name}, gliosynth, {cores}"] / rates[f"{name}, TorchIO, {cores}"])
        for name, cores in (("draw", "one core"), ("draw and step", "one core"), ("all", "two cores"))
    ]
    ratios = [f"{name}: {ratio:.2f} times TorchIO" for name, ratio in pairs]
    return "\n".join(["| work | slices a second | |", "|---|---|---|", *rows, "", *ratios])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long each line is measured")
    parser.add_argument("--volumes", type=int, default=8, help="volumes of the ring")
    parser.add_argument("--balls", action="store_true", help="a stand-in for the simulator, to try this out")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = Feed("balls", balls, 0) if options.balls else Feed("training", partial(simulator, "training"), 0)
    with tempfile.TemporaryDirectory() as name:
        ring = Ring.create(Path(name) / "still", RingShape(slots=options.volumes))
        feed(ring, source.make(), seed=1, numbers=range(options.volumes))
        lines = measure(ring, source, seconds=options.seconds, scratch=Path(name))
    print(table(lines))
    if options.json:
        with options.json.open("a") as file:
            file.writelines(json.dumps({"topic": "training.stream", **vars(line)}) + "\n" for line in lines)


if __name__ == "__main__":
    main()
