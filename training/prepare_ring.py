"""Reads folders of cases into rings ahead of training, or only says what is in them.

    python -m training.prepare_ring --source /data/BraTS2021 --list           # what is there, by file names alone
    python -m training.prepare_ring --source /data/BraTS2021 --bad-cases skip --source-workers 8
    python -m training.prepare_ring --source msd:/data/Task01_BrainTumour

A trainer with the same ``--source`` finds the ring that this made: the same files again are no work. Layouts: BraTS
2018 to 2023, Task01 of the Medical Decathlon, BIDS (`training.data.sources`). Contrasts must be co-registered and
skull-stripped, or come with a brain mask (`gliosynth preprocess` does both); what is not at 1 mm is resampled.

Cases that judge a model must not lie in a folder that it is trained on: no command can know which those are.
"""

import argparse
import logging

from gliosynth.errors import GliosynthError
from training.data.ring import RingShape
from training.data.sources.filling import SourceRing, source_ring
from training.data.sources.found import FoundCase
from training.data.sources.layouts import find_cases, layout_named, layout_of
from training.data.sources.options import (
    SourceOption,
    SourceOptions,
    add_source_arguments,
    plane_of,
    source_options_of,
)
from training.data.sources.splitting import split

LOG = logging.getLogger("training")


def found_line(case: FoundCase) -> str:
    """Returns one line on the files of a case."""
    contrasts = " ".join(sorted(image.contrast for image in case.images)) or "no image"
    extras = ("labels" if case.labels else "no labels") + (", brain mask" if case.brain else "")
    return f"{case.name:30s} patient {case.patient:26s} {contrasts:16s} {extras}"


def list_cases(source: SourceOption) -> None:
    """Prints what a source's folder holds; no image is opened."""
    if source.folder is None:
        print("simulator: makes cases, holds none")
        return
    layout = layout_named(source.kind) if source.kind else layout_of(source.folder)
    cases = find_cases(source.folder, layout)
    print(f"{source.folder}: {layout.name}, {len(cases)} cases of {len({case.patient for case in cases})} patients")
    for case in cases:
        print(found_line(case))


def ring_lines(source: SourceRing, held_out: frozenset[str]) -> str:
    """Returns what a ring holds, a line a case, and what was left out.

    Args:
        source: The ring.
        held_out: Patients that trainers with the same options do not train on.
    """
    lines = [
        f"{case.name:30s} {case.brain_ml:7.1f} ml brain {case.tumour_ml:8.3f} ml tumour ({case.lost_ml:.3f} lost)"
        f"  {' '.join(case.present)}{'  held out' if case.patient in held_out else ''}"
        for case in source.cases
    ]
    left_out = [f"left out: {case.message}" for case in source.bad]
    return "\n".join([*lines, *left_out, f"{len(lines)} cases, {len(left_out)} left out: {source.ring.folder}"])


def held_out_patients(source: SourceRing, options: SourceOptions) -> frozenset[str]:
    """Returns the patients that trainers with these options do not train on."""
    if options.held_out == 0:
        return frozenset()
    parts = split(source, options.held_out, seed=options.split_seed)
    return frozenset(case.patient for case in parts.held_out.cases)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_source_arguments(parser)
    parser.add_argument("--list", action="store_true", help="name the cases by their files and stop")
    line = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options = source_options_of(line, plane=plane_of(RingShape()))
    try:
        for source in options.sources:
            if line.list:
                list_cases(source)
            elif source.folder is not None:
                layout = layout_named(source.kind) if source.kind else None
                ring = source_ring(source.folder, options.fill, layout=layout)
                print(ring_lines(ring, held_out_patients(ring, options)))
    except GliosynthError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
