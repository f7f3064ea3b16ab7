"""The metrics service: scores label maps and images."""

from services.metrics.servicer import build

__all__ = ["build"]
