"""Run as a script: prints the digests of what a seed makes, and a witness of what this machine is.

``cases``: two simulated cases on a very coarse grid, and painted maps of their tissues; ``case``: the first of them.
``cohort``: all files of a cohort's case, manifest included. The witness is what NumPy's own functions give, which does
differ between machines: it shows that an emulated machine is another one.
"""

import hashlib
import json
import sys
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import load_anatomy
from gliosynth.cohort.anatomies.source import SpecAnatomies
from gliosynth.cohort.case import make_case
from gliosynth.cohort.spec import parse_spec
from gliosynth.contrast.label_map import paint_label_map
from gliosynth.contrast.paint_plan import tissue_intensities
from gliosynth.contrast.settings import HARD_EDGES, TRAINING
from gliosynth.contrast.simulate import simulate_case
from gliosynth.nifti import write_nifti
from gliosynth.tumour.settings import GridSettings
from gliosynth.volume import Volume

GRID = GridSettings(shape=(44, 52, 24), spacing_mm=(4.0, 4.0, 6.0))
SIGNAL_UNIT = 1e-3
COHORT = {
    "name": "same-bytes",
    "case_count": 4,
    "seed": 5,
    "grid": {"shape": [64, 76, 56], "spacing_mm": [2.5, 2.5, 3.0]},
}


def sha256(data: bytes) -> str:
    """Returns the digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def compressed(values: NDArray[np.generic]) -> bytes:
    """Returns a gzipped NIfTI file; images are written as int16."""
    if values.dtype == np.float32:
        values = np.rint(values / SIGNAL_UNIT).astype(np.int16)
    return write_nifti(Volume(values, np.diag([*GRID.spacing_mm, 1.0])))


def cases(count: int) -> dict[str, str]:
    """Returns the digest of every array and of every file of one or two cases and painted maps."""
    found = {}
    for seed, preset in enumerate((TRAINING, HARD_EDGES)[:count]):
        settings = replace(preset, grid=GRID, tumour=replace(preset.tumour, free_share=0.0))
        case = simulate_case(load_anatomy("head_03"), settings=settings, rng=np.random.default_rng(seed))
        arrays = {f"image {contrast}": image for contrast, image in enumerate(case.contrasts)}
        arrays |= {"labels": case.labels, "tissues": case.tissues, "brain": case.brain.astype(np.uint8)}
        for name, array in arrays.items():
            found[f"case {seed}, {name}"] = sha256(array.tobytes())
            found[f"case {seed}, {name}, file"] = sha256(compressed(array))
        found[f"case {seed}, parameters"] = sha256(repr(case.parameters).encode())
        table = tissue_intensities(case.parameters.physics)
        painted = paint_label_map(case.tissues, table, spacing_mm=GRID.spacing_mm, rng=np.random.default_rng(seed))
        found[f"map {seed}"] = sha256(painted.images.tobytes() + painted.labels.tobytes())
    return found


def cohort() -> dict[str, str]:
    """Returns the digest of every file of one case of a cohort, and of its summary."""
    spec = parse_spec(COHORT)
    made = make_case(spec, 1, anatomies=SpecAnatomies(spec), segment=None, check=lambda: None)
    return {path: sha256(data) for path, data in made.files.items()} | {"summary": sha256(made.summary.to_json())}


def witness() -> str:
    """Returns the digest of an exponential and of a matrix product by NumPy."""
    values = np.random.default_rng(0).uniform(-3.0, 3.0, (200, 200))
    return sha256(np.exp(values).tobytes() + (values @ values).tobytes())


if __name__ == "__main__":
    digests = {"case": partial(cases, 1), "cases": partial(cases, 2), "cohort": cohort}
    json.dump({"witness": witness()} | {name: digests[name]() for name in sys.argv[1:]}, sys.stdout)
