"""Generators that a run left, as the library paints with them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.generation import GeneratorNetwork, NetworkIdentity, SliceSize
from gliosynth.labels import Contrast
from training.generation.presets import generator_of
from training.loop.run_folder import load_weights

BATCH: Final = 4
"""Slices a forward pass."""


def trained_generator(weights: Path) -> GeneratorNetwork:
    """Returns the generator of ``best.safetensors`` or ``last.safetensors``, run by torch in float32.

    Args:
        weights: The file; its facts lie beside it as JSON.

    Raises:
        InvalidParameterError: There is no such file, or the facts beside it are not a generator's.
    """
    facts_path = weights.with_suffix(".json")
    if not weights.is_file() or not facts_path.is_file():
        raise InvalidParameterError(
            f"{weights}: there are no weights with facts beside them; name a run of training.train_generator",
            field="run",
            got=str(weights),
        )
    facts: dict[str, Any] = json.loads(facts_path.read_text())
    network = generator_of(facts)
    load_weights(weights, network)
    network.eval().requires_grad_(False)

    def generate(brain_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            answer: NDArray[np.float32] = network(torch.from_numpy(np.ascontiguousarray(brain_maps))).numpy()
        return answer

    contrasts = tuple(Contrast(name) for name in facts["contrasts"])
    return GeneratorNetwork(_identity(weights, facts), contrasts, _size(facts), BATCH, generate)


def generated(network: GeneratorNetwork, brain_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns what a network makes of any number of slices, ``(B, M, H, W)`` of its M contrasts."""
    return np.concatenate(
        [
            network.generate(brain_maps[first : first + network.batch_size])
            for first in range(0, len(brain_maps), network.batch_size)
        ]
    )


def _identity(weights: Path, facts: Mapping[str, Any]) -> NetworkIdentity:
    return NetworkIdentity(
        name=str(facts["preset"]),
        version=f"step {facts['step']}",
        digest="sha256:" + hashlib.sha256(weights.read_bytes()).hexdigest(),
        engine=f"torch {torch.__version__} fp32",
        trained_on="the ring of its run",
    )


def _size(facts: Mapping[str, Any]) -> SliceSize:
    """Returns the slices that a network takes: those it learned where its norms run over pixels, else any multiple."""
    height, width = facts["size"]
    fixed = (int(height), int(width)) if facts["spec"].get("norm_over_pixels", True) else None
    return SliceSize(multiple=int(facts["multiple"]), fixed=fixed)
