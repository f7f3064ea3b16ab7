"""Sums over the devices of a data-parallel run, through which gradients flow.

Each device computes the loss of the whole batch from such sums, and data-parallel training then takes the *mean* of the
devices' gradients: dL/dw = mean_r (W dL/ds ds_r/dw) = sum_r dL/ds ds_r/dw for s = sum_r s_r on W devices. So the
backward pass of a sum is again a sum, and a loss over the batch (Dice, batch norm) is exactly that of one device.
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(_context: FunctionCtx, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(_context: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        return total


def device_count() -> int:
    """Returns the number of devices that train together, 1 outside a data-parallel run."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def sum_over_devices(values: Tensor) -> Tensor:
    """Returns the sum of a tensor over the devices, with its gradient; on one device the tensor itself.

    Args:
        values: Any shape, the same on every device.
    """
    if device_count() == 1:
        return values
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]  # torch does not type it
    return total
