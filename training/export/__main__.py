"""Exports a trained network into the model repository, through a gate.

    python -m training.export segmenter --region WT --weights runs/wt/best.safetensors --validation VALIDATION
    python -m training.export generator --run runs/generator --ring HELD_OUT
    python -m training.export encoder --run runs/encoder --ring HELD_OUT
    python -m training.export skull-strip --run runs/skull_strip
    python -m training.export ensemble                            # WT, TC and ET of the repository as one model

A model goes into the next version folder, with its configuration and card: MODEL/N/model.onnx, MODEL/config.pbtxt,
MODEL/card.md. ONNX with fp16 weights is always written; `--torchscript` and `--fp16-compute` add sister models
MODEL_torchscript (Triton's pytorch backend) and MODEL_fp16 (GPUs). Every file is held to the gate first (size, input
and output, batches, agreement with torch); where one fails, the error names the check and nothing is written.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from gliosynth.errors import GliosynthError
from training.export import encoder, ensemble, generator, segmenter, skull_strip
from training.export.model import FILE_LIMIT_MIB, Exported, ExportOptions, ServedModel, export_model


@dataclass(frozen=True)
class Kind:
    """A kind of network that the command exports.

    Attributes:
        title: What it is.
        add_arguments: Adds its options.
        served_model: Builds it from the command line.
    """

    title: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    served_model: Callable[[argparse.Namespace], ServedModel]


KINDS: Final = {
    "segmenter": Kind("one region's segmenter", segmenter.add_arguments, segmenter.served_model),
    "generator": Kind("a generator of images from brain maps", generator.add_arguments, generator.served_model),
    "encoder": Kind("the feature encoder", encoder.add_arguments, encoder.served_model),
    "skull-strip": Kind("the brain extractor", skull_strip.add_arguments, skull_strip.served_model),
}
"""What can be exported, one line each."""

ENSEMBLE: Final = "ensemble"
"""Joins models that are in the repository; it exports no network."""


def parser() -> argparse.ArgumentParser:
    """Returns the command's parser."""
    root = argparse.ArgumentParser(
        prog="python -m training.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = root.add_subparsers(dest="kind", required=True)
    for name, kind in KINDS.items():
        command = commands.add_parser(name, help=kind.title, description=kind.title)
        kind.add_arguments(command)
        add_common(command)
    joined = commands.add_parser(ENSEMBLE, help="the three segmenters as one", description=ensemble.__doc__)
    ensemble.add_arguments(joined)
    return root


def add_common(command: argparse.ArgumentParser) -> None:
    """Adds the options of every kind."""
    command.add_argument("--repository", type=Path, default=Path("model_repository"))
    command.add_argument("--version", type=int, help="version to write; the newest may be replaced (default: the next)")
    command.add_argument(
        "--torchscript", action="store_true", help="also NAME_torchscript, for Triton's pytorch backend"
    )
    command.add_argument("--fp16-compute", action="store_true", help="also NAME_fp16, which computes in fp16 (GPUs)")
    command.add_argument("--gpu", action="store_true", help="Triton runs it on a GPU or not at all (KIND_GPU)")
    command.add_argument("--limit-mib", type=float, default=FILE_LIMIT_MIB, help="largest file")
    command.add_argument("--threads", type=int, default=1, help="threads of each engine")
    command.add_argument("--dry-run", action="store_true", help="hold it to the gate and write nothing")


def options_of(line: argparse.Namespace) -> ExportOptions:
    """Returns the options of every kind from the command line."""
    return ExportOptions(
        repository=line.repository,
        version=line.version,
        torchscript=line.torchscript,
        half=line.fp16_compute,
        device="gpu" if line.gpu else "auto",
        limit_mib=line.limit_mib,
        write=not line.dry_run,
    )


def report_text(exported: Exported, *, written: bool) -> str:
    """Returns what the command prints of one model."""
    report = exported.report
    place = exported.version.folder / str(exported.version.number)
    lines = [f"{'wrote' if written else 'passes, not written:'} {place} ({report.size_mib:.1f} MiB)"]
    lines += [
        f"  {one.engine}: largest {report.unit} difference {one.largest:.2g}, mean {one.mean:.2g},"
        f" equal {one.equal_share:.6f}"
        for one in report.parities
    ]
    height, width = report.size
    times = ", ".join(f"{speed.engine} {speed.slice_ms:.1f}" for speed in report.speeds)
    return "\n".join([*lines, f"  ms a slice of {height} x {width}, {report.threads} thread(s): {times}"])


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parser().parse_args(arguments)
    try:
        print("\n".join(run(line)))
    except GliosynthError as error:
        sys.exit(f"{error.reason}: {error}")


def run(line: argparse.Namespace) -> list[str]:
    """Does what a command line says and returns a text on each model.

    Raises:
        GliosynthError: Something was wrong; nothing was written.
    """
    if line.kind == ENSEMBLE:
        written = ensemble.export_ensemble(line.repository, version=line.version)
        return [f"wrote {place.folder / str(place.number)}" for place in written]
    torch.set_num_threads(line.threads)
    options = options_of(line)
    exported = export_model(KINDS[line.kind].served_model(line), options)
    return [report_text(one, written=options.write) for one in exported]


if __name__ == "__main__":
    main()
