"""Makes the study of paper 002: U-Nets of base cases, and of base cases with nested parts of synthetic ones.

    python -m training.study --preset small --out studies/small                          # simulated base: half an hour
    python -m training.study --preset shipped --base brats:/data/BraTS2021 --out D --device cuda
    python -m training.study --preset paper --base brats:/data/BraTS2018 --synthetic run:runs/generator --out D
    python -m training.study --preset paper --out D --dry-run                            # plan and cost, start nothing

The same command goes on where it was stopped: every arm, seed and region is a run folder below D/runs, and what is done
is not done again. D then holds study.md, cases.csv, summary.csv and the plots. On a CPU set OMP_NUM_THREADS=1.

Base cases are simulated (and the report says so), or a folder in any layout that training reads, of which a part of
the patients is held out. Synthetic cases come from the simulator, from generators that training.train_generator trained
(run:FOLDER a joint one, run:A,B,C,D one a contrast; let them learn from the base cases alone), or from a folder.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from gliosynth.errors import GliosynthError
from gliosynth.metrics import HD95Definition
from training.data.sources.options import SIMULATOR, parse_source
from training.loop.command import log_to
from training.loop.run_folder import record_options
from training.study.arms import arms
from training.study.evaluation import evaluate_arm, scores_of
from training.study.generated import generated_set
from training.study.plan import plan
from training.study.plots import save_plots
from training.study.presets import PRESETS, StudyPreset, preset_named
from training.study.report import StudyFacts, study_markdown, summary_csv
from training.study.rows import to_csv
from training.study.runs import StudyRun, runs_of, train_run
from training.study.sets import SYNTHETIC_SEED, CaseSet, Sets, base_sets, synthetic_set
from training.study.summary import summarise

RUN = "run:"
"""Prefix of ``--synthetic`` for run folders of generators."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 1 stopped before the end, 2 the input is at fault."""
    line = parse(arguments)
    torch.set_num_threads(line.threads)
    fabric = Fabric(accelerator=line.device, devices=1, precision=line.precision)
    try:
        preset = sized(line)
        if line.dry_run:
            print(plan(preset, base=line.base, synthetic=line.synthetic, fabric=fabric))
            return 0
        return run_study(line, preset, fabric)
    except GliosynthError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run_study(line: argparse.Namespace, preset: StudyPreset, fabric: Fabric) -> int:
    """Does what is left of a study, and writes its report."""
    record_options(line.out, options_of(line, preset))
    log_to(line.out / "log.txt")
    fabric.launch()
    sets = base_sets(line.base, preset, line.out / "data")
    synthetic = open_synthetic(line.synthetic, sets.base, preset, line.out / "data")
    for run in runs_of(preset):
        done = train_run(run, preset, line.out, base=sets.base.ring, synthetic=synthetic.ring, fabric=fabric)
        if not done:
            return 1
    report(line, preset, sets, synthetic)
    return 0


def report(line: argparse.Namespace, preset: StudyPreset, sets: Sets, synthetic: CaseSet) -> None:
    """Evaluates every arm and seed that is not yet, and writes tables and plots."""
    runs = runs_of(preset)
    for group in groups_of(runs):
        evaluate_arm(group, preset, line.out, sets.held_out, definition=line.hd95)
    rows = scores_of(runs, line.out)
    summary = summarise(rows)
    facts = StudyFacts(
        preset=preset.name,
        command=f"python -m training.study {shlex.join(line.given)}",
        base=sets.base.origin,
        held_out=sets.held_out.origin,
        synthetic=synthetic.origin,
        real_base=sets.base.real,
        steps=preset.loop.steps,
        batch=preset.loop.batch,
        networks=tuple(f"{one.region} {one.name} {one.spec.widths}" for one in preset.segmenters),
        definition=line.hd95,
    )
    (line.out / "cases.csv").write_text(to_csv(rows))
    (line.out / "summary.csv").write_text(summary_csv(summary))
    note = f"Base: {sets.base.origin}.  Synthetic: {synthetic.origin}."
    plots = save_plots(summary, rows, line.out, note=note)
    pictures = "\n".join(f"![{plot.stem}]({plot.name})" for plot in plots)
    (line.out / "study.md").write_text(f"{study_markdown(summary, rows, facts)}\n## Plots\n\n{pictures}\n")
    print(f"{line.out / 'study.md'}: {len(summary.arms)} arms, {len(summary.seeds)} seeds, {len(summary.cases)} cases")


def groups_of(runs: Sequence[StudyRun]) -> tuple[tuple[StudyRun, ...], ...]:
    """Returns the runs of each arm and seed together."""
    groups: dict[tuple[str, int], list[StudyRun]] = {}
    for run in runs:
        groups.setdefault((run.arm.name, run.seed), []).append(run)
    return tuple(tuple(group) for group in groups.values())


def open_synthetic(text: str, base: CaseSet, preset: StudyPreset, folder: Path) -> CaseSet:
    """Returns the synthetic cases that ``--synthetic`` names."""
    if text.startswith(RUN):
        runs = [Path(part) for part in text.removeprefix(RUN).split(",")]
        return generated_set(runs, base, folder, seed=SYNTHETIC_SEED)
    return synthetic_set(parse_source(text), preset, folder)


def sized(line: argparse.Namespace) -> StudyPreset:
    """Returns the preset with what the command line changes."""
    preset = preset_named(line.preset)
    loop = preset.loop if line.steps is None else replace(preset.loop, steps=line.steps)
    return replace(preset, loop=loop, seeds=tuple(line.seeds) if line.seeds else preset.seeds)


def options_of(line: argparse.Namespace, preset: StudyPreset) -> dict[str, object]:
    """Returns what decides the study, as JSON values; another study in the same folder is refused."""
    base = f"{line.base.kind}:{line.base.folder or ''}"
    return {
        "preset": preset.name, "base": base, "synthetic": line.synthetic, "hd95": line.hd95.value,
        "steps": preset.loop.steps, "seeds": list(preset.seeds), "precision": line.precision,
        "arms": [arm.name for arm in arms()],
    }  # fmt: skip


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line; ``given`` keeps its words."""
    parser = argparse.ArgumentParser(
        prog="python -m training.study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--preset", choices=list(PRESETS), required=True)
    add("--out", type=Path, required=True, help="folder of the study; the same command resumes it")
    add("--base", type=parse_source, default=parse_source(SIMULATOR), help="simulator, or [KIND:]FOLDER of cases")
    add("--synthetic", default=SIMULATOR, help="simulator, run:FOLDER of a generator, or [KIND:]FOLDER of cases")
    add("--hd95", type=HD95Definition, choices=list(HD95Definition), default=HD95Definition.SURFEL_MAX)
    add("--seeds", type=int, nargs="+", help="instead of the preset's")
    add("--steps", type=int, help="of every network, instead of the preset's")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--precision", choices=("32-true", "bf16-mixed"), default="32-true")
    add("--threads", type=int, default=1, help="CPU threads")
    add("--dry-run", action="store_true", help="print plan and cost, start nothing")
    given = list(sys.argv[1:] if arguments is None else arguments)
    return parser.parse_args(given, argparse.Namespace(given=given))


if __name__ == "__main__":
    sys.exit(main())
