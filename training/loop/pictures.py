"""Pictures that a run leaves of what its networks do."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def save_picture(folder: Path, pixels: NDArray[np.uint8], *, step: int) -> None:
    """Writes ``pictures/step-NNNNNN.png``.

    Args:
        folder: Run folder.
        pixels: ``(H, W)`` grey or ``(H, W, 3)`` colour.
        step: Steps done.
    """
    path = folder / "pictures" / f"step-{step:06d}.png"
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, optimize=True)
