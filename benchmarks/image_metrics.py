"""Image metrics beside their peers: MSE, MAE, PSNR and SSIM of 155 slices of 256 x 256, and equality to each peer.

Launch in the peers' environment, with this project on the path (`make bench` does both):

    PYTHONPATH=. .venv-peers/bin/python benchmarks/image_metrics.py

Prints one table of times and ratios, and one of the largest difference to each peer; exits with 1 if one exceeds 1e-6.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from harness import Candidate, Work, markdown, race, write_json_lines
from scipy.ndimage import gaussian_filter

from gliosynth.metrics import SsimWindow, score_image

SHAPE = (155, 256, 256)
"""Slices first: the order in which every peer reads them without copying."""

LARGEST_DIFFERENCE = 1e-6
"""Largest difference to a peer, SSIM being of order 1."""

Pair = tuple[np.ndarray, np.ndarray]
"""float32 stacks (slices, Y, X) of reference and prediction, in [0, 1]."""

Values = tuple[float, float, float]
"""Mean squared error, mean absolute error, mean SSIM over the slices."""


def synthetic_pair(seed: int = 0) -> Pair:
    """A smooth textured ball in air, and a noisy copy."""
    rng = np.random.default_rng(seed)
    texture = gaussian_filter(rng.standard_normal(SHAPE, dtype=np.float32), 3)
    grid = np.indices(SHAPE, dtype=np.float32, sparse=True)
    inside = sum(((axis - size / 2) / (0.4 * size)) ** 2 for axis, size in zip(grid, SHAPE, strict=True)) < 1
    image = np.where(inside, np.clip(0.5 + 0.15 * texture / texture.std(), 0.01, 1), 0).astype(np.float32)
    noisy = np.clip(image + 0.03 * rng.standard_normal(SHAPE, dtype=np.float32), 0, 1)
    return image, noisy


def gliosynth_work(pair: Pair, window: SsimWindow) -> Work:
    """Ours: volumes (X, Y, Z), here views of the same memory."""
    first, second = (stack.T for stack in pair)

    def work() -> Values:
        scores = score_image(first, second, data_range=1.0, window=window)
        return scores.mse, scores.mae, scores.ssim

    return work


def scikit_image_work(pair: Pair, window: SsimWindow) -> Work:
    """scikit-image, slice by slice."""
    from skimage.metrics import mean_squared_error, structural_similarity

    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    chosen = gaussian if window is SsimWindow.GAUSSIAN_11 else {}

    def work() -> Values:
        rows = [
            (
                mean_squared_error(first, second),
                np.abs(first - second).mean(),
                structural_similarity(first, second, data_range=1.0, **chosen),
            )
            for first, second in zip(*pair, strict=True)
        ]
        return means(rows)

    return work


def monai_work(pair: Pair) -> Work:
    """MONAI, slice by slice: in one batch it takes three times as long and 800 MiB."""
    import torch
    from monai.metrics import MAEMetric, MSEMetric, SSIMMetric

    stacks = [torch.from_numpy(stack)[:, None] for stack in pair]
    metrics = (MSEMetric(), MAEMetric(), SSIMMetric(spatial_dims=2, data_range=1.0))

    def work() -> Values:
        rows = []
        for index in range(len(stacks[0])):
            first, second = (stack[index : index + 1] for stack in stacks)
            rows.append([float(metric._compute_metric(first, second).reshape(-1)[0]) for metric in metrics])
        return means(rows)

    return work


def limit_work(pair: Pair) -> Work:
    """The floor: one pass over both volumes."""
    first, second = (stack.ravel() for stack in pair)
    return lambda: float(np.dot(first, second))


def means(rows: list) -> Values:
    """Means over the slices."""
    squared, absolute, similarity = np.mean(np.asarray(rows, dtype=np.float64), axis=0)
    return float(squared), float(absolute), float(similarity)


def candidates(pair: Pair) -> list[Candidate]:
    """Everyone in the race."""
    gaussian, uniform = SsimWindow.GAUSSIAN_11, SsimWindow.UNIFORM_7
    return [
        Candidate("gliosynth", lambda: gliosynth_work(pair, gaussian), "Gaussian 11"),
        Candidate("gliosynth, uniform", lambda: gliosynth_work(pair, uniform), "uniform 7"),
        Candidate("scikit-image", lambda: scikit_image_work(pair, uniform), "uniform 7, its default"),
        Candidate("scikit-image, Gaussian", lambda: scikit_image_work(pair, gaussian), "Gaussian 11"),
        Candidate("MONAI", lambda: monai_work(pair), "Gaussian 11"),
        Candidate("limit", lambda: limit_work(pair), "both volumes read once"),
    ]


PEERS = {"scikit-image": "gliosynth, uniform", "scikit-image, Gaussian": "gliosynth", "MONAI": "gliosynth"}
"""Which of ours has the window of which peer."""


def main() -> int:
    """Races, compares, prints; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each candidate")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    timings = race(candidates(synthetic_pair()), rounds=options.rounds)
    print(markdown(timings, baseline="scikit-image"))
    if options.json:
        write_json_lines(timings, topic="image metrics", path=options.json)
    values = {timing.name: np.asarray(timing.value, dtype=np.float64) for timing in timings if timing.name != "limit"}
    differences = {peer: np.abs(values[peer] - values[own]) for peer, own in PEERS.items()}
    print("\n| peer | MSE | MAE | SSIM: largest differences |\n| --- | ---: | ---: | ---: |")
    for peer, found in differences.items():
        print(f"| {peer} | " + " | ".join(f"{value:.1e}" for value in found) + " |")
    return int(max(found.max() for found in differences.values()) > LARGEST_DIFFERENCE)


if __name__ == "__main__":
    sys.exit(main())
