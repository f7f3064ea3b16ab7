"""The sheet of an evaluation: true, painted and moved slices of each case, the lesion's and the found outline."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gliosynth.labels import CONTRASTS, LabelMap, Mask
from training.generation.evaluation import CaseScores, Looked
from training.generation.figures import Images

MAP_COLOUR: Final = (255, 215, 40)
"""RGB of the outline of the tumour map: yellow."""

FOUND_COLOUR: Final = (40, 200, 255)
"""RGB of the outline of what the segmenter found: blue."""

WINDOW: Final = (-2.5, 3.5)
"""Z-scores in the brain shown black and white."""

TITLE_PX: Final = 16
"""Height of the line of titles."""

TITLES: Final = {
    Images.TRUE: "true",
    Images.PAINTED: "painted",
    Images.MOVED: "painted, moved",
    Images.HEALED: "painted, moved, healed",
}
"""What is written above each kind."""

Picture = NDArray[np.uint8]
"""``(H, W, 3)`` RGB."""


def lesion_sheet(cases: Sequence[CaseScores]) -> Picture:
    """Returns a row a case: for every kind of images, the four contrasts of the slice that shows most of the lesion.

    The outline of the tumour map is yellow, that of what the segmenter found in these images blue. Slices stand as a
    radiologist reads them: anterior up, the patient's right on the left.

    Args:
        cases: At least one with images that a segmenter looked at.
    """
    rows = [_row(case) for case in cases if case.looked]
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows])


def outlined(image: NDArray[np.floating], wanted: NDArray[np.bool_], found: NDArray[np.bool_]) -> Picture:
    """Returns a slice ``(H, W)`` in 0 to 1 with two outlines; where both run, the tumour map's is seen."""
    picture: Picture = np.repeat(np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)[..., None], 3, axis=-1)
    for mask, colour in ((found, FOUND_COLOUR), (wanted, MAP_COLOUR)):
        inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
        picture[mask & (inner == 0)] = colour
    return picture


def _row(case: CaseScores) -> Picture:
    return np.concatenate([_tiles(one, f"{case.ring} {case.slot}") for one in case.looked], axis=1)


def _tiles(looked: Looked, name: str) -> Picture:
    """Returns the four contrasts of one volume beside each other."""
    plane = _fullest(looked.labels)
    wanted, found = looked.labels[..., plane] > 0, looked.found[..., plane] > 0
    parts = []
    for contrast, volume in zip(CONTRASTS, looked.contrasts, strict=True):
        upright = outlined(_shown(volume, looked.brain, plane), wanted, found).transpose(1, 0, 2)[::-1]
        parts.append(_titled(upright, f"{name} {contrast} {TITLES[looked.images]}"))
    return np.concatenate(parts, axis=1)


def _fullest(labels: LabelMap) -> int:
    """Returns the slice that shows most of the lesion."""
    return int((labels > 0).sum(axis=(0, 1)).argmax())


def _shown(volume: NDArray[np.float32], brain: Mask, plane: int) -> NDArray[np.floating]:
    """Returns a slice as grey values: z-scores of the brain in `WINDOW`, black outside."""
    inside = volume[brain]
    low, high = WINDOW
    scores = (volume[..., plane] - inside.mean()) / inside.std()
    return np.where(brain[..., plane], (scores - low) / (high - low), 0)


def _titled(picture: Picture, title: str) -> Picture:
    framed = np.ascontiguousarray(np.pad(picture, ((TITLE_PX, 0), (0, 2), (0, 0))))
    cv2.putText(framed, title, (2, TITLE_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.3, (255, 255, 255), 1, cv2.LINE_AA)
    return framed
