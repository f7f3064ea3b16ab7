"""Trains one segmenter on the simulator's stream.

    python -m training.train_segmenter --preset wt --run runs/wt                 # one CPU core, simulator beside it
    python -m training.train_segmenter --preset et --run runs/et --device cuda   # one GPU
    python -m training.train_segmenter --preset tc --run runs/tc --dry-run       # print the plan, start nothing

On a CPU set OMP_NUM_THREADS=1 in the environment: the simulator's NumPy would otherwise spin on every core.

Presets are lines of `training.segmentation.presets`, options are in `training.segmentation.options`, the system is
`training.segmentation.system`, and the loop that trains it `training.loop.train`. The run folder holds options.json,
log.txt, stats.jsonl, state.safetensors (the same command resumes from it), best.safetensors (highest worst-preset
validation score) and last.safetensors.
"""

from typing import Final

from training.data.ring import Ring, RingShape
from training.data.simulated import Workers, fill_validation
from training.loop.command import start
from training.loop.train import train
from training.segmentation.options import options_of, parse, plan
from training.segmentation.system import SegmenterSystem

RESERVE: Final = 24
"""Volumes that must wait in the ring before the first step."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments, description=__doc__)
    options, shape = options_of(line), RingShape(slots=line.slots)
    if line.dry_run:
        print(plan(options, shape))
        return
    fabric = start(line, options.as_json())
    ring = Ring.create(line.ring, shape)
    fill_validation(line.validation, volumes=line.validation_volumes)
    with Workers(line.ring, count=line.workers, seed=options.simulator_seed) as workers:
        workers.wait_for(RESERVE)
        system = SegmenterSystem(options, fabric, rings=ring, validation=line.validation)
        train(system, options.loop, folder=line.run, fabric=fabric)


if __name__ == "__main__":
    main()
