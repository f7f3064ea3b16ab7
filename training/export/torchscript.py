"""Writes a network as TorchScript, for servers that run torch themselves (Triton's `pytorch` backend)."""

import warnings
from pathlib import Path

import torch
from torch import nn

from training.export.contract import Contract


def write_torchscript(network: nn.Module, path: Path, contract: Contract) -> None:
    """Writes a traced, frozen network in fp32; what a trace would fix (a batch, a size) the gate finds.

    Args:
        network: From `training.export.onnx_file.serving_network`.
        path: File to write.
        contract: Names and shapes.
    """
    with warnings.catch_warnings(), torch.no_grad():
        # torch calls TorchScript deprecated; Triton's backend reads it, and torch.export's files it does not.
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(network, (contract.example(),), check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(torch.jit.freeze(traced), str(path))
