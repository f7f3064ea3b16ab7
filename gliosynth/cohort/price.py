"""What a cohort costs before it is made: seconds, bytes and memory, from constants that were measured.

`benchmarks/cohort.py` prints the figures that the constants come from (processor times, one thread on a 2026 x86-64
server, grids of 40 x 48 x 40 voxels of 4 mm and 160 x 192 x 160 of 1 mm).
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

from gliosynth.cohort.spec import CohortSpec, Generator
from gliosynth.cohort.spec.sections import ImageFormat
from gliosynth.errors import InvalidParameterError

CASE_SECONDS: Final = 0.8
"""Seconds of one case that do not depend on its grid: growth, picture, manifest."""

VOXEL_SECONDS: Final = 9e-7
"""Seconds per voxel of the grid for simulation, measurement and files, gate without segmenter."""

MOVE_VOXEL_SECONDS: Final = 3e-7
"""Seconds per voxel of the grid for moving the tumour and making brain maps, where a network paints."""

PAINT_VOXEL_SECONDS: Final = {
    Generator.SIMULATOR: 0.0,
    Generator.AUGMENTATION_NETWORK: 1.5e-6,
    Generator.SPADE: 8.5e-6,
}
"""Seconds per voxel of the grid for painting four contrasts by the joint networks of `training.generation.presets` on
onnxruntime: 1.1 million parameters and 0.048 s for a slice of 192 x 192 pixels, 8.2 million and 0.28 s. A network of
the papers' sizes takes a hundred times as long."""

SEGMENT_SECONDS: Final = 3.0
"""Seconds of the gate's segmenter on one case, which it resamples to its own grid."""

DRAWS_PER_CASE: Final = 1.05
"""Draws for one accepted case with the default gate."""

BRAIN_ML: Final = 1450.0
"""Volume of a typical brain mask, ml; voxels outside compress to nothing."""

BRAIN_VOXEL_BYTES: Final = {ImageFormat.INT16: 1.5, ImageFormat.FLOAT32: 3.4}
"""Compressed bytes of one voxel of one contrast inside the brain."""

GRID_VOXEL_BYTES: Final = 0.14
"""Compressed bytes per voxel of the grid of the tissue labels, tumour labels and brain mask together."""

CASE_BYTES: Final = 250_000
"""Bytes of a case's picture, manifest, sidecars and summary."""

DATASET_BYTES: Final = 5_000_000
"""Bytes of the files around the cases, most of them the report's pictures."""

BASE_MEMORY_BYTES: Final = 460_000_000
"""Memory of a worker that has loaded the library and its anatomies."""

VOXEL_MEMORY_BYTES: Final = 150.0
"""Largest memory per voxel of the grid while a case is made."""


@dataclass(frozen=True)
class Price:
    """What a cohort costs.

    Attributes:
        seconds: From start to end with the given workers, on a core each.
        bytes: Size of the data set.
        memory_bytes: Largest memory of one worker.
    """

    seconds: float
    bytes: int
    memory_bytes: int


def price_of(spec: CohortSpec, *, workers: int = 1) -> Price:
    """Returns what a cohort costs; actual figures lie within a factor of two on a machine like the one measured.

    Args:
        spec: The cohort.
        workers: Processes that make cases, each with a core of its own.

    Raises:
        InvalidParameterError: No worker.
    """
    if workers < 1:
        raise InvalidParameterError(
            f"a cohort needs one worker at least, got {workers}", field="workers", got=str(workers)
        )
    rounds = ceil(spec.case_count / workers)
    return Price(
        seconds=round(rounds * case_seconds(spec), 1),
        bytes=DATASET_BYTES + spec.case_count * case_bytes(spec),
        memory_bytes=BASE_MEMORY_BYTES + round(VOXEL_MEMORY_BYTES * spec.grid.voxel_count),
    )


def case_seconds(spec: CohortSpec) -> float:
    """Returns the seconds of one accepted case, refused draws included.

    Args:
        spec: Its grid and generator count.
    """
    voxel = VOXEL_SECONDS + PAINT_VOXEL_SECONDS[spec.generator]
    if spec.generator.is_network:
        voxel += MOVE_VOXEL_SECONDS
    return DRAWS_PER_CASE * (CASE_SECONDS + voxel * spec.grid.voxel_count + SEGMENT_SECONDS)


def case_bytes(spec: CohortSpec) -> int:
    """Returns the bytes of one case's files."""
    x, y, z = spec.grid.spacing_mm
    brain_voxels = min(BRAIN_ML * 1000.0 / (x * y * z), float(spec.grid.voxel_count))
    images = 4.0 * BRAIN_VOXEL_BYTES[spec.formats.image] * brain_voxels
    return round(images + GRID_VOXEL_BYTES * spec.grid.voxel_count) + CASE_BYTES
