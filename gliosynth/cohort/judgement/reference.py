"""What cohorts are compared with: seven real gliomas in numbers, published figures, and the donors' geometry.

The data files are made by ``python -m training.preparation.reference``; ``NOTICE`` beside this module says where the
numbers come from and under which licence. They hold measurements, no voxels.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.measurement.case import CaseMeasurement
from gliosynth.metrics.privacy.geometry import LabelMaps


@dataclass(frozen=True)
class ReferenceCase:
    """One real case.

    Attributes:
        id: Its name in the data set it comes from.
        measurement: Measured as synthetic cases are, without a tissue map.
    """

    id: str
    measurement: CaseMeasurement


@dataclass(frozen=True, eq=False)
class Donors:
    """The anatomies that cases may be made from.

    Attributes:
        names: One for each.
        maps: ``(N, *FRAME_SHAPE)`` uint8: their tissue maps in the common frame.
    """

    names: tuple[str, ...]
    maps: LabelMaps


@lru_cache(maxsize=1)
def load_reference() -> tuple[ReferenceCase, ...]:
    """Returns the seven real cases."""
    document = json.loads(files("gliosynth.cohort.judgement").joinpath("reference_cases.json").read_bytes())
    return tuple(
        ReferenceCase(str(case["id"]), CaseMeasurement.from_dict(case["measurement"])) for case in document["cases"]
    )


@lru_cache(maxsize=1)
def load_donors() -> Donors:
    """Returns the anatomies that ship with the library."""
    with np.load(BytesIO(files("gliosynth.cohort.measurement").joinpath("donor_geometry.npz").read_bytes())) as stored:
        maps: NDArray[np.uint8] = stored["maps"]
        names = tuple(str(name) for name in stored["names"])
    maps.setflags(write=False)
    return Donors(names, maps)


ATTRIBUTIONS: Final = (
    "Real cases Brats18_TCIA01_378_1, Brats18_TCIA02_370_1, Brats18_TCIA01_425_1 and Brats18_TCIA10_628_1: subjects of"
    " TCGA-GBM and TCGA-LGG, The Cancer Imaging Archive, CC BY 3.0 (creativecommons.org/licenses/by/3.0), by Scarpace"
    " et al. and Pedano et al., with the labels of Bakas et al., Scientific Data 4:170117 (2017),"
    " doi:10.7937/K9/TCIA.2017.KLXWJJ1Q and doi:10.7937/K9/TCIA.2017.GJQ7R0EF; Menze et al., IEEE TMI 34:1993-2024"
    " (2015).",
    "Real cases BraTS2021_00006, BraTS2021_01476 and BraTS2021_01479: RSNA-ASNR-MICCAI BraTS 2021, The Cancer Imaging"
    " Archive, CC BY 4.0 (creativecommons.org/licenses/by/4.0), doi:10.7937/jc8x-9874; Baid et al., arXiv:2107.02314"
    " (2021).",
    "Of each real case, two slices are shown, scaled, windowed, outlined and stored as JPEG; its other figures are"
    " measurements.",
    "Anatomies: derived from the training label maps of SynthSeg (Billot et al., Medical Image Analysis 86:102789,"
    " 2023), Apache-2.0.",
)
"""Whose data the reference is made of, and what was changed."""
