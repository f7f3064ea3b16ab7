"""Synthetic cases as paper 002 makes them: a generator paints the base cases with their lesions somewhere else.

Of each base case the lesion is moved as one body (`training.data.manipulation`), brain maps are made of its images and
of the moved lesion, a generator that `training.train_generator` trained paints them slice by slice, and what it paints
is z-scored inside the brain as the service does. The generator must not have seen the held-out cases.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray

from gliosynth.errors import InvalidInputError, InvalidParameterError
from gliosynth.generation import GeneratorNetwork, NetworkIdentity, SliceSize, brain_maps_of, paint
from gliosynth.labels import CONTRASTS, Contrast, LabelMap, Mask
from gliosynth.preprocessing.intensity import normalise
from training.data.manipulation import manipulate_volume
from training.data.ring import Ring
from training.generation.presets import Spec, generator_of
from training.loop.run_folder import load_weights
from training.study.sets import CaseSet

LOG = logging.getLogger("training.study")

BATCH: Final = 4
"""Slices a forward pass."""

WEIGHTS: Final = "best.safetensors"
"""Weights of a generator's run that are used."""


@dataclass(frozen=True, eq=False)
class PaintedVolume:
    """A volume as `training.data.ring.SimulatedVolume` wants it.

    Attributes:
        contrasts: z-scores ``(4, X, Y, Z)`` float32.
        labels: ``(X, Y, Z)`` uint8.
        brain: ``(X, Y, Z)``.
    """

    contrasts: NDArray[np.float32]
    labels: LabelMap
    brain: Mask


def generated_set(runs: Sequence[Path], base: CaseSet, folder: Path, *, seed: int) -> CaseSet:
    """Returns one synthetic case of each base case, painted now or by an earlier call.

    Args:
        runs: Run folders of generators that paint every contrast once together: a joint one, or one a contrast.
        base: Base cases.
        folder: Where what is made is kept.
        seed: Of the movements: a case's from ``[seed, slot]``.

    Raises:
        InvalidInputError: A folder is no generator's run.
        InvalidParameterError: The generators do not paint every contrast once.
        ModelError: A generator answers outside its contract.
    """
    networks = [load_generator(run) for run in runs]
    ring = Ring.create(folder / "synthetic", replace(base.ring.shape, slots=base.ring.shape.slots))
    done = {int(slot) for slot in ring.held}
    for slot in base.ring.held:
        if int(slot) not in done:
            LOG.info("painting a case of slot %d of the base", slot)
            ring.put(int(slot), painted(base.ring, int(slot), networks, rng=np.random.default_rng([seed, int(slot)])))
    made = ", ".join(network.identity.name for network in networks)
    names = tuple(f"painted-{name}" for name in base.names)
    return CaseSet(ring, names, f"{len(names)} base cases with moved lesions, painted by {made}", real=base.real)


def painted(ring: Ring, slot: int, networks: Sequence[GeneratorNetwork], *, rng: np.random.Generator) -> PaintedVolume:
    """Returns a volume of a ring with its lesion somewhere else, painted by generators.

    A volume without a lesion, or whose lesion fits nowhere else, is painted as it is.

    Args:
        ring: Volumes.
        slot: Which of them.
        networks: Together they paint every contrast once.
        rng: Moves the lesion.
    """
    slices = ring.read(slot, np.arange(int(ring.index[slot, 1])))
    if slices is None:
        raise InvalidInputError(f"{ring.folder}: slot {slot} is empty; give a ring that nobody renews")
    contrasts = np.moveaxis(slices.contrasts, 0, 3)
    labels, brain = np.moveaxis(slices.labels, 0, 2), np.moveaxis(slices.brain, 0, 2)
    spacing_mm = (1.0, 1.0, ring.shape.slice_mm)
    moved = manipulate_volume(labels, brain, rng, spacing_mm=spacing_mm) if labels.any() else None
    shown = labels if moved is None else moved
    maps = brain_maps_of(contrasts, shown, brain, moved_from=None if moved is None else labels)
    units = paint(maps, networks)
    scores = np.stack([normalise(image, brain, name=name) for name, image in zip(CONTRASTS, units, strict=True)])
    return PaintedVolume(scores, shown, brain)


def load_generator(run: Path) -> GeneratorNetwork:
    """Returns the generator of a run folder, to be run by torch in this process.

    Args:
        run: Folder with best.safetensors and the facts beside it.

    Raises:
        InvalidInputError: There are no weights of a generator.
    """
    weights = run / WEIGHTS
    if not weights.exists():
        raise InvalidInputError(
            f"{run}: no {WEIGHTS} there; give the run folder of training.train_generator", field="synthetic"
        )
    facts = json.loads(weights.with_suffix(".json").read_text())
    if "kind" not in facts or "contrasts" not in facts:
        raise InvalidParameterError(f"{run}: its weights are of no generator; give another run", field="synthetic")
    network = generator_of(facts)
    load_weights(weights, network)
    network.eval()

    def generate(brain_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(brain_maps)).float().numpy())

    return GeneratorNetwork(
        identity=NetworkIdentity(f"{facts['kind']} ({run.name}, step {facts['step']})", "run", "", "torch", "see run"),
        contrasts=tuple(Contrast(name) for name in facts["contrasts"]),
        size=SliceSize(multiple=cast(Spec, network.spec).multiple),
        batch_size=BATCH,
        generate=generate,
    )
