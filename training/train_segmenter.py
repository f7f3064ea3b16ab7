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

from functools import partial

from training.data.ring import RingShape
from training.data.simulated import fill_validation, simulator
from training.data.sources.options import open_sources, source_options_of
from training.data.stream import Feed
from training.data.stream_options import open_stream
from training.loop.command import start
from training.loop.train import train
from training.segmentation.options import options_of, parse, plan
from training.segmentation.system import SegmenterSystem


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments, description=__doc__)
    options, shape = options_of(line), RingShape()
    sources = source_options_of(line, plane=(shape.height, shape.width))
    if line.dry_run:
        print(plan(options, sources))
        return
    fabric = start(line, {**options.as_json(), **sources.as_json()})
    if fabric.local_rank == 0:
        fill_validation(line.validation, volumes=line.validation_volumes)
    fabric.barrier()
    feed = Feed("training", partial(simulator, "training"), options.stream.simulator_seed)
    with open_stream(line, shape, feed, fabric=fabric) as stream:
        opened = open_sources(sources, stream)
        held_out = {name: source.ring for name, source in opened.held_out.items()}
        system = SegmenterSystem(options, fabric, rings=opened.rings, validation=line.validation, held_out=held_out)
        train(system, options.loop, folder=line.run, fabric=fabric)


if __name__ == "__main__":
    main()
