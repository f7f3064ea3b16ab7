"""Judges a trained generator on held-out volumes: its images, and whether a segmenter finds the lesion it painted.

    python -m training.evaluate_generator --run runs/generator --ring runs/generator-validation --json scores.json
    python -m training.evaluate_generator --run runs/t1n runs/t1c runs/t2w runs/t2f --ring RINGS --sheet sheet.png

Prints two tables. Images: MSE, MAE, PSNR and SSIM in the brain, and SSIM of whole slices, unit intensities, data range
1, per contrast, the mean over cases and over slices, nothing moved. Lesions: Dice of WT, TC and ET that the served
segmenters find in the true volume (the ceiling), in the painted one, and in those painted with the lesion turned,
shifted, scaled and flipped (its old place the paper's band, or healed), each against the map that was painted. Models
of one contrast are judged together if they paint all four.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image

from gliosynth.errors import InvalidInputError
from gliosynth.generation import GeneratorNetwork
from gliosynth.labels import REGIONS
from training.data.ring import Ring
from training.generation.evaluation import CaseScores, evaluate_generator
from training.generation.figures import GeneratorScores, Images, summarise
from training.generation.finding import served_segmenters
from training.generation.lesion_sheet import lesion_sheet
from training.generation.trained import trained_generator

SIZE: Final = (192, 192)
"""Height and width of the slices whose images are compared, where a network takes any."""


def rings_in(folders: list[Path]) -> list[Ring]:
    """Returns the rings that folders are or hold.

    Raises:
        InvalidInputError: There is none.
    """
    found = [path.parent for folder in folders for path in (*folder.glob("ring.json"), *folder.glob("*/ring.json"))]
    if not found:
        raise InvalidInputError(f"{', '.join(map(str, folders))}: no ring there; name a ring or a folder of rings")
    return [Ring(folder) for folder in sorted(found)]


def image_table(scores: GeneratorScores) -> str:
    """Returns the image metrics as text."""
    lines = [f"{scores.cases} cases, {scores.slices} slices, in the brain, data range 1, nothing moved"]
    lines.append(f"{'':8s}{'mse':>9s}{'mae':>8s}{'psnr':>8s}{'ssim':>8s}{'whole':>8s}   by slice: psnr    ssim   whole")
    for contrast, case in scores.by_case.items():
        one = scores.by_slice[contrast]
        figures = f"{case.mse:9.5f}{case.mae:8.4f}{case.psnr_db:8.2f}{case.ssim:8.4f}{case.ssim_whole:8.4f}"
        lines.append(f"{contrast:8s}{figures}{one.psnr_db:17.2f}{one.ssim:8.4f}{one.ssim_whole:8.4f}")
    return "\n".join([*lines, f"{'mean':33s}{scores.ssim:8.4f}{scores.ssim_whole:8.4f}"])


def lesion_table(scores: GeneratorScores) -> str:
    """Returns the Dice of the lesions that were found as text."""
    lines = ["Dice with the map (cases that have the region)", f"{'':8s}" + "".join(f"{r:>14s}" for r in REGIONS)]
    for images, regions in scores.lesions.items():
        cells = [f"{regions[region].dice:8.3f} ({regions[region].cases:3d})" for region in REGIONS]
        lines.append(f"{images:8s}" + "".join(f"{cell:>14s}" for cell in cells))
    return "\n".join(lines)


def as_json(networks: list[GeneratorNetwork], cases: list[CaseScores], scores: GeneratorScores) -> dict[str, Any]:
    """Returns all figures as JSON values."""
    return {
        "networks": [network.identity.text for network in networks],
        "cases": [{"ring": case.ring, "slot": case.slot, **asdict(case.figures)} for case in cases],
        "mean": asdict(scores),
    }


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="run folders of training.train_generator")
    parser.add_argument("--weights", choices=("best", "last"), default="best")
    parser.add_argument("--ring", type=Path, nargs="+", required=True, help="held-out rings, or folders of rings")
    parser.add_argument("--cases", type=int, default=6, help="volumes with a lesion of each ring")
    parser.add_argument("--segmenters", type=Path, default=Path("model_repository"), help="repository with segmenter_*")
    parser.add_argument("--images-only", action="store_true", help="compare images; do not look for lesions")
    parser.add_argument("--seed", type=int, default=0, help="of the movements")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the generator")
    parser.add_argument("--json", type=Path, help="where all figures go")
    parser.add_argument("--sheet", type=Path, help="where the picture of the lesions goes, PNG")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments)
    torch.set_num_threads(line.threads)
    networks = [trained_generator(run / f"{line.weights}.safetensors") for run in line.run]
    models = None if line.images_only else served_segmenters(line.segmenters)
    cases: list[CaseScores] = []
    for case in evaluate_generator(
        networks, rings_in(line.ring), size=SIZE, models=models, most_cases=line.cases, seed=line.seed
    ):
        cases.append(case)
        print(_line_of(case), flush=True)
    if not cases:
        raise InvalidInputError(f"{', '.join(map(str, line.ring))}: no volume there has a lesion")
    scores = summarise([case.figures for case in cases])
    print(image_table(scores), lesion_table(scores), sep="\n\n")
    if line.json:
        line.json.write_text(json.dumps(as_json(networks, cases, scores), indent=2) + "\n")
    if line.sheet and models is not None:
        Image.fromarray(lesion_sheet(cases)).save(line.sheet, optimize=True)


def _line_of(case: CaseScores) -> str:
    """Returns one case as text."""
    ssim = float(np.mean([one.case.ssim for one in case.figures.contrasts]))
    found = {one.images: one.dice for one in case.figures.lesions}
    parts = [
        f"{images} " + " ".join("  -  " if value is None else f"{value:.3f}" for value in found[images])
        for images in Images
        if images in found
    ]
    return f"{case.ring:16s} {case.slot:3d} ssim {ssim:.4f}   " + "   ".join(parts)


if __name__ == "__main__":
    main()
