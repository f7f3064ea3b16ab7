"""Times the simulator beside MONAI and beside its limit, on the training grid.

Launch in the peers' environment, with this project on the path, one thread each:

    OMP_NUM_THREADS=1 PYTHONPATH=. .venv-peers/bin/python benchmarks/simulation.py

Ours makes a whole labelled case (deformed head, tumour, four contrasts, artefacts); MONAI deforms the same label map
and gives four contrasts blur, bias and noise, without tumour or physics; the limit draws the case's white noise and no
more. Read the processor time: on a busy machine the wall clock measures the neighbours.
"""

import argparse
from pathlib import Path

import numpy as np
from harness import Candidate, Work, markdown, race, write_json_lines

from gliosynth.anatomy import load_anatomy
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


def main() -> None:
    """Races and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each candidate")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    candidates = [
        Candidate("gliosynth", gliosynth_work, "whole labelled case"),
        Candidate("MONAI", monai_work, "deformed label map and four noisy contrasts, no tumour"),
        Candidate("limit", limit_work, "white noise of the case"),
    ]
    timings = race(candidates, rounds=options.rounds)
    print(markdown(timings, baseline="gliosynth"))
    if options.json:
        write_json_lines(timings, topic="simulation", path=options.json)


if __name__ == "__main__":
    main()
