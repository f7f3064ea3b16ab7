"""Messages of the segmentation service to what the library speaks, and back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from gliosynth.preprocessing.pipeline import PreprocessedCase
from gliosynth.preprocessing.record import BrainSource
from gliosynth.segmentation import CascadeProgress, Segmentation
from gliosynth.segmentation.placement import RegionPlace
from gliosynth.segmentation.quality import QualityInput, input_remarks, result_remarks
from gliosynth.v1 import segmentation_pb2, volume_pb2
from gliosynth.volume import Volume
from services.runtime.case import flags_of, steps_of
from services.runtime.inference import ModelEntry
from services.runtime.models import Models
from services.runtime.volumes import encoded_parts, geometry_of

REGIONS_ON_WIRE: Final = {
    Region.WT: segmentation_pb2.REGION_WT,
    Region.TC: segmentation_pb2.REGION_TC,
    Region.ET: segmentation_pb2.REGION_ET,
}
"""The protos' value of each region."""

LARGEST_PAGE: Final = 100
"""Most models in one answer, and the number where none is asked for."""


@dataclass(frozen=True, eq=False)
class SegmentedCase:
    """Everything that one request came to.

    Attributes:
        prepared: The preprocessed case.
        segmentation: What the cascade found in it.
        native: The label map on the grid of the t1c that was sent.
        places: Where the regions lie in native space.
    """

    prepared: PreprocessedCase
    segmentation: Segmentation
    native: Volume[np.uint8]
    places: tuple[RegionPlace, ...]


def models_that_ran(
    result: SegmentedCase, models: Models, regions: list[volume_pb2.ModelIdentity]
) -> list[volume_pb2.ModelIdentity]:
    """Returns the models behind a result, in the order they ran.

    Args:
        result: The result.
        models: The process' models.
        regions: Identities of the WT, TC and ET model; those that were given no slice are left out.
    """
    ran = [model for model, found in zip(regions, result.segmentation.findings, strict=True) if found.slices_run]
    if result.prepared.record.skull_strip.source is BrainSource.MODEL:
        return [models.skull_strip_identity(), *ran]
    return ran


def report_of(
    result: SegmentedCase, *, models: Sequence[volume_pb2.ModelIdentity], times: Sequence[volume_pb2.StageTime]
) -> segmentation_pb2.SegmentReport:
    """Returns the report of one request.

    Args:
        result: The result.
        models: The models behind it.
        times: Seconds of each stage.
    """
    case = result.prepared
    remarks = (
        *input_remarks(QualityInput(case.contrasts, case.brain, case.record)),
        *result_remarks(result.segmentation, result.places),
    )
    return segmentation_pb2.SegmentReport(
        regions=[_region(place) for place in result.places],
        flags=flags_of(remarks),
        models=models,
        steps=steps_of(case.record),
        times=times,
        geometry=geometry_of(result.native),
        brain_volume_ml=case.record.skull_strip.brain_ml,
    )


def _region(place: RegionPlace) -> segmentation_pb2.RegionResult:
    return segmentation_pb2.RegionResult(
        region=REGIONS_ON_WIRE[place.region],
        volume_ml=place.volume_ml,
        centroid_mm=place.centroid_mm,
        centroid_shift_mm=place.shift_mm,
    )


def responses(
    report: segmentation_pb2.SegmentReport, encoded: tuple[volume_pb2.VolumeHeader, bytes]
) -> Iterator[segmentation_pb2.SegmentResponse]:
    """Yields the final answers: the report, then the label map.

    Args:
        report: The report.
        encoded: Header and bytes of the label map.
    """
    yield segmentation_pb2.SegmentResponse(report=report)
    for part in encoded_parts([encoded]):
        yield segmentation_pb2.SegmentResponse(volume=part)


def progress_response(progress: volume_pb2.Progress) -> segmentation_pb2.SegmentResponse:
    """Returns a progress as an answer.

    Args:
        progress: Where the work stands.
    """
    return segmentation_pb2.SegmentResponse(progress=progress)


def cascade_share(progress: CascadeProgress) -> float:
    """Returns the share of the cascade that is done: each region counts a third, whatever its slices.

    Args:
        progress: Where the cascade stands.
    """
    done = list(REGIONS_ON_WIRE).index(progress.region) + progress.slices_done / progress.slices_total
    return done / len(REGIONS_ON_WIRE)


def page_of(names: Sequence[str], request: segmentation_pb2.ListModelsRequest) -> tuple[list[str], str]:
    """Returns one page of model names and the token of the next page, empty at the end.

    Args:
        names: All names, sorted.
        request: Page size and token; the token is the last name of the page before.

    Raises:
        InvalidParameterError: The page size is negative.
    """
    if request.page_size < 0:
        raise InvalidParameterError(
            f"page_size: {request.page_size} is negative; give 0 to {LARGEST_PAGE}",
            field="page_size",
            got=str(request.page_size),
        )
    size = min(request.page_size or LARGEST_PAGE, LARGEST_PAGE)
    following = [name for name in names if name > request.page_token]
    page = following[:size]
    return page, page[-1] if len(following) > size else ""


def model_message(versions: Sequence[ModelEntry], models: Models) -> segmentation_pb2.Model:
    """Returns one model of the repository as a message.

    Args:
        versions: Its versions, newest first.
        models: The process' models.
    """
    newest = versions[0]
    return segmentation_pb2.Model(
        name=newest.name,
        versions=[str(entry.version) for entry in versions],
        newest=models.identity(newest),
        parameters=newest.config.parameters,
        card=newest.card,
    )
