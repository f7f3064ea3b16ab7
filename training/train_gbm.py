"""Seed 000 in one command: trains a binary 2D network on hand-made glioblastomas alone and judges it on real ones.

    python -m training.train_gbm --run runs/gbm                                          # simulated tumour-free hosts
    python -m training.train_gbm --run runs/gbm --source /data/controls --tumour-free --held-out 0     # real ones

The hand-made tumours of `training.segmentation.gbm` are placed in tumour-free images, and the network sees nothing else
(Lindner et al. 2019). Hosts are simulated once into --hosts, or read from the folders of --source (BraTS, MSD or BIDS
manner, skull-stripped). It is `training.train_segmenter` with the preset ``gbm``, another source of samples, and at the
end the table: RUN/table.md, Dice of the last weights on every labelled real case beside the threshold baseline. Real
cases are for evaluation alone. ``--preset gbm-core`` outlines the enhancing core instead of the whole tumour.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from gliosynth.labels import region_mask
from gliosynth.metrics.overlap import dice
from gliosynth.segmentation import CascadeOptions, segment_by_threshold
from gliosynth.segmentation.postprocess import drop_small_components, fill_holes
from training.data.ring import Ring, RingShape
from training.data.simulated import fill_validation
from training.data.sources.options import SourceOptions, add_source_arguments, open_sources, source_options_of
from training.data.stream_options import StreamOptions
from training.loop.command import plan, start
from training.loop.options import add_loop_arguments, loop_options_of
from training.loop.schedule import done_share
from training.loop.train import train
from training.networks.unet2d import UNet2d
from training.preparation.ring import fill_ring
from training.segmentation.options import Options, loop_defaults
from training.segmentation.presets import segmenter
from training.segmentation.real_cases import DATA, VOXELS_PER_ML, RealCase, real_cases
from training.segmentation.region_model import TorchModel, load_model
from training.segmentation.rules import joint_logits
from training.segmentation.system import SegmenterSystem

HOSTS: Final = "tumour-free"
"""Variant of the simulator that makes tumour-free images."""

SIMULATOR_SEED: Final = 2
"""Of the hosts."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scratch = Path(tempfile.gettempdir())
    parser.add_argument("--preset", choices=("gbm", "gbm-core"), default="gbm")
    parser.add_argument("--hosts", type=Path, default=scratch / "gliosynth-hosts", help="ring of simulated hosts")
    parser.add_argument("--host-volumes", type=int, default=24, help="simulated tumour-free volumes")
    parser.add_argument("--validation", type=Path, default=scratch / "gliosynth-validation")
    parser.add_argument("--validation-volumes", type=int, default=6, help="volumes of each shifted simulator")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real cases that judge the network")
    add_source_arguments(parser)
    add_loop_arguments(parser)
    return parser.parse_args(arguments)


def options_of(line: argparse.Namespace) -> Options:
    """Returns the options of a command line."""
    preset = segmenter(line.preset)
    stream = StreamOptions(slots=line.host_volumes, simulator_seed=SIMULATOR_SEED, frozen=True)
    return Options(preset, loop_options_of(line, loop_defaults(preset)), stream)


def fit(line: argparse.Namespace, options: Options, sources: SourceOptions) -> bool:
    """Trains, or resumes, and returns whether the end was reached."""
    fabric = start(line, {**options.as_json(), **sources.as_json(), "host_volumes": line.host_volumes})
    if fabric.local_rank == 0:
        fill_validation(line.validation, volumes=line.validation_volumes)
        if sources.simulated:
            fill_ring(line.hosts, settings=HOSTS, volumes=line.host_volumes, seed=SIMULATOR_SEED)
    fabric.barrier()
    hosts = Ring.create(line.hosts, replace(RingShape(), slots=line.host_volumes))
    system = SegmenterSystem(options, fabric, rings=open_sources(sources, hosts).rings, validation=line.validation)
    at = train(system, options.loop, folder=line.run, fabric=fabric)
    return fabric.is_global_zero and done_share(options.loop, at) >= 1


@dataclass(frozen=True)
class Row:
    """One case of the table.

    Attributes:
        case: Its name.
        dice: Of the network.
        baseline: Dice of the threshold baseline.
        found_ml: Volume that the network found.
        true_ml: Volume of the reference.
    """

    case: str
    dice: float
    baseline: float
    found_ml: float
    true_ml: float


def row_of(case: RealCase, model: TorchModel) -> Row:
    """Returns what a binary network reaches on a case, the threshold baseline beside it."""
    region = model.preset.region
    found = (joint_logits(model, case.contrasts, case.brain)[0] > 0) & case.brain
    mask = fill_holes(drop_small_components(found, minimum_voxels=CascadeOptions.smallest_wt_voxels).mask)
    reference, baseline = (
        region_mask(labels, region) for labels in (case.labels, segment_by_threshold(case.contrasts, case.brain))
    )
    found_ml, true_ml = (float(one.sum()) / VOXELS_PER_ML for one in (mask, reference))
    return Row(case.name, dice(reference, mask), dice(reference, baseline), found_ml, true_ml)


def table(rows: list[Row], *, region: str) -> str:
    """Returns the rows and their means as Markdown."""
    lines = [f"| case | {region} Dice | threshold baseline | found ml | true ml |", "|---|---|---|---|---|"]
    lines += [f"| {r.case} | {r.dice:.3f} | {r.baseline:.3f} | {r.found_ml:.1f} | {r.true_ml:.1f} |" for r in rows]
    ours, theirs = np.mean([r.dice for r in rows]), np.mean([r.baseline for r in rows])
    return "\n".join([*lines, f"| **mean** | **{ours:.3f}** | **{theirs:.3f}** | | |"]) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments)
    options, shape = options_of(line), RingShape()
    sources = source_options_of(line, plane=(shape.height, shape.width))
    if line.dry_run:
        notes = [f"hosts: {line.host_volumes} simulated tumour-free volumes, or those of --source"]
        network = UNet2d(options.preset.spec)
        print(plan({**options.as_json(), **sources.as_json()}, {options.preset.name: network}, notes))
        return
    if not fit(line, options, sources):
        return
    model = load_model(line.run / "last.safetensors")
    rows = [row_of(case, model) for case in real_cases(line.data)]
    if rows:
        (line.run / "table.json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
        text = table(rows, region=str(options.preset.region))
        (line.run / "table.md").write_text(text)
        print(text)


if __name__ == "__main__":
    main()
