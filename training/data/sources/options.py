"""What a trainer draws from, as its command line says it, parsed in one place for all of them.

    --source simulator=0.5 --source brats:/data/BraTS2021=0.4 --source /data/own-cohort=0.1

A source is a kind, a place and a share: ``simulator`` (the ring that the trainer's workers feed), ``brats``, ``msd`` or
``bids`` with a folder, a folder alone (its layout is found out), or ``ring`` with the folder of a finished ring. Shares
are ratios; without one a source counts 1. Without any source a trainer draws from the simulator alone.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gliosynth.errors import InvalidParameterError
from training.data.mixture import Mixture, Rings
from training.data.ring import Ring, RingShape
from training.data.sources.filling import REAL_SHAPE, BadCases, FillOptions, SourceRing, source_ring
from training.data.sources.layouts import LAYOUTS, layout_named
from training.data.sources.splitting import split

SIMULATOR: Final = "simulator"
"""Kind of the trainer's own ring."""

RING: Final = "ring"
"""Kind of a ring that is there already."""

KINDS: Final = (SIMULATOR, RING, *(layout.name for layout in LAYOUTS))
"""Every kind that may stand before a colon."""


@dataclass(frozen=True)
class SourceOption:
    """One source of a command line.

    Attributes:
        kind: One of `KINDS`, or "" where the folder's layout is found out.
        folder: Where it lies; None for the simulator.
        share: How often it is drawn from.
    """

    kind: str
    folder: Path | None
    share: float = 1.0

    def __str__(self) -> str:
        """Returns the word of the command line that means this source."""
        place = "" if self.folder is None else str(self.folder)
        return f"{':'.join(filter(None, (self.kind, place)))}={self.share:g}"


@dataclass(frozen=True)
class SourceOptions:
    """What a trainer draws from.

    Attributes:
        sources: At least one.
        fill: How folders become rings.
        held_out: Share of the patients of each folder that is not trained on; 0: all are.
        split_seed: Decides which patients.
    """

    sources: tuple[SourceOption, ...]
    fill: FillOptions
    held_out: float
    split_seed: int

    @property
    def simulated(self) -> bool:
        """Whether the simulator is among the sources, so that its workers are needed."""
        return any(source.kind == SIMULATOR for source in self.sources)

    def as_json(self) -> dict[str, object]:
        """Returns what decides a run's result as JSON values, for options.json."""
        return {
            "sources": [str(source) for source in self.sources],
            "tumour_free": self.fill.tumour_free,
            "held_out": self.held_out,
            "split_seed": self.split_seed,
        }


@dataclass(frozen=True, eq=False)
class Opened:
    """Sources ready to be drawn from.

    Attributes:
        rings: What batches are drawn from.
        held_out: Cases of folders that are not trained on, by the folder's name (its path where two share a name).
    """

    rings: Rings
    held_out: dict[str, SourceRing]


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--source`` and what belongs to it to a trainer's command line."""
    cache = Path(tempfile.gettempdir()) / "gliosynth-sources"
    add = parser.add_argument_group("what is trained on").add_argument
    add("--source", type=parse_source, action="append", metavar="[KIND:]FOLDER[=SHARE]", default=[],
        help=f"simulator, or a folder of cases; may be given several times; kinds: {', '.join(KINDS)}")  # fmt: skip
    add("--source-cache", type=Path, default=cache, help="where folders are kept as rings once they were read")
    add("--source-workers", type=int, default=0, help="processes that read folders; 0: the trainer itself")
    add("--bad-cases", type=BadCases, choices=list(BadCases), default=BadCases.STOP, help="default stop")
    add("--tumour-free", action="store_true", help="cases without label map are free of tumour")
    add("--held-out", type=float, default=0.2, help="share of each folder's patients that is not trained on")
    add("--split-seed", type=int, default=0, help="decides which patients")


