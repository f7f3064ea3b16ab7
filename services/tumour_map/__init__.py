"""The tumour-map service: edits tumour maps and builds brain maps."""

from services.tumour_map.servicer import build

__all__ = ["build"]
