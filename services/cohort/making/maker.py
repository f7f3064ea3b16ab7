"""What a worker does for one job: makes a case, completes a data set, removes a cohort."""

import time
from collections.abc import Callable
from typing import Final

from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import CaseArtefacts, make_case
from gliosynth.cohort.dataset import finish_dataset
from gliosynth.cohort.spec import CohortSpec, parse_spec
from gliosynth.cohort.summary import CaseSummary
from gliosynth.errors import CancelledError, ModelError
from services.cohort.jobs.records import CaseOutcome, CohortRecord
from services.cohort.jobs.runs import Runs
from services.cohort.making.artefacts import Artefacts
from services.cohort.making.gate import GateSegmenter
from services.cohort.making.label_maps import LabelMaps
from services.cohort.making.painters import Painters
from services.runtime.storage import Store

CHECK_S: Final = 1.0
"""Seconds between two looks at whether a cohort is still wanted, while one of its cases is made."""


MOST_KEPT: Final = 4
"""Cohorts whose spec and anatomies a worker keeps: cases of several come in turn."""

LONGEST_REMOVAL_WAIT_S: Final = 120.0
"""Longest wait in seconds for another worker to notice that the cohort whose case it makes is deleted."""


class Maker:
    """Makes cohorts; used by one job at a time."""

    def __init__(
        self, runs: Runs, store: Store, *, label_maps: LabelMaps, gate: GateSegmenter | None, painters: Painters
    ) -> None:
        """Keeps what it works with.

        Args:
            runs: The work to do.
            store: Where files go.
            label_maps: The callers' own anatomies.
            gate: Reads cases again, or None.
            painters: The networks that paint cases.
        """
        self._runs = runs
        self._store = store
        self._label_maps = label_maps
        self._gate = gate
        self._painters = painters
        self._kept: dict[str, tuple[CohortSpec, SpecAnatomies]] = {}

    def make(self, cohort_id: str, run: int, number: int) -> None:
        """Makes and stores a case, unless it is stored already or not wanted any more.

        Args:
            cohort_id: The cohort.
            run: The run.
            number: The case, from 0.

        Raises:
            StorageError: The store or the database fails.
            GliosynthError: The case cannot be made.
        """
        cohort = self._runs.wanted(cohort_id, run)
        if cohort is None:
            return
        artefacts = Artefacts(self._store, cohort_id)
        if not artefacts.has_case(number):
            case = self._made(cohort, number)
            self._check_wanted(cohort_id, run)
            artefacts.write_case(number, case)
        self._runs.case_stored(cohort_id, run, _outcome(number, artefacts.summary(number)))

    def finish(self, cohort_id: str, run: int) -> None:
        """Completes a data set.

        Args:
            cohort_id: The cohort.
            run: The run.

        Raises:
            StorageError: The store or the database fails.
            GliosynthError: The data set cannot be completed.
        """
        cohort = self._runs.wanted(cohort_id, run)
        if cohort is None:
            return
        artefacts = Artefacts(self._store, cohort_id)
        spec, _ = self._read(cohort)
        summaries = [artefacts.summary(number) for number in range(cohort.case_count)]
        dataset = finish_dataset(spec, summaries, read=artefacts.read)
        self._check_wanted(cohort_id, run)
        listed = artefacts.write_dataset(dataset.files, summaries)
        reasons = () if dataset.verdict.released else dataset.verdict.reasons
        count = len(listed.reports) + len(listed.cases)
        self._runs.finish(cohort_id, run, size_bytes=listed.size_bytes, file_count=count, reasons=reasons)

    def remove(self, cohort_id: str) -> None:
        """Removes everything of a deleted cohort, once no worker can write any more of it.

        Args:
            cohort_id: The cohort.

        Raises:
            StorageError: The store or the database fails.
        """
        if not self._runs.is_deleted(cohort_id):
            return
        end_s = time.monotonic() + LONGEST_REMOVAL_WAIT_S
        while self._runs.others_at_work(cohort_id) and time.monotonic() < end_s:
            time.sleep(CHECK_S)
        Artefacts(self._store, cohort_id).delete()
        self._runs.removed(cohort_id)

    def _made(self, cohort: CohortRecord, number: int) -> CaseArtefacts:
        spec, anatomies = self._read(cohort)
        self._check_models(cohort, spec)
        return make_case(
            spec,
            number,
            anatomies=anatomies,
            segment=self._gate,
            check=_Every(CHECK_S, lambda: self._check_wanted(cohort.id, cohort.run)),
            networks=self._painters.networks(spec.generator),
        )

    def _read(self, cohort: CohortRecord) -> tuple[CohortSpec, SpecAnatomies]:
        """Returns the spec and its anatomies; those of the last few cohorts are kept."""
        kept = self._kept.pop(cohort.id, None)
        if kept is None:
            spec = parse_spec(cohort.spec)
            kept = (spec, SpecAnatomies(spec, self._label_maps.read))
        self._kept[cohort.id] = kept
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return kept

    def _check_wanted(self, cohort_id: str, run: int) -> None:
        if self._runs.wanted(cohort_id, run) is None:
            raise CancelledError(f"cohort {cohort_id} is not wanted any more")

    def _check_models(self, cohort: CohortRecord, spec: CohortSpec) -> None:
        mine = (*self._painters.models(spec.generator), *(() if self._gate is None else self._gate.models))
        if mine != cohort.models:
            names = [f"{model.name} {model.digest[:19]} on {model.engine}" for model in cohort.models] or ["no models"]
            raise ModelError(
                f"this worker has other models than the cohort was created with ({', '.join(names)}): give the worker"
                " the server's model repository, cohort_segmenter and cohort_generator_engine, or create the cohort"
                " again",
                field="model",
                reason="MODELS_DIFFER",
            )


class _Every:
    """Calls a check at most every few seconds."""

    def __init__(self, interval_s: float, check: Callable[[], None]) -> None:
        self._interval_s = interval_s
        self._check = check
        self._last_s = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last_s >= self._interval_s:
            self._check()
            self._last_s = time.monotonic()


def _outcome(number: int, summary: CaseSummary) -> CaseOutcome:
    """Returns what a case adds: of each rejected draw, the first rule that did not hold."""
    rejections: dict[str, int] = {}
    for reject in summary.facts.rejects:
        reason = reject.findings[0].rule
        rejections[reason] = rejections.get(reason, 0) + 1
    size = sum(file.byte_count for file in summary.files)
    return CaseOutcome(number, size, rejections, summary.facts.generator.partition("/")[0])