def source_options_of(line: argparse.Namespace, *, plane: tuple[int, int]) -> SourceOptions:
    """Returns the source options of a command line.

    Args:
        line: Arguments of `add_source_arguments`.
        plane: Pixels along X and Y of the trainer's rings: slices of one batch have one size.
    """
    fill = FillOptions(
        cache=line.source_cache,
        bad_cases=line.bad_cases,
        tumour_free=line.tumour_free,
        shape=replace(REAL_SHAPE, height=plane[0], width=plane[1]),
        workers=line.source_workers,
    )
    sources = tuple(line.source) or (SourceOption(SIMULATOR, None),)
    return SourceOptions(sources, fill, line.held_out, line.split_seed)


def parse_source(text: str) -> SourceOption:
    """Returns the source that a word of the command line means.

    Args:
        text: ``simulator``, ``KIND:FOLDER`` or ``FOLDER``, each with ``=SHARE`` or without.

    Raises:
        argparse.ArgumentTypeError: The word is none of these, or the share is not above 0.
    """
    where, share = _share(text)
    kind, colon, rest = where.partition(":")
    if where == SIMULATOR:
        return SourceOption(SIMULATOR, None, share)
    if colon and kind in KINDS and kind != SIMULATOR and rest:
        return SourceOption(kind, Path(rest), share)
    if not where or colon or where in KINDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no source; give simulator, a folder, or KIND:FOLDER with one of"
            f" {', '.join(kind for kind in KINDS if kind != SIMULATOR)}, and =SHARE if you like"
        )
    return SourceOption("", Path(where), share)


def open_sources(options: SourceOptions, simulator: Ring) -> Opened:
    """Returns the rings to draw from, made first where a folder was never read before.

    Args:
        options: What is drawn from.
        simulator: The ring that the trainer's workers feed.

    Raises:
        InvalidInputError: A folder has no known layout, or no case that can be used.
        InvalidCaseError: A case cannot be used, and the options say stop.
        InvalidParameterError: Rings have slices of different sizes, or patients cannot be divided.
    """
    rings: list[Ring] = []
    held_out: dict[str, SourceRing] = {}
    for source in options.sources:
        if source.folder is None:
            rings.append(simulator)
        elif source.kind == RING:
            rings.append(_finished_ring(source.folder))
        else:
            layout = layout_named(source.kind) if source.kind else None
            cases = source_ring(source.folder, options.fill, layout=layout)
            if options.held_out > 0:
                parts = split(cases, options.held_out, seed=options.split_seed)
                taken = source.folder.name in held_out
                held_out[str(source.folder) if taken else source.folder.name] = parts.held_out
                cases = parts.training
            rings.append(cases.ring)
    _check_planes(rings)
    return Opened(Mixture(tuple(rings), tuple(source.share for source in options.sources)), held_out)


def _finished_ring(folder: Path) -> Ring:
    if not (folder / "ring.json").is_file():
        raise InvalidParameterError(f"{folder}: there is no ring; give a folder with ring.json", field="source")
    return Ring(folder)


def _share(text: str) -> tuple[str, float]:
    """Returns what stands before the last ``=``, and the number behind it; 1 where there is none."""
    where, equals, number = text.rpartition("=")
    if not equals:
        return text, 1.0
    try:
        share = float(number)
    except ValueError:
        return text, 1.0
    if not 0 < share < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: a share must be above 0, leave out what is not wanted")
    return where, share


def _check_planes(rings: Sequence[Ring]) -> None:
    """Refuses rings whose slices cannot lie in one batch."""
    sizes = {plane_of(ring.shape) for ring in rings}
    if len(sizes) > 1:
        listed = ", ".join(f"{ring.folder.name} {plane_of(ring.shape)}" for ring in rings)
        raise InvalidParameterError(
            f"slices of different sizes cannot be mixed: {listed}; make the rings anew with one size", field="source"
        )


def plane_of(shape: RingShape) -> tuple[int, int]:
    """Returns the pixels of a ring's slices along X and Y."""
    return shape.height, shape.width
