"""The paper's image table with figures that can be: MSE, MAE, PSNR and SSIM of generated images, contrast by contrast.

    python -m training.study.image_table --reference truth/ --generated made/ --out table/

Both folders hold the same cases by name in any layout that training reads; a case is compared with its own truth, so
lesions must not have moved (the paper says so, too, and moved them). Images are unit intensities inside the brain of
the reference, so the data range is 1; the mask is that brain, and SSIM is 2D on axial slices, window 11, sigma 1.5.
"""

import argparse
import csv
import io
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import GliosynthError, InvalidInputError
from gliosynth.labels import CONTRASTS, Contrast, Mask
from gliosynth.metrics import ImageScores, score_image
from gliosynth.preprocessing.intensity import unit_intensities
from gliosynth.report.overlay import CONTRAST_TITLES
from training.data.sources.layouts import find_cases
from training.data.sources.reading import RealVolume, read_case
from training.study.image_checks import MeanImageScores, check_mean_scores
from training.study.paper import IMAGE_RANGE, IMAGE_TABLE

DATA_RANGE: Final = 1.0
"""Unit intensities lie in 0 to 1."""


@dataclass(frozen=True)
class PairScores:
    """Scores of one contrast of one case.

    Attributes:
        case: Name of the case.
        contrast: Which image.
        scores: Inside the brain.
    """

    case: str
    contrast: Contrast
    scores: ImageScores


@dataclass(frozen=True)
class ContrastRow:
    """One row of the table: means over cases, and the cases' population standard deviations.

    Attributes:
        contrast: Which images.
        mean: Means, checked: no set of images contradicts them.
        mse_sd: Of the MSE.
        mae_sd: Of the MAE.
        ssim_sd: Of the SSIM.
    """

    contrast: Contrast
    mean: MeanImageScores
    mse_sd: float
    mae_sd: float
    ssim_sd: float


def score_pair(
    case: str, reference: NDArray[np.float32], generated: NDArray[np.float32], brain: Mask
) -> tuple[PairScores, ...]:
    """Returns the scores of every contrast of a case.

    Args:
        case: Its name.
        reference: ``(4, X, Y, Z)`` float32, any linear scale.
        generated: The same of the generated images; each scaled by its own percentiles.
        brain: ``(X, Y, Z)``: voxels that count.

    Raises:
        InvalidVolumeError: Shapes differ, or an image is constant in the brain.
    """
    if reference.shape != generated.shape:
        raise InvalidInputError(
            f"{case}: reference {reference.shape} and generated {generated.shape} lie on different grids; generate on"
            " the grid of the reference",
            field=case,
        )
    return tuple(
        PairScores(
            case,
            contrast,
            score_image(
                unit_intensities(truth, brain, name=f"{case} {contrast}"),
                unit_intensities(made, brain, name=f"{case} {contrast}"),
                data_range=DATA_RANGE,
                mask=brain,
            ),
        )
        for contrast, truth, made in zip(CONTRASTS, reference, generated, strict=True)
    )


def table_of(pairs: Sequence[PairScores]) -> tuple[ContrastRow, ...]:
    """Returns one row a contrast, each checked by `check_mean_scores`.

    Raises:
        InvalidInputError: The means contradict each other: a score was computed wrongly.
    """
    return tuple(
        _row(contrast, [one.scores for one in pairs if one.contrast is contrast])
        for contrast in CONTRASTS
        if any(one.contrast is contrast for one in pairs)
    )


def table_markdown(rows: Sequence[ContrastRow], *, real: str) -> str:
    """Returns the table as Markdown, the paper's below it with what is impossible about it.

    Args:
        rows: One a contrast.
        real: What the images are, for the first line.
    """
    lines = [
        "# Generated images beside their truth",
        "",
        f"{real}. Data range {DATA_RANGE:g} (unit intensities: percentiles 0.5 and 99.5 of the brain are 0 and 1),"
        " mask: the reference's brain, SSIM 2D on axial slices, Gaussian window of 11 pixels. Mean ± sd over cases.",
        "",
        "| Contrast | Cases | MSE | MAE | PSNR (dB) | SSIM |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {CONTRAST_TITLES[row.contrast]} | {row.mean.pairs} | {row.mean.mse:.5f} ± {row.mse_sd:.5f}"
        f" | {row.mean.mae:.4f} ± {row.mae_sd:.4f} | {row.mean.psnr_db:.2f} ± {row.mean.psnr_sd_db:.2f}"
        f" | {row.mean.ssim:.3f} ± {row.ssim_sd:.3f} |"
        for row in rows
    ]
    return "\n".join([*lines, "", *_paper_lines()]) + "\n"


