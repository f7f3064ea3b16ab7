"""A case between the wire and the library: four contrasts and perhaps a mask in; stages, steps and remarks out."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.client.transfer import ReceivedVolume
from gliosynth.errors import InvalidCaseError
from gliosynth.geometry import Grid
from gliosynth.labels import Contrast
from gliosynth.preprocessing.case import Case, assemble_case
from gliosynth.preprocessing.record import CaseRecord
from gliosynth.raw import VolumeLimits
from gliosynth.segmentation.quality import Remark, Severity
from gliosynth.v1 import volume_pb2 as pb
from gliosynth.volume import Volume
from services.runtime.progress import Reporter
from services.runtime.volumes import decode_image, decode_mask

CONTRASTS_ON_WIRE: Final = {
    pb.CONTRAST_T1N: Contrast.T1N,
    pb.CONTRAST_T1C: Contrast.T1C,
    pb.CONTRAST_T2W: Contrast.T2W,
    pb.CONTRAST_T2F: Contrast.T2F,
}
"""The library's name of each contrast of the protos."""

DECODED: Final = 0.05
"""Share of a request that is done when its volumes are decoded."""

_SEVERITIES: Final = {Severity.INFO: pb.SEVERITY_INFO, Severity.WARNING: pb.SEVERITY_WARNING}


@dataclass(frozen=True, eq=False)
class ReceivedCase:
    """A decoded request.

    Attributes:
        case: The four contrasts.
        brain_mask: The caller's brain mask, or None.
    """

    case: Case
    brain_mask: Volume[np.bool_] | None


def decode_case(volumes: Sequence[ReceivedVolume], *, limits: VolumeLimits, check: Callable[[], None]) -> ReceivedCase:
    """Returns the contrasts and the mask of a request.

    Args:
        volumes: Everything that was received.
        limits: What one volume may cost.
        check: Raises when the caller no longer waits; called before each volume.

    Raises:
        InvalidCaseError: A contrast or the mask is missing or given twice, or a volume is neither.
        InvalidVolumeError: A volume cannot be used.
        InvalidLabelError: The mask is empty.
        BudgetExceededError: A volume is larger than the limits allow.
    """
    contrasts, masks = [], []
    for received in volumes:
        check()
        if received.header.role == pb.VOLUME_ROLE_CONTRAST:
            contrasts.append((CONTRASTS_ON_WIRE[received.header.contrast], decode_image(received, limits)))
        elif received.header.role == pb.VOLUME_ROLE_BRAIN_MASK:
            masks.append(decode_mask(received, limits))
        else:
            raise _role_error(received.header)
    if len(masks) > 1:
        raise InvalidCaseError(
            f"{masks[1].name}: {len(masks)} brain masks were given; send at most one",
            field=masks[1].name,
            got=str(len(masks)),
            reason="DUPLICATE_VOLUME",
        )
    return ReceivedCase(assemble_case(contrasts), masks[0] if masks else None)


def _role_error(header: pb.VolumeHeader) -> InvalidCaseError:
    role = pb.VolumeRole.Name(header.role)
    return InvalidCaseError(
        f"{header.name}: a volume of {role} has no place in this request; send contrasts and at most one brain mask",
        field=f"{header.name}.role",
        got=role,
        reason="UNEXPECTED_ROLE",
    )


def stage_listener(reporter: Reporter, check: Callable[[], None], *, share: float) -> Callable[[str, float], None]:
    """Returns the preprocessing's listener: checks the caller, then reports the stage by its name in the protos.

    Args:
        reporter: Where progress goes.
        check: Raises when the caller no longer waits.
        share: Share of the request that preprocessing is; it begins where decoding ended.
    """

    def listen(stage: str, fraction: float) -> None:
        check()
        name, volume = stage.replace("skull strip", "skull_strip").partition(" ")[::2]
        reporter.report(name, DECODED + (share - DECODED) * fraction, volume)

    return listen


def steps_of(record: CaseRecord) -> Iterator[pb.ProcessingStep]:
    """Yields every preprocessing step in order.

    Args:
        record: What preprocessing did.
    """
    for registration in record.registrations:
        facts = dataclasses.asdict(registration)
        facts["moving_from_reference"] = Grid((1, 1, 1), facts.pop("transform")).affine.tolist()
        yield _step("register", facts, facts.pop("contrast"))
    for contrast in record.contrasts:
        facts = dataclasses.asdict(contrast)
        facts |= {"working": dataclasses.asdict(record.working)}
        statistics = {"mean": facts.pop("mean"), "sd": facts.pop("sd")}
        name = facts.pop("contrast")
        yield _step("resample", facts, name)
        yield _step("normalise", statistics, name)
    yield _step("skull_strip", dataclasses.asdict(record.skull_strip))
    yield _step("crop", dataclasses.asdict(record.crop))


def _step(name: str, parameters: dict[str, object], volume: str = "") -> pb.ProcessingStep:
    return pb.ProcessingStep(name=name, volume=volume, parameters_json=json.dumps(parameters, sort_keys=True))


def flags_of(remarks: Iterable[Remark]) -> Iterator[pb.QualityFlag]:
    """Yields the remarks as messages.

    Args:
        remarks: What the library remarked.
    """
    for remark in remarks:
        yield pb.QualityFlag(
            id=remark.id, severity=_SEVERITIES[remark.severity], message=remark.message, volume=remark.volume
        )
