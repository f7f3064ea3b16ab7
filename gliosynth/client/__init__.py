"""The SDK: a client of the gliosynth services, and a server of one's own where there is none."""

from gliosynth.case_files import CaseFiles, find_case, find_case_folders
from gliosynth.client.channel import TlsOptions
from gliosynth.client.client import GliosynthClient
from gliosynth.client.cohort_results import Cohort, CohortPrice, CohortState, UploadedAnatomy
from gliosynth.client.embedded import EmbeddedServer
from gliosynth.client.payloads import CasePayload, VolumeFile
from gliosynth.client.results import (
    ImageComparison,
    ModelDescription,
    ModelIdentity,
    PreprocessingResult,
    Progress,
    RegionScores,
    SegmentationResult,
)
from gliosynth.client.tumour_map_requests import HeadFile, HeadKind
from gliosynth.client.tumour_map_results import BrainMapResult, EditedTumourMap

__all__ = [
    "BrainMapResult",
    "CaseFiles",
    "CasePayload",
    "Cohort",
    "CohortPrice",
    "CohortState",
    "EditedTumourMap",
    "EmbeddedServer",
    "GliosynthClient",
    "HeadFile",
    "HeadKind",
    "ImageComparison",
    "ModelDescription",
    "ModelIdentity",
    "PreprocessingResult",
    "Progress",
    "RegionScores",
    "SegmentationResult",
    "TlsOptions",
    "UploadedAnatomy",
    "VolumeFile",
    "find_case",
    "find_case_folders",
]