def pairs_csv(pairs: Sequence[PairScores]) -> str:
    """Returns one line a case and contrast."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["case", "contrast", "mse", "mae", "psnr_db", "ssim", "data_range"])
    for one in pairs:
        found = one.scores
        writer.writerow([one.case, one.contrast, found.mse, found.mae, found.psnr_db, found.ssim, found.data_range])
    return buffer.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, or 2 where the input is at fault."""
    parser = argparse.ArgumentParser(
        prog="python -m training.study.image_table",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--reference", type=Path, required=True, help="folder of the true cases")
    parser.add_argument("--generated", type=Path, required=True, help="folder of what was generated of them")
    parser.add_argument("--out", type=Path, help="folder for image_table.md and image_table.csv")
    line = parser.parse_args(arguments)
    try:
        pairs = tuple(_score_folders(line.reference, line.generated))
        text = table_markdown(table_of(pairs), real=f"{line.generated.name} against {line.reference.name}")
    except GliosynthError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(text, end="")
    if line.out:
        line.out.mkdir(parents=True, exist_ok=True)
        (line.out / "image_table.md").write_text(text)
        (line.out / "image_table.csv").write_text(pairs_csv(pairs))
    return 0


def _score_folders(reference: Path, generated: Path) -> Iterable[PairScores]:
    """Yields the scores of the cases that both folders hold."""
    truth = {case.name: case for case in find_cases(reference)}
    made = {case.name: case for case in find_cases(generated)}
    if truth.keys() != made.keys():
        apart = sorted(truth.keys() ^ made.keys())
        raise InvalidInputError(
            f"{len(apart)} cases are in one folder alone, such as {apart[0]}; give folders with the same cases",
            field="generated",
        )
    for name in sorted(truth):
        first, second = read_case(truth[name], tumour_free=True), read_case(made[name], tumour_free=True)
        yield from score_pair(name, first.contrasts, _on_grid_of(first, second), first.brain)


def _on_grid_of(reference: RealVolume, generated: RealVolume) -> NDArray[np.float32]:
    """Returns the generated images where both cases were cut to the same box, which same brains are."""
    if not np.array_equal(reference.brain, generated.brain):
        raise InvalidInputError(
            "the brains of a pair differ; generated images must be 0 exactly where their reference is",
            field="generated",
        )
    return generated.contrasts


def _row(contrast: Contrast, scores: Sequence[ImageScores]) -> ContrastRow:
    mse, mae, psnr_db, ssim = (
        np.array([getattr(one, name) for one in scores]) for name in ("mse", "mae", "psnr_db", "ssim")
    )
    mean = MeanImageScores(
        mse=float(mse.mean()),
        mae=float(mae.mean()),
        psnr_db=float(psnr_db.mean()),
        psnr_sd_db=float(psnr_db.std()) if np.isfinite(psnr_db).all() else math.inf,
        ssim=float(ssim.mean()),
        data_range=DATA_RANGE,
        pairs=len(scores),
    )
    check_mean_scores(mean)
    return ContrastRow(contrast, mean, float(mse.std()), float(mae.std()), float(ssim.std()))


def _paper_lines() -> list[str]:
    lines = [
        f"Paper 002, table one, states a range of {IMAGE_RANGE:g}. No images have these means together: MAE exceeds the"
        " root of MSE, and the PSNR asks for another range.",
        "",
        "| Contrast | MSE | root of MSE | MAE | PSNR (dB) | range it implies | SSIM |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for contrast, (mse, mae, psnr_db, _, ssim) in IMAGE_TABLE.items():
        implied = float(np.sqrt(mse * 10 ** (psnr_db / 10)))
        lines.append(
            f"| {CONTRAST_TITLES[contrast]} | {mse:.3f} | {np.sqrt(mse):.2f} | {mae:.3f} | {psnr_db:.3f}"
            f" | {implied:.0f} | {ssim:.3f} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
