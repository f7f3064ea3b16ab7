"""Times batches through our engines beside the bare libraries: what the engine adds to the network's own time.

    python benchmarks/inference.py [--rounds 9] [--batch 8] [--model segmenter_wt] [--triton] [--json FILE]

Every candidate answers the same 16 slices of 176 x 192 in batches, two in flight where the candidate can. With --triton
a real server is started over the same repository and takes part. The second table is the largest difference to the
logits of the bare session.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from harness import Candidate, Work, markdown, race, write_json_lines
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
BASELINE = "onnxruntime, bare session"
SLICES = (16, 4, 176, 192)

FloatArray = NDArray[np.float32]
EngineName = Literal["onnxruntime", "openvino", "triton"]
Precision = Literal["fp32", "bf16"]


def batches(size: int) -> list[FloatArray]:
    """Returns 16 slices of noise that is smooth enough to be no special case, in batches."""
    slices = np.random.default_rng(0).normal(size=SLICES).astype(np.float32)
    return [slices[first : first + size] for first in range(0, len(slices), size)]


def bare_onnxruntime(file: Path, size: int) -> Work:
    """Prepares the bare library."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    given = batches(size)
    return lambda: np.concatenate([session.run(["logits"], {"contrasts": batch})[0] for batch in given])


def bare_openvino(file: Path, size: int) -> Work:
    """Prepares the bare library in fp32."""
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request, given = compiled.create_infer_request(), batches(size)
    return lambda: np.concatenate([request.infer({0: batch})[0].copy() for batch in given])


def engine(models: Path, model: str, size: int, name: EngineName, precision: Precision, url: str) -> Work:
    """Prepares one of our engines, two batches in flight."""
    from services.runtime.inference import EngineSettings, ModelRepository, open_engine

    settings = EngineSettings(precision=precision)
    opened = open_engine(name, ModelRepository(models), settings=settings, triton_url=url)
    loaded = opened.load(model)
    opened.warm(loaded)
    given = batches(size)

    def work() -> FloatArray:
        answers, running = [], [loaded.submit({"contrasts": given[0]})]
        for batch in given[1:]:
            running.append(loaded.submit({"contrasts": batch}))
            answers.append(running.pop(0).result()["logits"])
        return np.concatenate([*answers, running[0].result()["logits"]])

    return work


@contextmanager
def triton(models: Path) -> Iterator[str]:
    """Starts a real Triton server over the repository and yields its address."""
    command = [sys.executable, ROOT / "deploy" / "triton" / "serve_local.py", "--model-repository", models]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield f"127.0.0.1:{json.loads(line)['grpc_port']}"
        finally:
            process.terminate()


def candidates(models: Path, model: str, size: int, url: str) -> list[Candidate]:
    """Returns who takes part; Triton only with an address."""
    from services.runtime.inference import ModelRepository

    file = ModelRepository(models).find(model).model_file
    own = partial(partial, engine, models, model, size)
    taking_part = [
        Candidate(BASELINE, partial(bare_onnxruntime, file, size)),
        Candidate("OpenVINO fp32, bare request", partial(bare_openvino, file, size)),
        Candidate("our engine onnxruntime", own("onnxruntime", "fp32", "")),
        Candidate("our engine openvino fp32", own("openvino", "fp32", "")),
        Candidate("our engine openvino bf16", own("openvino", "bf16", ""), "by name"),
    ]
    return taking_part + ([Candidate("our engine triton", own("triton", "fp32", url), "over gRPC")] if url else [])


def report(timings_of: list[Candidate], rounds: int, path: Path | None) -> int:
    """Races, compares, prints; returns the exit code."""
    timings = race(timings_of, rounds=rounds)
    print(markdown(timings, baseline=BASELINE))
    print(f"\n| logits against {BASELINE} | largest difference |\n| --- | ---: |")
    for timing in timings[1:]:
        if isinstance(timing.value, np.ndarray):
            print(f"| {timing.name} | {np.abs(timing.value - timings[0].value).max():.1e} |")
    if path:
        write_json_lines(timings, topic="inference", path=path)
    return int(any(timing.error for timing in timings))


def main() -> int:
    """Reads the options and runs the race."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="timed calls of each candidate")
    parser.add_argument("--batch", type=int, default=8, help="slices in a batch")
    parser.add_argument("--models", type=Path, default=ROOT / "model_repository", help="model repository")
    parser.add_argument("--model", default="segmenter_wt", help="which of its models")
    parser.add_argument("--triton", action="store_true", help="start a Triton server and let it take part")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    if not options.triton:
        return report(candidates(options.models, options.model, options.batch, ""), options.rounds, options.json)
    with triton(options.models) as url:
        return report(candidates(options.models, options.model, options.batch, url), options.rounds, options.json)


if __name__ == "__main__":
    sys.exit(main())
