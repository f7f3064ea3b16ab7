"""Writes a network as ONNX: dynamic batch, height and width, fp16 weights that are fp32 again when it is loaded.

Batch norm is folded into the convolutions first. The sister file for GPUs computes in fp16 throughout: only its input
and outputs are what the contract says.
"""

import copy
import math
import warnings
from pathlib import Path
from typing import Final, cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.export.contract import Contract

OPSET: Final = 17
"""ONNX operator set, read by onnxruntime, OpenVINO and Triton alike."""

HALF_FROM: Final = 2**14
"""Elements from which a tensor is stored as fp16. The smaller ones (the finest scale, the head, the biases) are a few
per cent of the bytes and would make most of the rounding error, so they stay fp32."""


class HalfNetwork(nn.Module):
    """x -> float32(network_fp16(x)): every layer that has weights computes in fp16, what comes in is rounded to it."""

    def __init__(self, network: nn.Module) -> None:
        """Takes a copy of a network in fp16."""
        super().__init__()
        self.network = copy.deepcopy(network).half()
        for layer in self.network.modules():
            if next(layer.parameters(recurse=False), None) is not None:
                layer.register_forward_pre_hook(_rounded)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Returns what the network returns, in float32."""
        answer = self.network(x)
        return answer.float() if isinstance(answer, Tensor) else [one.float() for one in answer]


def _rounded(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(one.half() if one.is_floating_point() else one for one in inputs)


def serving_network(network: nn.Module) -> nn.Module:
    """Returns a copy for inference: evaluation mode, batch norms and weight norms folded into the weights."""
    folded = copy.deepcopy(network).eval().float().requires_grad_(False)
    for block in list(folded.modules()):
        fold_batch_norms(block)
        fix_parametrized(block)
    return folded.eval().requires_grad_(False)


def fix_parametrized(block: nn.Module) -> None:
    """Makes parametrised weights (spectral norm) plain ones of the value they have, in place.

    Torch's own `remove_parametrizations` takes the weight off the class, which a copy shares with its original.
    """
    if not parametrize.is_parametrized(block):
        return
    values = {name: getattr(block, name).detach().clone() for name in cast(nn.ModuleDict, block.parametrizations)}
    block.__class__ = type(block).__bases__[0]
    del block.parametrizations
    for name, value in values.items():
        block.register_parameter(name, nn.Parameter(value))


def fold_batch_norms(block: nn.Module) -> None:
    """Folds each batch norm ``norm<n>`` of a block into the convolution ``conv<n>`` before it, in place."""
    for name, norm in list(block.named_children()):
        conv = getattr(block, name.replace("norm", "conv"), None)
        if isinstance(norm, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d):
            setattr(block, name.replace("norm", "conv"), fuse_conv_bn_eval(conv, norm))
            setattr(block, name, nn.Identity())


def write_onnx(network: nn.Module, path: Path, contract: Contract) -> None:
    """Writes a network whose large weights are stored as fp16 and cast to fp32 when the file is loaded.

    Args:
        network: From `serving_network`.
        path: File to write.
        contract: Names and shapes.
    """
    write_graph(network, path, contract)
    model = onnx.load(path)
    store_weights_as_fp16(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_half_onnx(network: nn.Module, path: Path, contract: Contract) -> None:
    """Writes a network that computes in fp16, for GPUs, see `write_onnx`."""
    write_graph(HalfNetwork(network), path, contract)
    onnx.checker.check_model(str(path), full_check=True)


def write_graph(network: nn.Module, path: Path, contract: Contract) -> None:
    """Writes the graph of a network as it is, with dynamic batch, height and width."""
    names = {0: "batch", 2: "height", 3: "width"}
    axes = {contract.input.name: names}
    axes |= {
        one.name: {0: "batch", 2: f"height_{one.shrink}", 3: f"width_{one.shrink}"} if one.shrink > 1 else names
        for one in contract.outputs
    }
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter that succeeds this one writes opset 18 or later only.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (contract.example(),),
            str(path),
            input_names=[contract.input.name],
            output_names=[one.name for one in contract.outputs],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def store_weights_as_fp16(model: onnx.ModelProto) -> None:
    """Replaces each large float initialiser by its fp16 values and a Cast back to fp32, in place."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and math.prod(tensor.dims) >= HALF_FROM:
            name = tensor.name
            half = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
            casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
