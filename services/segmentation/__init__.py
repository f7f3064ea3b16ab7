"""The segmentation service: four contrasts in, a tumour label map in native space out."""

from services.segmentation.servicer import build

__all__ = ["build"]
