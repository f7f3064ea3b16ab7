"""Which slices a reader sees, and how they lie: radiological convention, millimetres true to scale.

The patient's right is on the left of the image in axial and coronal views; sagittal views face left. Planes follow the
scan's own axes, so a slice on the page is a slice of the scanner.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from gliosynth.geometry import Box, bounding_box, reorient_to_ras
from gliosynth.labels import REGIONS, Contrast, LabelMap, Region, region_mask
from gliosynth.segmentation.postprocess import largest_component
from gliosynth.volume import Volume

ScalarT = TypeVar("ScalarT", bound=np.generic)

HEAD_SHARE: Final = 0.08
"""Share of an image's 99th percentile above which a voxel is counted as head."""

MARGIN_MM: Final = 6.0
"""Margin in mm that is left around the head."""


class Plane(StrEnum):
    """The three anatomical planes."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


NORMAL_AXES: Final = MappingProxyType({Plane.AXIAL: 2, Plane.CORONAL: 1, Plane.SAGITTAL: 0})
"""Axis of a RAS array that a plane's slices are counted along."""

EDGE_LETTERS: Final = MappingProxyType({Plane.AXIAL: "RLAP", Plane.CORONAL: "RLSI", Plane.SAGITTAL: "APSI"})
"""What lies at the left, right, top and bottom edge of a slice."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that is drawn of one case, on one grid in RAS order.

    Attributes:
        images: Each contrast ``(X, Y, Z)`` float32.
        labels: Label map ``(X, Y, Z)``.
        spacing_mm: Voxel edges in mm.
        view: The box around the head.
    """

    images: MappingProxyType[Contrast, NDArray[np.float32]]
    labels: LabelMap
    spacing_mm: tuple[float, float, float]
    view: Box


@dataclass(frozen=True)
class SliceChoice:
    """One slice of a scene.

    Attributes:
        plane: Its plane.
        index: Its number along the plane's normal axis.
    """

    plane: Plane
    index: int


def build_scene(images: dict[Contrast, Volume[np.float32]], labels: Volume[np.uint8]) -> Scene:
    """Returns the case in RAS order, with a box around the head.

    Args:
        images: Each contrast, resampled onto the grid of the label map.
        labels: The label map.
    """
    ordered = {contrast: reorient_to_ras(volume).data for contrast, volume in images.items()}
    label_map = reorient_to_ras(labels)
    view = _head_box(ordered[Contrast.T1C], label_map.spacing_mm)
    return Scene(MappingProxyType(ordered), label_map.data, label_map.spacing_mm, view)


def choose_slices(scene: Scene) -> tuple[SliceChoice, ...]:
    """Returns one slice in each plane: where the areas of WT, TC and ET of the tumour's largest part are largest.

    Parts that lie elsewhere, such as false findings in the neck, do not decide. Without a tumour it is the middle of
    the head.

    Args:
        scene: The case.
    """
    main_part = largest_component(region_mask(scene.labels, Region.WT))
    weight = sum((region_mask(scene.labels, region) & main_part).astype(np.uint8) for region in REGIONS)
    return tuple(SliceChoice(plane, _heaviest(np.asarray(weight), scene.view, plane)) for plane in Plane)


def cut(volume: NDArray[ScalarT], scene: Scene, choice: SliceChoice) -> NDArray[ScalarT]:
    """Returns a slice as an image: rows from top to bottom, columns from left to right, cut to the head.

    Args:
        volume: ``(X, Y, Z)`` on the scene's grid.
        scene: The case.
        choice: Which slice.

    Returns:
        ``(rows, columns)``.
    """
    place: list[slice | int] = [slice(*ends) for ends in zip(scene.view.start, scene.view.stop, strict=True)]
    place[NORMAL_AXES[choice.plane]] = choice.index
    flat: NDArray[ScalarT] = volume[tuple(place)]
    return flat[::-1, ::-1].T


def pixel_mm(scene: Scene, plane: Plane) -> tuple[float, float]:
    """Returns height and width in mm of a pixel of `cut`.

    Args:
        scene: The case.
        plane: Plane of the slice.
    """
    x, y, z = scene.spacing_mm
    return {Plane.AXIAL: (y, x), Plane.CORONAL: (z, x), Plane.SAGITTAL: (z, y)}[plane]


def _heaviest(weight: NDArray[np.uint8], view: Box, plane: Plane) -> int:
    axis = NORMAL_AXES[plane]
    areas = weight.sum(axis=tuple(other for other in range(3) if other != axis), dtype=np.int64)
    if not areas.any():
        return (view.start[axis] + view.stop[axis]) // 2
    return int(areas.argmax())


def _head_box(image: NDArray[np.float32], spacing_mm: tuple[float, float, float]) -> Box:
    head = image > HEAD_SHARE * float(np.percentile(image, 99.0))
    margin_x, margin_y, margin_z = (round(MARGIN_MM / edge_mm) for edge_mm in spacing_mm)
    if not head.any():
        x, y, z = image.shape
        return Box((0, 0, 0), (x, y, z))
    return bounding_box(head, margin=(margin_x, margin_y, margin_z))
