"""The gate's second opinion: the shipped segmenter reads a synthetic case as if it were a patient's."""

import numpy as np
from numpy.typing import NDArray

from gliosynth.geometry import Grid
from gliosynth.labels import LabelMap, Mask
from gliosynth.preprocessing.intensity import normalise
from gliosynth.preprocessing.resampling import resample
from gliosynth.segmentation import segment_case
from gliosynth.volume import Volume
from services.cohort.jobs.records import ModelRecord
from services.runtime.inference import Engine, EngineSettings, ModelRepository, load_cascade, open_engine
from services.runtime.settings import Settings

MODEL_SPACING_MM = (1.0, 1.0, 1.0)
"""Voxel edges on which the models work."""


class GateSegmenter:
    """Segments with the region models of the repository, on this process' own engine."""

    def __init__(self, engine: Engine, *, family: str) -> None:
        """Loads the models.

        Args:
            engine: Where they run.
            family: The part of their names before ``_wt``, ``_tc``, ``_et``.

        Raises:
            UnknownModelError: A model is not there.
            ModelError: One cannot be loaded.
        """
        self._engine = engine
        self._models, entries = load_cascade(engine, family=family)
        self.models = tuple(
            ModelRecord(entry.name, str(entry.version), f"sha256:{entry.digest}")
            for entry in (entries.wt, entries.tc, entries.et)
        )

    @property
    def digest(self) -> str:
        """Names the models: ``"name@sha256:..."``, the three of them."""
        return " ".join(f"{model.name}@{model.digest}" for model in self.models)

    def __call__(self, contrasts: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> LabelMap:
        """Returns the tumour labels ``(X, Y, Z)`` uint8.

        Args:
            contrasts: ``(4, X, Y, Z)`` t1n, t1c, t2w, t2f, 0 outside the brain.
            brain: ``(X, Y, Z)``.
            spacing_mm: Voxel edges.
        """
        scores = np.stack([normalise(contrast, brain) for contrast in contrasts])
        if spacing_mm == MODEL_SPACING_MM:
            return segment_case(scores, brain, models=self._models).labels
        grid = Grid.of(contrasts.shape[1:], np.diag([*spacing_mm, 1.0]))
        return self._on_model_grid(scores, brain, grid)

    def close(self) -> None:
        """Ends the engine."""
        self._engine.close()

    def _on_model_grid(self, scores: NDArray[np.float32], brain: Mask, grid: Grid) -> LabelMap:
        """Segments at the models' spacing and returns the labels on the case's own grid, nearest neighbour."""
        fine = _model_grid(grid)
        finer = np.stack([resample(Volume[np.float32](each, grid.affine), fine) for each in scores])
        inside = resample(Volume[np.float32](brain.astype(np.float32), grid.affine), fine) >= 0.5
        finer[:, ~inside] = 0.0
        labels = segment_case(finer, inside, models=self._models).labels
        edges = np.diag(grid.affine)[:3]
        nearest = [
            np.clip(np.round(np.arange(size) * edge), 0, last - 1).astype(np.intp)
            for size, edge, last in zip(grid.shape, edges, labels.shape, strict=True)
        ]
        coarse: LabelMap = labels[np.ix_(*nearest)]
        return coarse


def _model_grid(grid: Grid) -> Grid:
    """Returns the grid of the models' spacing with the same first voxel, wide enough for the last one."""
    edges = np.diag(grid.affine)[:3]
    shape = tuple(int(np.ceil((size - 1) * edge)) + 1 for size, edge in zip(grid.shape, edges, strict=True))
    return Grid.of((shape[0], shape[1], shape[2]), np.eye(4))


def gate_models(settings: Settings) -> tuple[ModelRecord, ...]:
    """Returns the models that the gate would use, without loading them; none where the gate goes without.

    Args:
        settings: Family and repository.

    Raises:
        UnknownModelError: A model is not there.
    """
    if not settings.cohort_segmenter:
        return ()
    repository = ModelRepository(settings.model_repository)
    entries = [repository.find(f"{settings.cohort_segmenter}_{region}") for region in ("wt", "tc", "et")]
    return tuple(ModelRecord(entry.name, str(entry.version), f"sha256:{entry.digest}") for entry in entries)


def open_gate(settings: Settings) -> GateSegmenter | None:
    """Returns the gate's segmenter, or None where the settings leave it out.

    It runs on onnxruntime, whatever else the server uses, so that every worker judges alike.

    Args:
        settings: Family, repository and threads.

    Raises:
        UnknownModelError: A model is not there.
        ModelError: One cannot be loaded.
    """
    if not settings.cohort_segmenter:
        return None
    repository = ModelRepository(settings.model_repository)
    engine = open_engine("onnxruntime", repository, settings=EngineSettings(threads=settings.threads))
    return GateSegmenter(engine, family=settings.cohort_segmenter)
