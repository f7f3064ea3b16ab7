"""Trains presets that differ in one thing each, with several seeds, and tables what the thing is worth.

    python -m training.ablations --arms joint,joint-2.5d,joint-dice --seeds 1,2 --ring R --validation V --out OUT
    python -m training.ablations --arms joint@training,joint@no-texture --seeds 1,2 --validation V --out OUT

An arm is a preset of `training.segmentation.presets`, or ``preset@variant`` for the preset on a ring of a variant of
the simulator (`training.data.variants`), which is made first below OUT/rings. The first arm is the control; the control
of ``preset@variant`` is ``preset@training``. ``--rules`` scores the control's networks under other rules, too.

Runs go one after the other, all arms of the first seed first; each is decided by its steps, so a busy machine changes
nothing. What is done is skipped, what was interrupted goes on. The last weights count: no checkpoint is chosen. Each is
scored on the shifted simulators and, for evaluation alone, on the real cases; after every run OUT/table.md and
OUT/table.csv are written anew.
"""

import argparse
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from lightning_fabric import Fabric

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import REGIONS
from training.data.ring import Ring
from training.data.simulated import fill_validation
from training.data.variants import variant
from training.evaluate_real import find
from training.loop.command import log_to
from training.loop.run_folder import record_options
from training.loop.train import train
from training.preparation.ring import fill_ring
from training.segmentation.comparison import VARIANT_MARK, Outcome, csv_text, markdown
from training.segmentation.options import Options, loop_defaults
from training.segmentation.presets import Preset, segmenter
from training.segmentation.real_cases import DATA, RealCase, overlap, real_cases, summary
from training.segmentation.region_model import load_model
from training.segmentation.rules import TEST_TIME
from training.segmentation.system import SegmenterSystem

LOG = logging.getLogger("training")

VALIDATION_VOLUMES: Final = 4
"""Volumes of each shifted simulator where the validation folder is empty."""

VALIDATION_STRIDE: Final = 4
"""Every n-th slice of the validation volumes is scored."""

VARIANT_SEED: Final = 1
"""Of the volumes of a variant's ring."""


@dataclass(frozen=True)
class Arm:
    """One row of the table.

    Attributes:
        name: As it was asked for.
        preset: What is trained.
        variant: Of the simulator, or "" for the ring as it is.
    """

    name: str
    preset: Preset
    variant: str = ""


@dataclass(frozen=True)
class Plan:
    """What the command line asks for.

    Attributes:
        arms: The control first.
        seeds: Of weights and batches; each arm is trained with each.
        steps: Of every run.
        ring: Volumes of arms without a variant.
        validation: Folder of the shifted simulators' rings.
        out: Where runs and tables go.
        variant_volumes: Volumes in the ring of a variant.
        rules: Further rules the control is scored under.
    """

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    steps: int
    ring: Path | None
    validation: Path
    out: Path
    variant_volumes: int
    rules: tuple[str, ...]


def arm_of(name: str) -> Arm:
    """Returns the arm of ``preset`` or ``preset@variant``.

    Raises:
        InvalidParameterError: No preset or variant has this name.
    """
    preset, _, settings = name.partition(VARIANT_MARK)
    return Arm(name, segmenter(preset), variant(settings).name if settings else "")


def run_all(plan: Plan, cases: tuple[RealCase, ...]) -> list[Outcome]:
    """Trains and scores every arm with every seed, writing the table after each, and returns what came out.

    Args:
        plan: What is asked for.
        cases: Real cases, for evaluation alone; may be none.
    """
    outcomes: list[Outcome] = []
    for seed in plan.seeds:
        for arm in plan.arms:
            folder = plan.out / arm.name / f"seed-{seed}"
            if not finished(plan, arm, seed, folder):
                LOG.info("stopped; the same command goes on")
                return outcomes
            names = ("published", *plan.rules) if arm is plan.arms[0] else ("published",)
            outcomes.extend(scored(arm, seed, folder, name, cases) for name in names)
            write_tables(plan.out, outcomes, control=plan.arms[0].name)
    return outcomes


def finished(plan: Plan, arm: Arm, seed: int, folder: Path) -> bool:
    """Trains an arm to its end where it is not there yet; returns whether it is now."""
    loop = replace(loop_defaults(arm.preset), steps=plan.steps, evaluate_every=plan.steps, seed=seed)
    options = Options(arm.preset, loop, validation_stride=VALIDATION_STRIDE)
    record_options(folder, options.as_json())
    if done_steps(folder) < plan.steps:
        LOG.info("%s, seed %d", arm.name, seed)
        fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
        system = SegmenterSystem(options, fabric, rings=ring_of(plan, arm), validation=plan.validation)
        train(system, loop, folder=folder, fabric=fabric)
    return done_steps(folder) >= plan.steps


