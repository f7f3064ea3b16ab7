"""The way back: a label map of the working grid returned on the reference's native grid.

A native voxel may be 5 mm thick where the working voxel is 1 mm. Its label is therefore decided by what fills it, not
by what happens to lie at its centre: the share of each label is averaged over sub-samples about 1 mm apart (linear
interpolation of the label's indicator), a voxel is tumour if tumour fills at least half of it, and then takes the
tumour label with the largest share. Deciding tumour first keeps a voxel of 30 % oedema, 30 % enhancing tumour and 40
% brain in the tumour, where one vote over all labels would lose it. Where the working grid is the native one,
reordered, nothing is interpolated and the way back is exact.
"""

# mypy: allow-untyped-calls
# (nibabel's orientation functions carry no types.)

import itertools

import nibabel.orientations as nibo
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.errors import InvalidLabelError
from gliosynth.geometry import Box, Grid, apply_affine, ras_grid, uncrop
from gliosynth.labels import Label, LabelMap
from gliosynth.preprocessing.record import CaseRecord
from gliosynth.preprocessing.resampling import voxel_mapping
from gliosynth.volume import Volume

TUMOUR_LABELS = (Label.NCR, Label.ED, Label.ET)
"""Labels that are interpolated; background is what they leave."""


def to_native(labels: LabelMap, record: CaseRecord) -> Volume[np.uint8]:
    """Returns a label map of the preprocessed grid on the native grid of the reference.

    Args:
        labels: ``(X, Y, Z)`` uint8 with values of `Label`, on the grid of `PreprocessedCase`.
        record: What preprocessing did.

    Returns:
        The labels with the shape and the affine of the reference as it was given.

    Raises:
        InvalidLabelError: WRONG_GRID, the label map has another shape than the preprocessed case.
    """
    if labels.shape != record.crop.shape:
        raise InvalidLabelError(
            f"labels: the shape {labels.shape} is not that of the preprocessed case {record.crop.shape};"
            " give the label map of this very case",
            field="labels",
            got=str(labels.shape),
            reason="WRONG_GRID",
        )
    working = uncrop(labels, record.crop, record.working.shape)
    if record.working.matches(ras_grid(record.native)):
        native = _undo_reorientation(working, record.native)
    else:
        native = resample_labels(working, record.working, record.native)
    return Volume(native, record.native.affine, "labels")


def _undo_reorientation(labels: LabelMap, native: Grid) -> LabelMap:
    """Returns the voxels with the native order and direction of the axes; a copy, so that nothing is shared."""
    to_ras = nibo.io_orientation(native.affine)
    from_ras = nibo.ornt_transform(np.array([[0, 1], [1, 1], [2, 1]]), to_ras)
    return np.array(nibo.apply_orientation(labels, from_ras), dtype=np.uint8)


def resample_labels(labels: LabelMap, source: Grid, target: Grid) -> LabelMap:
    """Returns the label map on another grid: tumour by half of the voxel, then the label with the largest share.

    Args:
        labels: ``(X, Y, Z)`` uint8 on the source grid.
        source: Grid of the labels.
        target: Grid of the result.

    Returns:
        ``(X, Y, Z)`` uint8 of the target's shape.
    """
    result = np.zeros(target.shape, dtype=np.uint8)
    if not labels.any():
        return result
    box = _reached_box(labels, source, target)
    shares = np.stack([_label_share(labels == label, source, target, box) for label in TUMOUR_LABELS])
    winner = np.asarray(TUMOUR_LABELS, dtype=np.uint8)[shares.argmax(axis=0)]
    part = np.where(shares.sum(axis=0) >= 0.5 - 1e-4, winner, np.uint8(Label.BACKGROUND))
    (a, b, c), (d, e, f) = box.start, box.stop
    result[a:d, b:e, c:f] = part
    return result


def _reached_box(labels: LabelMap, source: Grid, target: Grid) -> Box:
    """Returns the box of the target that the tumour can reach, so that only this part is computed."""
    found = np.argwhere(labels)
    low, high = found.min(axis=0) - 1.5, found.max(axis=0) + 1.5
    corners = np.array(list(itertools.product(*zip(low, high, strict=True))), dtype=np.float64)
    reached = apply_affine(
        np.asarray(np.linalg.inv(target.affine), dtype=np.float64), apply_affine(source.affine, corners)
    )
    start = np.clip(np.floor(reached.min(axis=0)).astype(int) - 1, 0, target.shape)
    stop = np.clip(np.ceil(reached.max(axis=0)).astype(int) + 2, start, target.shape)
    (a, b, c), (d, e, f) = start.tolist(), stop.tolist()
    return Box((a, b, c), (d, e, f))


def _label_share(inside: NDArray[np.bool_], source: Grid, target: Grid, box: Box) -> NDArray[np.float32]:
    """Returns the share of each voxel of the box that the label fills, 0 to 1, float32."""
    share = np.zeros(box.shape, dtype=np.float32)
    if not inside.any():
        return share
    matrix = voxel_mapping(target, source.affine)
    counts = [max(1, round(t / s)) for t, s in zip(target.spacing_mm, source.spacing_mm, strict=True)]
    steps = [(np.arange(count) + 0.5) / count - 0.5 for count in counts]
    indicator = inside.astype(np.float32)
    sample = np.empty_like(share)
    offsets = list(itertools.product(*steps))
    for offset in offsets:
        start = apply_affine(matrix, np.asarray(box.start) + np.asarray(offset))
        ndimage.affine_transform(indicator, matrix[:3, :3], start, output=sample, order=1, mode="constant")
        share += sample
    return share / np.float32(len(offsets))
