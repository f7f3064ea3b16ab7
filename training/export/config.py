"""Writes config.pbtxt: one file that Triton takes on CPUs and on GPUs, and that the embedded engines read.

What it says beyond the tensors:

- ``instance_group``: KIND_AUTO, which Triton resolves to a GPU where it has one and to the CPU elsewhere. KIND_GPU is
  for those who would rather have no answer than one from a CPU: Triton refuses to load it without a GPU.
- ``dynamic_batching`` with no delay: while an instance works, waiting requests of one shape become one batch. That is
  what a GPU needs; on a CPU, where larger batches are not faster, it costs nothing as no request ever waits for another
  to come.
- ``model_warmup``: one sample of zeros at the size the network is run at, so the first caller does not wait.
- ``version_policy``: the newest two, so a client that names the version before can finish with it.
"""

from collections.abc import Mapping
from typing import Final, Literal

from training.export.contract import Contract, TensorContract

Device = Literal["auto", "gpu"]
"""Where Triton runs a model: on a GPU if there is one, or on GPUs only."""

INSTANCE_KINDS: Final[Mapping[Device, str]] = {"auto": "KIND_AUTO", "gpu": "KIND_GPU"}
"""Triton's name of each."""

SERVED_VERSIONS: Final = 2
"""Newest versions that are served."""


def config_text(
    name: str, contract: Contract, *, backend: str, parameters: Mapping[str, str], device: Device, versions: int
) -> str:
    """Returns a model's config.pbtxt.

    Args:
        name: The model's folder.
        contract: Input and outputs.
        backend: ``"onnxruntime"`` or ``"pytorch"``.
        parameters: What callers must know, by name.
        device: Where Triton runs it.
        versions: How many of the newest versions are served.
    """
    height, width = contract.size
    warm = f"data_type: TYPE_{contract.input.type} dims: [ {contract.input.channels}, {height}, {width} ]"
    lines = [
        f'name: "{name}"',
        f'backend: "{backend}"',
        f"max_batch_size: {contract.max_batch}",
        f"input [ {tensor_text(contract.input)} ]",
        f"output [ {', '.join(tensor_text(one) for one in contract.outputs)} ]",
        f"version_policy {{ latest {{ num_versions: {versions} }} }}",
        f"instance_group [ {{ kind: {INSTANCE_KINDS[device]} count: 1 }} ]",
        "dynamic_batching { max_queue_delay_microseconds: 0 }",
        f'model_warmup [ {{ name: "zeros" batch_size: 1 inputs {{ key: "{contract.input.name}"'
        f" value {{ {warm} zero_data: true }} }} }} ]",
        *(f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}' for key, value in parameters.items()),
    ]
    return "\n".join(lines) + "\n"


def tensor_text(tensor: TensorContract) -> str:
    """Returns one input or output as config.pbtxt writes it."""
    return f'{{ name: "{tensor.name}" data_type: TYPE_{tensor.type} dims: [ {tensor.channels}, -1, -1 ] }}'
