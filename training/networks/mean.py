"""Several networks of one contract as one: the mean of their logits (METHODS.md C.1 line 15)."""

from collections.abc import Sequence

from torch import Tensor, nn


class MeanOfNetworks(nn.Module):
    """x -> (f_1(x) + ... + f_N(x)) / N."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        """Takes networks, at least one, whose answers have one shape."""
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the mean of what the networks return."""
        total: Tensor = self.networks[0](x)
        for network in list(self.networks)[1:]:
            total = total + network(x)
        return total / len(self.networks)
