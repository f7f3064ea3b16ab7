"""A folder of cases as a ring that is made once: the same files again are no work.

The ring lies in the cache under a name that is a digest of the files (names, sizes, times), of the ring's shape and of
how cases are read. Case ``n`` of the folder, by name, is volume ``n`` in slot ``n``; a bad case's slot stays empty. A
ring that was interrupted goes on where it stopped.
"""

import fcntl
import hashlib
import json
import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from gliosynth.errors import GliosynthError, InvalidCaseError, InvalidInputError, InvalidParameterError
from training.data.ring import Ring, RingShape
from training.data.sources.facts import TABLE, BadCase, CaseFacts, read_rows, write_row
from training.data.sources.found import FoundCase, Layout
from training.data.sources.layouts import find_cases, layout_of
from training.data.sources.reading import SPACING_MM, RealVolume, read_case

LOG = logging.getLogger("training.data.sources")

READING_VERSION: Final = 1
"""Counts up when the same files would give other volumes, so that rings of before are made anew."""

REAL_SHAPE: Final = RingShape(slots=1, slices=160, slice_mm=SPACING_MM)
"""Rings of real cases: every slice of a brain at 1 mm, where simulated rings hold every second; 25 MB a case."""

TORN_LINE: Final = b"\n"
"""Ends a line that a crash may have cut short."""


class BadCases(StrEnum):
    """What happens when a case cannot be used."""

    SKIP = "skip"
    """It is named and left out."""
    STOP = "stop"
    """It is named, and nothing is trained."""


@dataclass(frozen=True)
class FillOptions:
    """How a folder becomes a ring.

    Attributes:
        cache: Folder that holds the rings of sources.
        bad_cases: What happens when a case cannot be used.
        tumour_free: Whether cases without label map are free of tumour.
        shape: Size of the ring; its number of slots does not count. Slices are a whole number of mm apart.
        workers: Processes that read; 0: this one.
    """

    cache: Path
    bad_cases: BadCases = BadCases.STOP
    tumour_free: bool = False
    shape: RingShape = REAL_SHAPE
    workers: int = 0

    def __post_init__(self) -> None:
        """Refuses slices between the voxels.

        Raises:
            InvalidParameterError: The distance of the slices is no whole number of mm.
        """
        steps = self.shape.slice_mm / SPACING_MM
        if steps < 1 or steps != round(steps):
            raise InvalidParameterError(
                f"slices {self.shape.slice_mm} mm apart; cases are read at {SPACING_MM:g} mm, give a multiple of it",
                field="slice_mm",
                got=str(self.shape.slice_mm),
            )


@dataclass(frozen=True, eq=False)
class SourceRing:
    """The cases of a folder.

    Attributes:
        ring: Volumes; nobody renews them.
        cases: The good cases by slot.
        bad: The bad ones.
    """

    ring: Ring
    cases: tuple[CaseFacts, ...]
    bad: tuple[BadCase, ...]


def source_ring(folder: Path, options: FillOptions, *, layout: Layout | None = None) -> SourceRing:
    """Returns the cases of a folder, read now or at an earlier call.

    Processes that ask for the same folder at once wait for the first.

    Args:
        folder: Where the cases lie.
        options: How they are read and where they are kept.
        layout: How they lie; None finds out.

    Raises:
        InvalidInputError: No layout fits, or no case can be used.
        InvalidCaseError: A case cannot be used, and `BadCases.STOP` was asked for.
    """
    chosen = layout_of(folder) if layout is None else layout
    found = find_cases(folder, chosen)
    home = options.cache / f"{chosen.name}-{_digest(folder, found, options)}"
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home / "lock"):
        ring = Ring.create(home, replace(options.shape, slots=len(found)))
        _read_missing(ring, found, options)
    cases, bad = read_rows(home / TABLE)
    _report(folder, cases, bad)
    return SourceRing(ring, cases, bad)


def _read_missing(ring: Ring, found: Sequence[FoundCase], options: FillOptions) -> None:
    """Reads the cases that the table does not name yet."""
    table = ring.folder / TABLE
    cases, bad = read_rows(table)
    for case in bad:
        _judge(case, options.bad_cases)
    known = {case.slot for case in cases} | {case.slot for case in bad}
    missing = [(slot, case) for slot, case in enumerate(found) if slot not in known]
    if not missing:
        return
    LOG.info("reading %d of %d cases into %s", len(missing), len(found), ring.folder)
    if table.exists():
        with table.open("ab") as file:
            file.write(TORN_LINE)
    for number, finished in enumerate(_read_all(ring.folder, missing, options), start=1):
        write_row(table, finished)
        if isinstance(finished, BadCase):
            _judge(finished, options.bad_cases)
        else:
            LOG.info("%d of %d: %s", number, len(missing), finished.name)


