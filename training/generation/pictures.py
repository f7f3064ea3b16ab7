"""The sheet a generator's run draws: brain map, truth and what was generated, contrast by contrast."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gliosynth.brain_map import BrainChannel
from training.data.pairs import Pairs

CLASS_COLOURS: Final = {
    BrainChannel.NCR: (220, 40, 40),
    BrainChannel.ED: (60, 170, 75),
    BrainChannel.ET: (250, 215, 40),
    BrainChannel.BAND_1: (225, 225, 225),
    BrainChannel.BAND_2: (160, 160, 160),
    BrainChannel.BAND_3: (105, 105, 105),
    BrainChannel.BAND_4: (55, 55, 55),
    BrainChannel.BACKGROUND: (0, 0, 0),
}
"""RGB of each class: necrosis red, oedema green, enhancement yellow, bands in grey."""

GAP_PX: Final = 4
"""Between two slices of the sheet."""

TITLE_PX: Final = 18
"""Height of the line of titles."""

COLUMNS: Final = ("brain map", "truth", "generated", "difference x 2")
"""What stands beside each other; the difference is grey where equal, brighter where too bright."""


def sheet(pairs: Pairs, generated: NDArray[np.float32], *, names: tuple[str, ...]) -> NDArray[np.uint8]:
    """Returns a picture: one row a contrast, the columns of `COLUMNS` for each slice beside each other.

    Slices stand as a radiologist reads them: anterior up, the patient's right on the left.

    Args:
        pairs: B slices in M contrasts.
        generated: ``(B, M, H, W)`` in 0 to 1.
        names: Of the M contrasts.

    Returns:
        ``(height, width, 3)`` uint8 RGB.
    """
    blocks = [
        np.concatenate([_row(pairs, generated, index, channel, name) for channel, name in enumerate(names)])
        for index in range(len(generated))
    ]
    picture: NDArray[np.uint8] = np.concatenate(blocks, axis=1)
    return picture


def _row(pairs: Pairs, generated: NDArray[np.float32], index: int, channel: int, name: str) -> NDArray[np.uint8]:
    """Returns the four pictures of one slice and contrast beside each other, titles above."""
    truth, made = pairs.contrasts[index, channel], generated[index, channel]
    difference = np.where(pairs.brain[index, 0], np.clip(0.5 + (made - truth), 0, 1), 0)
    parts = [coloured(pairs.brain_maps[index, channel]), _grey(truth), _grey(made), _grey(difference)]
    tiles = [_titled(_upright(part), f"{name} {title}") for part, title in zip(parts, COLUMNS, strict=True)]
    return np.concatenate(tiles, axis=1)


def coloured(brain_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the colours ``(H, W, 3)`` of a brain map ``(H, W)``."""
    table = np.array([CLASS_COLOURS[channel] for channel in BrainChannel], dtype=np.uint8)
    colours: NDArray[np.uint8] = table[brain_map]
    return colours


def _grey(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(255 * image).astype(np.uint8)[..., None], 3, axis=-1)


def _upright(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns an image ``(X, Y, 3)`` of RAS+ axes as rows from anterior, columns from the patient's right."""
    return image.transpose(1, 0, 2)[::-1]


def _titled(image: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    framed = np.pad(image, ((TITLE_PX, GAP_PX), (0, GAP_PX), (0, 0)))
    cv2.putText(framed, title, (2, TITLE_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return framed
