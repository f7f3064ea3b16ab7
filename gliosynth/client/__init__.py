"""The SDK: a client of the gliosynth services, and a server of one's own where there is none."""

from gliosynth.client.case_files import CaseFiles, find_case, find_case_folders
from gliosynth.client.channel import TlsOptions
from gliosynth.client.client import GliosynthClient
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

__all__ = [
    "CaseFiles",
    "CasePayload",
    "EmbeddedServer",
    "GliosynthClient",
    "ImageComparison",
    "ModelDescription",
    "ModelIdentity",
    "PreprocessingResult",
    "Progress",
    "RegionScores",
    "SegmentationResult",
    "TlsOptions",
    "VolumeFile",
    "find_case",
    "find_case_folders",
]
