"""The type of every uniform draw of the simulator."""

Range = tuple[float, float]
"""Lower and upper end of a uniform distribution."""
