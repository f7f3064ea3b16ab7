"""The served segmenters looking for lesions in painted volumes: the cascade of the library on their ONNX files."""

import re
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import REGIONS, LabelMap, Mask, Region
from gliosynth.preprocessing.intensity import normalise
from gliosynth.segmentation import CascadeModels, CascadeOptions, segment_case

PARAMETER: Final = re.compile(r'parameters\s*{\s*key:\s*"(\w+)"\s*value:\s*{\s*string_value:\s*"([^"]*)"')
"""A parameter as our config.pbtxt writes it."""


class OnnxRegionModel:
    """A served segmenter as the cascade's `RegionModel`, run in this process on one core.

    Attributes:
        channels: Its input channels.
        batch_size: The most slices it takes at once.
        threshold: Probability from which a pixel belongs to the region.
    """

    def __init__(self, folder: Path, *, batch_size: int = 8) -> None:
        """Loads the newest version of a model of the repository.

        Args:
            folder: Such as ``model_repository/segmenter_wt``.
            batch_size: The most slices it shall take at once.

        Raises:
            InvalidParameterError: The folder holds no segmenter.
        """
        versions = sorted(folder.glob("*/model.onnx"), key=lambda path: int(path.parent.name))
        config = folder / "config.pbtxt"
        found = dict(PARAMETER.findall(config.read_text())) if config.is_file() else {}
        if not versions or not {"channels", "threshold"} <= set(found):
            raise InvalidParameterError(
                f"{folder}: it holds no segmenter (config.pbtxt with channels and threshold, <version>/model.onnx);"
                " name a model repository with segmenter_wt, segmenter_tc and segmenter_et",
                field="segmenters",
                got=str(folder),
            )
        self.channels = tuple(name.strip() for name in found["channels"].split(","))
        self.batch_size, self.threshold = batch_size, float(found["threshold"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(versions[-1], options, providers=["CPUExecutionProvider"])

    def submit(self, batch: NDArray[np.float32]) -> "Future[NDArray[np.float32]]":
        """Returns the logits ``(B, 1, H, W)`` of slices ``(B, C, H, W)``, already computed."""
        answer: Future[NDArray[np.float32]] = Future()
        answer.set_result(np.asarray(self._session.run(None, {"contrasts": batch})[0], dtype=np.float32))
        return answer


def served_segmenters(repository: Path) -> CascadeModels:
    """Returns the three segmenters of a model repository."""
    wt, tc, et = (OnnxRegionModel(repository / f"segmenter_{region.lower()}") for region in REGIONS)
    return CascadeModels(wt=wt, tc=tc, et=et)


def find_lesion(images: NDArray[np.float32], brain: Mask, *, models: CascadeModels, slice_mm: float) -> LabelMap:
    """Returns the tumour map that segmenters find in a volume, which is z-scored as the service does.

    Args:
        images: ``(4, X, Y, Z)`` of any gain and offset, pixels of 1 mm.
        brain: ``(X, Y, Z)``.
        models: The segmenters.
        slice_mm: Distance of the slices; components are dropped below the same volumes in mm³ as at 1 mm.
    """
    scores = np.stack([normalise(image, brain) for image in images])
    return segment_case(scores, brain, models=models, options=_options(slice_mm)).labels


def _options(slice_mm: float) -> CascadeOptions:
    defaults = CascadeOptions()
    smallest = {region: round(_smallest(defaults, region) / slice_mm) for region in REGIONS}
    return replace(
        defaults,
        smallest_wt_voxels=smallest[Region.WT],
        smallest_tc_voxels=smallest[Region.TC],
        smallest_et_voxels=smallest[Region.ET],
    )


def _smallest(options: CascadeOptions, region: Region) -> int:
    return int(getattr(options, f"smallest_{region.lower()}_voxels"))
