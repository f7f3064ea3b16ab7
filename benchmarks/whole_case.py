"""Times a whole real case: our cascade beside a bare session that runs the same networks over full frames.

    python benchmarks/whole_case.py [--rounds 5] [--warm-up 1] [--slices 155] [--models model_repository] [--json FILE]

The bare candidates are what one writes by hand: every axial slice of 240 x 240, all three networks, batches of 8,
logits above zero. The cascade runs the same files on the brain's box and slices, TC and ET inside the box of WT. Both
start from normalised contrasts in memory and end with a label map after the same clean-up, so the ratio is what the
cropping and the order of the networks save. A crop changes what a network sees, so the second table says how far the
label maps agree. On a busy machine compare the processor times, and --slices runs a slab around the tumour alone.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import nibabel
import numpy as np
from harness import Candidate, Work, markdown, race, write_json_lines
from numpy.typing import NDArray

from gliosynth.labels import CONTRASTS, REGIONS, LabelMap, Mask, labels_from_regions, region_mask
from gliosynth.preprocessing.intensity import normalise
from gliosynth.segmentation import segment_case
from gliosynth.segmentation.postprocess import drop_small_components, fill_holes

ROOT = Path(__file__).resolve().parents[1]
CASE = ROOT / "examples" / "cases" / "Brats18_TCIA02_370_1"
BASELINE = "onnxruntime, full frames"
BATCH = 8
TUMOUR_SLICE = 70
"""An axial slice through the example's tumour, which reaches from 33 to 91."""
SMALLEST_VOXELS = (250, 150, 100)

FloatArray = NDArray[np.float32]
Logits = Callable[[FloatArray], FloatArray]
Precision = Literal["fp32", "bf16"]


def real_case(slices: int) -> tuple[FloatArray, Mask]:
    """Returns normalised contrasts and brain of some slices of the example (skull-stripped, 1 mm), in RAS."""
    paths = [CASE / f"{CASE.name}_{kind}.nii.gz" for kind in ("t1", "t1ce", "t2", "flair")]
    raw = [np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj) for path in paths]
    brain = np.any([image > 0 for image in raw], axis=0)
    slab = slice(max(0, TUMOUR_SLICE - slices // 2), max(0, TUMOUR_SLICE - slices // 2) + slices)
    return np.stack([normalise(image, brain) for image in raw])[..., slab], brain[..., slab]


def bare_labels(contrasts: FloatArray, brain: Mask, networks: list[Logits]) -> LabelMap:
    """Returns the label map of three networks that run over every full slice."""
    t1n, t1c = CONTRASTS.index("t1n"), CONTRASTS.index("t1c")
    plain = np.ascontiguousarray(np.moveaxis(contrasts, 3, 0))
    difference = plain.copy()
    difference[:, 0] = plain[:, t1c] - plain[:, t1n]
    masks: list[Mask] = []
    for network, slices, smallest in zip(networks, (plain, difference, difference), SMALLEST_VOXELS, strict=True):
        logits = [network(slices[first : first + BATCH]) for first in range(0, len(slices), BATCH)]
        mask = np.moveaxis(np.concatenate(logits)[:, 0] > 0, 0, 2) & (masks[-1] if masks else brain)
        mask = drop_small_components(mask, minimum_voxels=smallest).mask
        masks.append(mask if masks else fill_holes(mask))
    return labels_from_regions(*masks)


def bare_onnxruntime(models: Path, slices: int) -> Work:
    """Prepares onnxruntime over full frames."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3

    def network(path: Path) -> Logits:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda batch: session.run(["logits"], {"contrasts": batch})[0]

    networks = [network(path) for path in network_files(models)]
    return partial(bare_labels, *real_case(slices), networks)


def bare_openvino(models: Path, slices: int) -> Work:
    """Prepares OpenVINO in fp32 over full frames."""
    import openvino

    core = openvino.Core()

    def network(path: Path) -> Logits:
        compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        request = compiled.create_infer_request()
        return lambda batch: request.infer({0: batch})[0].copy()

    networks = [network(path) for path in network_files(models)]
    return partial(bare_labels, *real_case(slices), networks)


def network_files(models: Path) -> list[Path]:
    """Returns the newest files of the three networks."""
    from services.runtime.inference import ModelRepository

    repository = ModelRepository(models)
    return [repository.find(f"segmenter_{region.lower()}").model_file for region in REGIONS]


def cascade(
    models: Path, slices: int, engine: Literal["onnxruntime", "openvino"], precision: Precision, streams: int
) -> Work:
    """Prepares our cascade on an embedded engine."""
    from services.runtime.inference import EngineSettings, ModelRepository, load_cascade, open_engine

    settings = EngineSettings(precision=precision, streams=streams)
    region_models, _ = load_cascade(open_engine(engine, ModelRepository(models), settings=settings))
    contrasts, brain = real_case(slices)
    return lambda: segment_case(contrasts, brain, models=region_models).labels


def candidates(models: Path, slices: int) -> list[Candidate]:
    """Returns who takes part."""
    own = partial(partial, cascade, models, slices)
    return [
        Candidate(BASELINE, partial(bare_onnxruntime, models, slices), "bare session, every slice, 3 networks"),
        Candidate("OpenVINO fp32, full frames", partial(bare_openvino, models, slices), "bare request, the same"),
        Candidate("cascade, onnxruntime", own("onnxruntime", "fp32", 1), "ours"),
        Candidate("cascade, onnxruntime, 2 streams", own("onnxruntime", "fp32", 2), "ours"),
        Candidate("cascade, OpenVINO fp32", own("openvino", "fp32", 1), "ours"),
        Candidate("cascade, OpenVINO fp32, 2 streams", own("openvino", "fp32", 2), "ours"),
        Candidate("cascade, OpenVINO bf16", own("openvino", "bf16", 1), "ours, bf16 by name"),
    ]


def dice(one: LabelMap, other: LabelMap) -> list[float]:
    """Returns the Dice of WT, TC and ET between two label maps; two empty masks agree."""
    pairs = [(region_mask(one, region), region_mask(other, region)) for region in REGIONS]
    return [float(2 * (a & b).sum() / total) if (total := int(a.sum() + b.sum())) else 1.0 for a, b in pairs]


def main() -> int:
    """Races, compares, prints; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="timed calls of each candidate")
    parser.add_argument("--warm-up", type=int, default=1, help="untimed calls of each before")
    parser.add_argument("--slices", type=int, default=155, help="axial slices of the case, around its tumour")
    parser.add_argument("--models", type=Path, default=ROOT / "model_repository", help="model repository")
    parser.add_argument("--json", type=Path, help="file to append JSON lines to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whole-case-") as folder:
        # Candidates open the networks one after the other: weights exported meanwhile must not reach the later ones.
        models = shutil.copytree(options.models, Path(folder) / "models")
        timings = race(candidates(models, options.slices), rounds=options.rounds, warm_up=options.warm_up)
    reference = timings[0].value
    print(markdown(timings, baseline=BASELINE))
    print(f"\n| label map against {BASELINE} | Dice WT | TC | ET |\n| --- | ---: | ---: | ---: |")
    for timing in timings[1:]:
        if isinstance(timing.value, np.ndarray) and isinstance(reference, np.ndarray):
            print(f"| {timing.name} | " + " | ".join(f"{value:.4f}" for value in dice(timing.value, reference)) + " |")
    if options.json:
        write_json_lines(timings, topic="whole case", path=options.json)
    return int(any(timing.error for timing in timings))


if __name__ == "__main__":
    sys.exit(main())
