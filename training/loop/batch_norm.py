"""Batch normalisation over the whole batch of a data-parallel run, on any kind of device.

torch's own SyncBatchNorm exists for GPUs alone; this one is the same sums over any backend, so that it can be tested
without a GPU.
"""

from typing import cast

from torch import Tensor, nn

from training.loop.reductions import device_count, sum_over_devices


class SharedBatchNorm2d(nn.BatchNorm2d):
    """y = g (x - m) / sqrt(v + eps) + b; m and v are mean and variance over batch and pixels of all devices.

    Ioffe & Szegedy 2015 (arXiv 1502.03167), algorithm 1. The running variance takes the unbiased estimate, as torch's.
    Every device sees the same number of pixels.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns the normalised ``(B, C, H, W)``; statistics are float32 whatever x is."""
        if not self.training or device_count() == 1:
            return super().forward(x)
        values = x.float()
        count = x.numel() // x.shape[1] * device_count()
        mean = sum_over_devices(values.sum(dim=(0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = sum_over_devices(centred.square().sum(dim=(0, 2, 3))) / count
        self._follow(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the running statistics towards the batch's by the momentum."""
        momentum = cast(float, self.momentum)
        cast(Tensor, self.running_mean).lerp_(mean, momentum)
        cast(Tensor, self.running_var).lerp_(variance, momentum)
        cast(Tensor, self.num_batches_tracked).add_(1)


def share_batch_norm(network: nn.Module) -> None:
    """Turns every BatchNorm2d inside a network into one over all devices; names, weights and statistics stay."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                shared = SharedBatchNorm2d(child.num_features, child.eps, cast(float, child.momentum))
                shared.weight, shared.bias = child.weight, child.bias
                shared.running_mean, shared.running_var = child.running_mean, child.running_var
                shared.num_batches_tracked = child.num_batches_tracked
                setattr(parent, name, shared)
