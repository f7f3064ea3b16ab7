"""Times whole cohort cases: growth, mass effect, physics, artefacts, gate with the segmenter, measurement, files.

    python benchmarks/cohort.py [--cases 8] [--workers 1 2] [--grid 160 192 160] [--spacing 1.0] [--no-segmenter]
                                [--seed 1] [--json FILE]

Each row starts fresh worker processes, one thread each, that wait for one another and then share the cases among them.
The first row makes half of the cases, so that the first two rows say whether time grows with the cases; the others say
whether it falls with the workers. The last column is the digest over all files: it must be the same in every row that
makes all cases. On a busy machine compare the processor times: `by processor` is what two free cores make in a minute.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import make_case
from gliosynth.cohort.price import price_of
from gliosynth.cohort.spec import CohortSpec, parse_spec
from gliosynth.labels import LabelMap, Mask

ROOT = Path(__file__).resolve().parents[1]
CORES = 2


@dataclass(frozen=True)
class Share:
    """What one worker did: digest of each case's files by index, rejected draws, bytes, times and peak memory."""

    digests: dict[int, str]
    rejected: int
    bytes: int
    wall_s: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    workers: int
    cases: int
    wall_s: float
    cases_per_minute: float
    cpu_s_per_case: float
    cases_per_minute_by_processor: float
    peak_mib: float
    mb_per_case: float
    rejected: int
    digest: str


class Segmenter:
    """The shipped segmenter on onnxruntime, one thread, as a worker of the cohort service runs it."""

    digest = "benchmark"

    def __init__(self) -> None:
        from services.runtime.inference import EngineSettings, ModelRepository, load_cascade, open_engine

        repository = ModelRepository(ROOT / "model_repository")
        engine = open_engine("onnxruntime", repository, settings=EngineSettings(threads=1))
        self._models, _ = load_cascade(engine)

    def __call__(self, contrasts: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> LabelMap:
        """Returns the labels; the models work at 1 mm, whatever they are given."""
        del spacing_mm
        from gliosynth.preprocessing.intensity import normalise
        from gliosynth.segmentation import segment_case

        scores = np.stack([normalise(contrast, brain) for contrast in contrasts])
        return segment_case(scores, brain, models=self._models).labels


def work(document: bytes, indices: Sequence[int], *, segmenter: bool, barrier: Barrier) -> Share:
    """Makes some cases of a cohort once all workers are ready."""
    spec = parse_spec(document)
    anatomies = SpecAnatomies(spec)
    segment = Segmenter() if segmenter else None
    for name in anatomies.names():
        anatomies.load(name)
    barrier.wait()
    start, cpu = time.perf_counter(), time.process_time()
    digests: dict[int, str] = {}
    rejected = written = 0
    for index in indices:
        case = make_case(spec, index, anatomies=anatomies, segment=segment, check=lambda: None)
        digest = sha256()
        for path in sorted(case.files):
            digest.update(path.encode() + case.files[path])
        digests[index] = digest.hexdigest()
        rejected += len(case.summary.facts.rejects)
        written += sum(len(data) for data in case.files.values())
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Share(digests, rejected, written, time.perf_counter() - start, time.process_time() - cpu, peak_mib)


def measure(spec: CohortSpec, *, workers: int, cases: int, segmenter: bool) -> Row:
    """Returns one line: the cases shared among fresh workers."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        barrier = manager.Barrier(workers)
        with context.Pool(workers) as pool:
            pending = [
                pool.apply_async(
                    work,
                    (spec.to_json(), range(first, cases, workers)),
                    {"segmenter": segmenter, "barrier": barrier},
                )
                for first in range(workers)
            ]
            shares = [one.get() for one in pending]
    digests = {index: digest for share in shares for index, digest in share.digests.items()}
    wall_s = max(share.wall_s for share in shares)
    cpu_s = sum(share.cpu_s for share in shares) / cases
    return Row(
        workers=workers,
        cases=cases,
        wall_s=wall_s,
        cases_per_minute=60.0 * cases / wall_s,
        cpu_s_per_case=cpu_s,
        cases_per_minute_by_processor=60.0 * CORES / cpu_s,
        peak_mib=max(share.peak_mib for share in shares),
        mb_per_case=sum(share.bytes for share in shares) / cases / 1e6,
        rejected=sum(share.rejected for share in shares),
        digest=sha256("".join(digests[index] for index in sorted(digests)).encode()).hexdigest()[:12],
    )


def markdown(rows: Sequence[Row]) -> str:
    """Returns the rows as a table."""
    lines = [
        "| workers | cases | wall s | cases/min | CPU s/case | cases/min by processor | peak MiB | MB/case | refused"
        " draws | digest |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| {row.workers} | {row.cases} | {row.wall_s:.1f} | {row.cases_per_minute:.1f} | {row.cpu_s_per_case:.2f}"
        f" | {row.cases_per_minute_by_processor:.1f} | {row.peak_mib:.0f} | {row.mb_per_case:.2f} | {row.rejected}"
        f" | {row.digest} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """Measures, prints; returns 1 where two rows of the same cases differ in a byte."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=8, help="cases of a row; the first row makes half")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="worker processes, a row each")
    parser.add_argument("--grid", type=int, nargs=3, default=[160, 192, 160], help="voxels along X, Y, Z")
    parser.add_argument("--spacing", type=float, default=1.0, help="voxel edge, mm")
    parser.add_argument("--no-segmenter", action="store_true", help="gate without reading the images again")
    parser.add_argument("--seed", type=int, default=1, help="seed of the cohort")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    spec = parse_spec(
        {
            "name": "Benchmark",
            "case_count": options.cases,
            "seed": options.seed,
            "grid": {"shape": options.grid, "spacing_mm": [options.spacing] * 3},
        }
    )
    plan = [(options.workers[0], max(options.cases // 2, 1)), *((count, options.cases) for count in options.workers)]
    segmenter = not options.no_segmenter
    rows = [measure(spec, workers=workers, cases=cases, segmenter=segmenter) for workers, cases in plan]
    print(markdown(rows))
    price = price_of(spec)
    print(
        f"\nprice of {options.cases} cases by one worker: {price.seconds:.0f} s, {price.bytes / 1e6:.1f} MB,"
        f" {price.memory_bytes / 2**20:.0f} MiB"
    )
    if options.json:
        with options.json.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({"topic": "cohort", **asdict(row)}) + "\n" for row in rows)
    return int(len({row.digest for row in rows[1:]}) > 1)


if __name__ == "__main__":
    sys.exit(main())