def done_steps(folder: Path) -> int:
    """Returns the step of a run's last weights, 0 before there are any."""
    path = folder / "last.json"
    return int(json.loads(path.read_text())["step"]) if path.exists() else 0


def ring_of(plan: Plan, arm: Arm) -> Ring:
    """Returns the volumes that an arm is trained on; those of a variant are simulated where they are not there yet.

    Raises:
        InvalidParameterError: An arm without a variant, and no ring was named.
    """
    if arm.variant:
        folder = plan.out / "rings" / arm.variant
        return fill_ring(folder, settings=arm.variant, volumes=plan.variant_volumes, seed=VARIANT_SEED)
    if plan.ring is None:
        raise InvalidParameterError(f"{arm.name} needs --ring, a filled ring of volumes", field="ring")
    return Ring(plan.ring)


def scored(arm: Arm, seed: int, folder: Path, rules: str, cases: tuple[RealCase, ...]) -> Outcome:
    """Returns what a finished run reached under some rules; the rows of the real cases are kept beside its weights."""
    facts = json.loads((folder / "last.json").read_text())
    shifted = facts["validation"]
    regions = [str(region) for region in arm.preset.regions]
    scores = {}
    if rules == "published":  # the shifted simulators are scored under no other rules
        scores = {"worst": float(facts["score"])}
        scores |= {f"shifted {region}": shifted[region] for region in regions if region in shifted}
    if not cases or len(regions) < len(REGIONS):
        return Outcome(arm.name, rules, seed, scores)
    rows = real_rows(folder, rules, cases)
    means = summary(rows)
    scores |= means["dice"] | {"ET > 5 ml": means["ET_above_5_ml"]["dice"]}
    return Outcome(arm.name, rules, seed, scores)


def real_rows(folder: Path, rules: str, cases: tuple[RealCase, ...]) -> list[dict[str, Any]]:
    """Returns the rows of the real cases under some rules, from the run folder where they were scored before."""
    path = folder / f"real-{rules}.json"
    if not path.exists():
        models = (load_model(folder / "last.safetensors"),)
        rows = [overlap(case, find(case, models, TEST_TIME[rules])) for case in cases]
        path.write_text(json.dumps(rows, indent=2) + "\n")
    return list(json.loads(path.read_text()))


def write_tables(out: Path, outcomes: list[Outcome], *, control: str) -> None:
    """Writes table.md and table.csv, and logs the last run."""
    (out / "table.md").write_text(markdown(outcomes, control=control))
    (out / "table.csv").write_text(csv_text(outcomes))
    last = outcomes[-1]
    LOG.info("%s, seed %d: %s", last.row, last.seed, " ".join(f"{c} {v:.3f}" for c, v in last.scores.items()))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", required=True, help="presets, or preset@variant, separated by commas; control first")
    parser.add_argument("--seeds", default="1,2", help="separated by commas")
    parser.add_argument("--steps", type=int, default=700, help="of every run")
    parser.add_argument("--ring", type=Path, help="filled ring of the arms without a variant")
    parser.add_argument("--validation", type=Path, required=True, help="rings of the shifted simulators")
    parser.add_argument("--variant-volumes", type=int, default=60, help="volumes in the ring of a variant")
    parser.add_argument("--rules", default="", help=f"also score the control under: {', '.join(TEST_TIME)}")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real cases")
    parser.add_argument("--out", type=Path, required=True, help="where runs and tables go")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    return parser.parse_args(arguments)


def plan_of(line: argparse.Namespace) -> Plan:
    """Returns the plan of a command line.

    Raises:
        InvalidParameterError: An unknown preset, variant or set of rules.
    """
    unknown = sorted(set(_parts(line.rules)) - set(TEST_TIME))
    if unknown:
        raise InvalidParameterError(f"there are no rules {unknown}; choose of {', '.join(TEST_TIME)}", field="rules")
    return Plan(
        arms=tuple(arm_of(name) for name in _parts(line.arms)),
        seeds=tuple(int(seed) for seed in _parts(line.seeds)),
        steps=line.steps,
        ring=line.ring,
        validation=line.validation,
        out=line.out,
        variant_volumes=line.variant_volumes,
        rules=_parts(line.rules),
    )


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments)
    plan = plan_of(line)
    if line.dry_run:
        runs = [f"{arm.name}, seed {seed}, {plan.steps} steps" for seed in plan.seeds for arm in plan.arms]
        print("\n".join([*runs, f"{len(runs)} runs in all"]))
        return
    torch.set_num_threads(line.threads)
    plan.out.mkdir(parents=True, exist_ok=True)
    log_to(plan.out / "log.txt")
    if not any(plan.validation.glob("*/ring.json")):
        fill_validation(plan.validation, volumes=VALIDATION_VOLUMES)
    outcomes = run_all(plan, tuple(real_cases(line.data)))
    print(markdown(outcomes, control=plan.arms[0].name) if outcomes else "nothing was finished")


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


if __name__ == "__main__":
    main()
