"""The loop: steps, averages, learning rates, checkpoints, statistics and pictures of anything that is trained.

    system = SegmenterSystem(options, fabric, ring)         # networks, losses, batches (`training.loop.system.System`)
    train(system, loop_options, folder=run, fabric=fabric)  # the same call resumes

A run that ends by steps, on a CPU, resumes byte for byte: state.safetensors holds all that a step depends on, and what
is random comes from ``[seed, step, part]``. SIGTERM and SIGINT save after the step at hand and end the run early.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from gliosynth.errors import InvalidParameterError
from training.loop.averaging import average_into, averages_of, decay_at
from training.loop.checkpoint import restore, tensors_of
from training.loop.devices import agree, step_of
from training.loop.options import LoopOptions
from training.loop.pictures import save_picture
from training.loop.run_folder import (
    Progress,
    append_stats,
    forget_stats,
    known_options,
    load_progress,
    save_progress,
    save_weights,
)
from training.loop.schedule import done_share, learning_rate_share
from training.loop.stopping import Stopping
from training.loop.stopwatch import Stopwatch
from training.loop.system import System

LOG = logging.getLogger("training")


def train(system: System, options: LoopOptions, *, folder: Path, fabric: Fabric) -> Progress:
    """Runs or resumes a run to its end, or until it is asked to stop, and returns its progress.

    Args:
        system: What is trained.
        options: What decides its course.
        folder: Run folder that `training.loop.command.start` or `record_options` opened.
        fabric: The device or devices, launched.

    Raises:
        InvalidParameterError: Batch, parts and devices do not divide.
    """
    return Loop(system, options, folder, fabric).run()


class Loop:
    """One run of one system.

    Attributes:
        at: Where it stands.
        averages: The averaged networks by name.
    """

    def __init__(self, system: System, options: LoopOptions, folder: Path, fabric: Fabric) -> None:
        check(options, devices=fabric.world_size)
        self.system, self.options, self.folder, self.fabric = system, options, folder, fabric
        self.rates = {name: [group["lr"] for group in o.param_groups] for name, o in system.optimizers.items()}
        self.averages = averages_of(system)
        tensors, self.at = load_progress(folder)
        if tensors:
            restore(system, self.averages, tensors)
        if fabric.is_global_zero:
            forget_stats(folder, after=self.at.step)
        self.data, self.since = Stopwatch(), time.monotonic()

    def run(self) -> Progress:
        """Does all steps that are left."""
        LOG.info("step %d of %d", self.at.step, self.options.steps)
        with Stopping() as stopping:
            stop = False
            while done_share(self.options, self.at) < 1 and not stop:
                stop = self.step(stopping)
                self.look()
        if stop and done_share(self.options, self.at) < 1:
            self.save()
            LOG.info("stopped and saved at step %d; the same command goes on from there", self.at.step)
        return self.at

    def step(self, stopping: Stopping) -> bool:
        """Does one step and returns whether a device was asked to stop."""
        start, options = time.monotonic(), self.options
        self.set_rates(learning_rate_share(options, self.at))
        at = step_of(options, self.at.step, self.fabric, self.data)
        at.seed_torch()
        losses = self.system.step(at)
        for name, average in self.averages.items():
            average_into(average, self.system.trained[name], decay=decay_at(at.number, ema=options.ema))
        agreed = agree(self.fabric, losses, elapsed_s=time.monotonic() - start, stop=stopping.asked)
        sums = {name: self.at.sums.get(name, 0.0) + value for name, value in agreed.losses.items()}
        elapsed_s, summed = self.at.elapsed_s + agreed.elapsed_s, self.at.summed + 1
        self.at = replace(self.at, step=at.number + 1, elapsed_s=elapsed_s, sums=sums, summed=summed)
        return agreed.stop

    def set_rates(self, share: float) -> None:
        """Sets every learning rate to a share of what its optimiser was made with."""
        for name, optimizer in self.system.optimizers.items():
            for group, highest in zip(optimizer.param_groups, self.rates[name], strict=True):
                group["lr"] = highest * share

    def look(self) -> None:
        """Reports, evaluates and draws where the step says so."""
        done, options = done_share(self.options, self.at) >= 1, self.options
        if done or self.at.step % options.report_every == 0:
            self.report()
        if options.picture_every and (done or self.at.step % options.picture_every == 0):
            self.draw()
        if done or self.at.step % options.evaluate_every == 0:
            self.evaluate()
            self.save()

    def report(self) -> None:
        """Writes the mean losses since the last report, the speed and the time left."""
        at, options = self.at, self.options
        means = {name: value / at.summed for name, value in at.sums.items()}
        seconds = max(time.monotonic() - self.since, 1e-9)
        speed, waited = at.summed * options.batch / seconds, min(self.data.seconds / seconds, 1.0)
        rate = learning_rate_share(options, replace(at, step=at.step - 1))
        self.at, self.since, self.data.seconds = replace(at, sums={}, summed=0), time.monotonic(), 0.0
        if not self.fabric.is_global_zero:
            return
        row = {"step": at.step, "losses": means, "learning_rate": options.learning_rate * rate}
        timing = {"elapsed_s": at.elapsed_s, "slices_per_second": speed, "data_share": waited}
        append_stats(self.folder, {**row, "timing": timing})
        share = done_share(options, at)
        left_min = at.elapsed_s * (1 / share - 1) / 60
        text = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        LOG.info("step %d %s, %.1f slices/s, data %.0f %%, %.1f min left", at.step, text, speed, 100 * waited, left_min)

    def draw(self) -> None:
        """Writes a picture, if the system has one."""
        if self.fabric.is_global_zero:
            pixels = self.system.picture(self.averages)
            if pixels is not None:
                save_picture(self.folder, pixels, step=self.at.step)

    def evaluate(self) -> None:
        """Scores the averaged weights and keeps them, as the last and perhaps as the best."""
        if self.fabric.is_global_zero:
            with torch.no_grad():
                found = self.system.evaluate(self.averages)
            facts = {
                **self.system.facts, "step": self.at.step, "elapsed_s": round(self.at.elapsed_s, 1),
                "score": found.score, "validation": dict(found.figures), "options": known_options(self.folder),
            }  # fmt: skip
            self.ship("last", facts)
            if found.score >= self.at.best_score:
                self.ship("best", facts)
                self.at = replace(self.at, best_score=found.score, best_step=self.at.step)
            append_stats(self.folder, {"step": self.at.step, "score": found.score, "figures": dict(found.figures)})
            figures = " ".join(f"{name} {value:.3f}" for name, value in found.figures.items())
            best = f"best {self.at.best_score:.4f} at {self.at.best_step}"
            LOG.info("step %d score %.4f (%s) %s", self.at.step, found.score, best, figures)
        self.fabric.barrier()
        self.since = time.monotonic()

    def ship(self, name: str, facts: Mapping[str, object]) -> None:
        """Writes the averaged weights with their facts."""
        networks = list(self.averages.values())
        network = networks[0] if len(networks) == 1 else nn.ModuleDict(self.averages)
        save_weights(self.folder / f"{name}.safetensors", network, dict(facts))

    def save(self) -> None:
        """Writes all that resuming needs."""
        if self.fabric.is_global_zero:
            save_progress(self.folder, tensors_of(self.system, self.averages), self.at)


def check(options: LoopOptions, *, devices: int) -> None:
    """Refuses a batch that cannot be shared out.

    Raises:
        InvalidParameterError: Batch, parts and devices do not divide.
    """
    if options.parts % devices or options.batch % options.parts:
        raise InvalidParameterError(
            f"a batch of {options.batch} in {options.parts} parts does not fit {devices} devices; "
            "make parts a multiple of the devices and batch a multiple of parts",
            field="parts",
        )
    if options.steps < 1 or math.isnan(options.minutes) or options.minutes <= 0:
        raise InvalidParameterError(
            f"steps {options.steps} and minutes {options.minutes} must be above 0", field="steps"
        )
