"""The networks that can paint a cohort: found in the model repository, their contract read from config.pbtxt.

A generator's model takes `INPUT_NAME`, brain maps ``(B, M, H, W)`` uint8, and answers `OUTPUT_NAME`, unit intensities
of the same shape. Parameters of its config.pbtxt:

- ``contrasts``: what it paints, in the order of its channels, such as ``"t1n,t1c,t2w,t2f"``;
- ``multiple``: of what height and width must be a multiple, where the configuration leaves them free;
- ``spacing_mm``: the voxel edge in the slice that it was trained at; optional;
- ``trained_on``: what it was trained on, in words for data cards; optional.
"""

from typing import Final

import numpy as np

from gliosynth.cohort.spec import CohortSpec, Generator
from gliosynth.errors import FieldViolation, InvalidSpecError, ModelError, UnknownModelError
from gliosynth.generation import SliceSize
from gliosynth.labels import CONTRASTS, Contrast
from services.cohort.jobs.records import ModelRecord
from services.runtime.inference import ModelEntry, ModelRepository
from services.runtime.settings import Settings

INPUT_NAME: Final = "brain_maps"
"""Name of a generator's input."""

OUTPUT_NAME: Final = "contrasts"
"""Name of a generator's output."""

UNKNOWN_TRAINING: Final = "images that its configuration does not name"
"""What a data card says where a model's configuration does not say what it was trained on."""

SPACING_TOLERANCE: Final = 0.25
"""A grid's voxel edges in the slice may differ from those that a network was trained at by this share."""


def find_generator(repository: ModelRepository, generator: Generator) -> tuple[ModelEntry, ...]:
    """Returns the models of a generator: the joint one of its name, or else one for each contrast.

    Args:
        repository: The models.
        generator: A network.

    Raises:
        UnknownModelError: Neither is there.
        ModelError: A model is no generator, or together they do not paint every contrast once (BAD_CONFIG).
    """
    name = generator.value
    single = [f"{name}_{contrast}" for contrast in CONTRASTS]
    if name in repository.names:
        entries: tuple[ModelEntry, ...] = (repository.find(name),)
    elif set(single) <= set(repository.names):
        entries = tuple(repository.find(one) for one in single)
    else:
        raise UnknownModelError(
            f"generator: {name} is a network, and the server's model repository has neither {name!r} nor one for each"
            f" contrast ({', '.join(single)}); it has {', '.join(repository.names) or 'none'}: export the network"
            f" there, or choose the generator {Generator.SIMULATOR.value}",
            field="generator",
            got=name,
        )
    for entry in entries:
        _check_contract(entry)
    painted = [contrast for entry in entries for contrast in contrasts_of(entry)]
    if sorted(painted) != sorted(CONTRASTS):
        raise _bad_config(entries[0], f"its generator paints {', '.join(painted)}, not every contrast once")
    return entries


def generator_models(settings: Settings, spec: CohortSpec) -> tuple[ModelRecord, ...]:
    """Returns the models that would paint a cohort, without loading them; none where the simulator makes it.

    Args:
        settings: Repository and engine.
        spec: The cohort.

    Raises:
        UnknownModelError: The repository has no model of the spec's generator.
        ModelError: A model is no generator.
        InvalidSpecError: A model was trained on another resolution than the spec's grid.
    """
    if not spec.generator.is_network:
        return ()
    entries = find_generator(ModelRepository(settings.model_repository), spec.generator)
    for entry in entries:
        _check_grid(entry, spec)
    return tuple(pinned(entry, settings) for entry in entries)


def pinned(entry: ModelEntry, settings: Settings) -> ModelRecord:
    """Returns the facts by which a cohort pins a network.

    Args:
        entry: The network.
        settings: The engine.
    """
    engine = settings.cohort_generator_engine
    precision = "server" if engine == "triton" else "fp32"
    return ModelRecord(entry.name, str(entry.version), f"sha256:{entry.digest}", engine, precision)


def _check_contract(entry: ModelEntry) -> None:
    """Refuses a model whose tensors are not a generator's, or that does not say what it paints."""
    inputs, outputs = entry.config.inputs, entry.config.outputs
    named = [spec.name for spec in inputs] == [INPUT_NAME] and [spec.name for spec in outputs] == [OUTPUT_NAME]
    typed = named and (inputs[0].dtype, outputs[0].dtype) == (np.dtype(np.uint8), np.dtype(np.float32))
    if not typed or len(inputs[0].dims) != 3 or inputs[0].dims != outputs[0].dims or entry.config.max_batch_size < 1:
        raise _bad_config(
            entry,
            f"a generator takes {INPUT_NAME} (UINT8, [contrasts, height, width]) and answers {OUTPUT_NAME} (FP32), in"
            " batches",
        )
    if len(contrasts_of(entry)) != inputs[0].dims[0]:
        raise _bad_config(entry, f"its parameter contrasts must name {inputs[0].dims[0]} contrasts")
    size_of(entry)
    _spacing_mm(entry)


def contrasts_of(entry: ModelEntry) -> tuple[Contrast, ...]:
    """Returns what a network paints, in the order of its channels.

    Args:
        entry: The network.

    Raises:
        ModelError: Its configuration does not say (BAD_CONFIG).
    """
    names = [name.strip() for name in entry.config.parameters.get("contrasts", "").split(",")]
    try:
        return tuple(Contrast(name) for name in names)
    except ValueError:
        raise _bad_config(entry, f"its parameter contrasts must be some of {', '.join(CONTRASTS)}") from None


def size_of(entry: ModelEntry) -> SliceSize:
    """Returns the slices that a network takes: of one size, or of any that is a multiple.

    Args:
        entry: The network.

    Raises:
        ModelError: Its configuration does not say (BAD_CONFIG).
    """
    height, width = entry.config.inputs[0].dims[1:]
    if height > 0 and width > 0:
        return SliceSize(fixed=(height, width))
    text = entry.config.parameters.get("multiple", "")
    if (height, width) != (-1, -1) or not text.isdecimal() or int(text) < 1:
        raise _bad_config(entry, "its slices must be of one size, or of any size with the parameter multiple")
    return SliceSize(multiple=int(text))


def _spacing_mm(entry: ModelEntry) -> float | None:
    """Returns the voxel edge that a model was trained at, or None where it does not say."""
    text = entry.config.parameters.get("spacing_mm", "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise _bad_config(entry, "its parameter spacing_mm must be a number of mm") from None


def _check_grid(entry: ModelEntry, spec: CohortSpec) -> None:
    """Refuses a grid whose voxels in the slice are not those that a network knows."""
    trained_mm, edges_mm = _spacing_mm(entry), spec.grid.spacing_mm[:2]
    if trained_mm is None or all(abs(edge - trained_mm) <= SPACING_TOLERANCE * trained_mm for edge in edges_mm):
        return
    rule = f"must be near {trained_mm:g} mm along the first two axes: the network {entry.name} was trained at that"
    got = " x ".join(f"{edge:g}" for edge in edges_mm)
    raise InvalidSpecError(
        f"the cohort spec cannot be used: grid.spacing_mm {rule}, got {got}",
        violations=(FieldViolation(field="grid.spacing_mm", rule=rule, got=got),),
    )


def _bad_config(entry: ModelEntry, why: str) -> ModelError:
    return ModelError(
        f"model {entry.name}: {why}; correct its config.pbtxt, or export it again",
        field=entry.name,
        got=why[:80],
        reason="BAD_CONFIG",
    )
