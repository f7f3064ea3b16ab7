"""Times the simulator and the contrast engine beside MONAI, TorchIO and their limits.

Launch in the peers' environment, with this project on the path:

    OMP_NUM_THREADS=1 PYTHONPATH=. .venv-peers/bin/python benchmarks/simulation.py case
    PYTHONPATH=. .venv-peers/bin/python benchmarks/simulation.py engine --rounds 3

``case``: ours makes a whole labelled case (deformed head, tumour, four contrasts, artefacts) on the training grid, one
thread; MONAI deforms the same label map and gives four contrasts blur, bias and noise, without tumour or physics.
``engine``: everybody paints four contrasts of a 256^3 map of twelve labels on two threads (PERFORMANCE.md 7). The
limits draw the white noise and no more. Read the processor time, too: on a busy machine the wall clock measures the
neighbours.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from harness import Candidate, Work, markdown, race, write_json_lines
from simulation_peers import CONTRAST_COUNT, LABEL_COUNT, SHAPE, THREADS, label_map, monai_engine, torchio_engine

from gliosynth.anatomy import load_anatomy
from gliosynth.contrast.label_map import paint_label_map
from gliosynth.contrast.paint_plan import IntensityTable
from gliosynth.contrast.settings import TRAINING
from gliosynth.contrast.simulate import simulate_case

ANATOMY = "head_01"
"""The head that is deformed."""


def gliosynth_work() -> Work:
    """Ours: another case at every call."""
    anatomy, seeds = load_anatomy(ANATOMY), iter(range(10_000))
    return lambda: float(simulate_case(anatomy, settings=TRAINING, rng=np.random.default_rng(next(seeds))).brain.mean())


def monai_work() -> Work:
    """MONAI: affine and elastic deformation of the label map, then means by tissue, blur, bias and noise four times."""
    import torch
    from monai.transforms import Compose, GaussianSmooth, Rand3DElastic, RandBiasField, RandRicianNoise

    torch.set_num_threads(1)
    x, y, z = TRAINING.grid.shape
    tissues = load_anatomy(ANATOMY).tissues[:, :, ::2][:x, :y, :z]
    labels = torch.from_numpy(np.ascontiguousarray(tissues)).float()[None]
    warp = Rand3DElastic(
        (8, 9), (20, 40), prob=1, rotate_range=0.15, scale_range=0.05, mode="nearest", spatial_size=TRAINING.grid.shape
    )
    image = Compose(
        [GaussianSmooth(0.6), RandBiasField(prob=1, coeff_range=(0, 0.1)), RandRicianNoise(prob=1, std=0.03)]
    )
    rng = np.random.default_rng(0)

    def work() -> float:
        warped = warp(labels).long()
        images = [image(torch.from_numpy(rng.random(64, dtype=np.float32))[warped]) for _ in range(4)]
        return float(images[0].mean())

    return work


def limit_work() -> Work:
    """The random numbers of the noise alone."""
    rng = np.random.default_rng(0)
    return lambda: float(rng.standard_normal((2, *TRAINING.grid.shape), dtype=np.float32)[0, 0, 0, 0])


def engine_work(threads: int) -> Work:
    """Our engine: deformation, intensities, blur, bias field and noise."""
    labels, rng = label_map(), np.random.default_rng(0)
    mean = rng.random((CONTRAST_COUNT, LABEL_COUNT), dtype=np.float32)
    deviation = (0.02 + 0.04 * rng.random((CONTRAST_COUNT, LABEL_COUNT))).astype(np.float32)
    table = IntensityTable(mean, deviation)

    def work() -> tuple[int, ...]:
        return paint_label_map(labels, table, spacing_mm=(1.0, 1.0, 1.0), rng=rng, threads=threads).images.shape

    return work


def engine_limit_work() -> Work:
    """One normal number for every voxel, a generator per thread."""
    images = np.empty((CONTRAST_COUNT, *SHAPE), dtype=np.float32)
    streams = [np.random.Generator(np.random.SFC64(index)) for index in range(CONTRAST_COUNT)]
    pool = ThreadPoolExecutor(THREADS)

    def work() -> None:
        jobs = zip(streams, images, strict=True)
        list(pool.map(lambda job: job[0].standard_normal(out=job[1], dtype=np.float32), jobs))

    return work


CASE = (
    Candidate("gliosynth", gliosynth_work, "whole labelled case"),
    Candidate("MONAI", monai_work, "deformed label map and four noisy contrasts, no tumour"),
    Candidate("limit", limit_work, "white noise of the case"),
)
"""The race of whole cases."""

ENGINE = (
    Candidate("gliosynth", partial(engine_work, THREADS), "four contrasts of 256^3, two threads"),
    Candidate("gliosynth, one thread", partial(engine_work, 1), "the same bytes"),
    Candidate("MONAI", monai_engine, "equivalent"),
    Candidate("TorchIO", torchio_engine, "equivalent"),
    Candidate("limit", engine_limit_work, "one normal number a voxel by NumPy, two threads"),
)
"""The race of contrast engines."""


def main() -> None:
    """Races and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("race", choices=("case", "engine"), nargs="?", default="case", help="who races")
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each candidate")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    timings = race(CASE if options.race == "case" else ENGINE, rounds=options.rounds)
    print(markdown(timings, baseline="gliosynth"))
    print(f"gliosynth: {60.0 / timings[0].median_s:.1f} a minute")
    if options.json:
        write_json_lines(timings, topic=f"simulation.{options.race}", path=options.json)


if __name__ == "__main__":
    main()
