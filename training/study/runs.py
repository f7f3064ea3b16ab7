"""The runs of the study: every arm, seed and region is a run folder, done once, gone on with where it was killed."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lightning_fabric import Fabric

from gliosynth.labels import REGIONS, Region
from training.data.ring import Ring
from training.loop.options import LoopOptions
from training.loop.run_folder import load_progress, record_options
from training.loop.train import train
from training.segmentation.options import Options
from training.segmentation.system import SegmenterSystem
from training.study.arms import Arm, arms, rings_of
from training.study.presets import StudyPreset

LOG = logging.getLogger("training.study")

WEIGHTS = "last.safetensors"
"""The averaged weights after the last step: no checkpoint is chosen, so nothing is chosen on the held-out cases."""


@dataclass(frozen=True)
class StudyRun:
    """One network to train.

    Attributes:
        arm: What it draws from.
        seed: Seed.
        region: Region that it finds.
    """

    arm: Arm
    seed: int
    region: Region

    def folder(self, root: Path) -> Path:
        """Returns its run folder below the study's."""
        return root / "runs" / self.arm.folder / f"seed-{self.seed}" / self.region.lower()


def runs_of(preset: StudyPreset) -> tuple[StudyRun, ...]:
    """Returns every run: seed by seed, so that a study stopped early has whole seeds."""
    return tuple(_runs(preset))


def is_done(run: StudyRun, preset: StudyPreset, root: Path) -> bool:
    """Returns whether a run has done all its steps and left its weights."""
    folder = run.folder(root)
    if not (folder / WEIGHTS).with_suffix(".json").exists():
        return False
    _, at = load_progress(folder)
    facts = json.loads((folder / WEIGHTS).with_suffix(".json").read_text())
    return bool(at.step == facts["step"] == preset.loop.steps)


def train_run(run: StudyRun, preset: StudyPreset, root: Path, *, base: Ring, synthetic: Ring, fabric: Fabric) -> bool:
    """Trains one network, or goes on with it, and returns whether it is done (else it was asked to stop).

    Args:
        run: Which.
        preset: Size of the study.
        root: The study's folder.
        base: Base cases.
        synthetic: All synthetic cases.
        fabric: The device, launched.
    """
    if is_done(run, preset, root):
        return True
    options = Options(preset.segmenter(run.region), loop_of(run, preset))
    folder = run.folder(root)
    record_options(folder, {**options.as_json(), "arm": run.arm.name})
    rings = rings_of(run.arm, base, synthetic, seed=run.seed)
    LOG.info("%s, seed %d, %s", run.arm.name, run.seed, run.region)
    at = train(
        SegmenterSystem(options, fabric, rings=rings, validation=None), options.loop, folder=folder, fabric=fabric
    )
    return at.step >= preset.loop.steps


def loop_of(run: StudyRun, preset: StudyPreset) -> LoopOptions:
    """Returns the course of a run: the same steps in every arm, so that more cases are not more training."""
    return replace(preset.loop, seed=run.seed)


def _runs(preset: StudyPreset) -> Iterator[StudyRun]:
    for seed in preset.seeds:
        for arm in arms():
            for region in REGIONS:
                yield StudyRun(arm, seed, region)
