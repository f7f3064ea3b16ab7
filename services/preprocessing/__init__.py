"""The preprocessing service: four contrasts in, one normalised, skull-stripped 1 mm space out."""

from services.preprocessing.servicer import build

__all__ = ["build"]