def _read_all(
    ring: Path, missing: Sequence[tuple[int, FoundCase]], options: FillOptions
) -> Iterator[CaseFacts | BadCase]:
    """Yields cases as they are finished, read here or by processes."""
    if options.workers == 0:
        for slot, case in missing:
            yield read_into(ring, slot, case, tumour_free=options.tumour_free)
        return
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        tasks = [pool.submit(read_into, ring, slot, case, tumour_free=options.tumour_free) for slot, case in missing]
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:
            pool.shutdown(cancel_futures=True)


def read_into(folder: Path, slot: int, case: FoundCase, *, tumour_free: bool) -> CaseFacts | BadCase:
    """Reads a case into a slot of a ring and returns what was read, or what is wrong with it.

    Args:
        folder: Of the ring.
        slot: Where the case goes.
        case: Its files.
        tumour_free: See `FillOptions`.
    """
    try:
        volume = read_case(case, tumour_free=tumour_free)
    except GliosynthError as error:
        return BadCase(slot, case.name, error.reason, str(error))
    except OSError as error:
        return BadCase(slot, case.name, "UNREADABLE", f"{case.name}: {error}; check the file and its permissions")
    ring = Ring(folder)
    kept = _thinned(volume, ring.shape.slice_mm)
    ring.put(slot, kept)
    cut = int((kept.labels > 0).sum()) - int(ring.areas[slot, :, 1:].sum())
    return _facts(slot, case, volume, cut_ml=cut * SPACING_MM**2 * ring.shape.slice_mm / 1000.0)


def _thinned(volume: RealVolume, slice_mm: float) -> RealVolume:
    """Returns a volume with the slices that a ring keeps: all, or every n-th."""
    step = round(slice_mm / SPACING_MM)
    return replace(
        volume,
        contrasts=volume.contrasts[..., ::step],
        labels=volume.labels[..., ::step],
        brain=volume.brain[..., ::step],
    )


def _facts(slot: int, case: FoundCase, volume: RealVolume, *, cut_ml: float) -> CaseFacts:
    voxel_ml = SPACING_MM**3 / 1000.0
    return CaseFacts(
        slot=slot,
        name=case.name,
        patient=case.patient,
        present=volume.present,
        spacing_mm=volume.spacing_mm,
        brain_ml=round(float(volume.brain.sum()) * voxel_ml, 1),
        tumour_ml=round(float((volume.labels > 0).sum()) * voxel_ml, 3),
        lost_ml=round(volume.outside_ml + cut_ml, 3),
    )


def _judge(case: BadCase, policy: BadCases) -> None:
    """Says that a case is left out, or stops there."""
    if policy is BadCases.STOP:
        raise InvalidCaseError(
            f"{case.message} (to leave out cases that cannot be used: --bad-cases skip)",
            field=case.name,
            reason=case.reason,
        )
    LOG.warning("left out: %s", case.message)


def _report(folder: Path, cases: Sequence[CaseFacts], bad: Sequence[BadCase]) -> None:
    """Logs how many cases there are, or refuses a folder without any."""
    if not cases:
        raise InvalidInputError(
            f"{folder}: none of the {len(bad)} cases can be used; the first: {bad[0].message}", field="source"
        )
    incomplete = sum(len(case.present) < 4 for case in cases)
    LOG.info(
        "%s: %d cases of %d patients, %d without a contrast, %d left out",
        folder, len(cases), len({case.patient for case in cases}), incomplete, len(bad),
    )  # fmt: skip


def _digest(folder: Path, found: Sequence[FoundCase], options: FillOptions) -> str:
    """Returns a name for these files read in this way."""
    files = [
        (case.name, path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns)
        for case in found
        for path in case.paths
    ]
    shape = vars(replace(options.shape, slots=len(found)))
    what = json.dumps([READING_VERSION, options.tumour_free, shape, files], sort_keys=True)
    return hashlib.sha256(what.encode()).hexdigest()[:16]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Lets one process at a time into a block."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
