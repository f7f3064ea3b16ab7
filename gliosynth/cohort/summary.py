"""What remains of a case when its voxels are written: the manifest that goes with it, and its measurement."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from pydantic import JsonValue, TypeAdapter, ValidationError

from gliosynth.cohort.gate import Finding
from gliosynth.cohort.measurement import CaseMeasurement
from gliosynth.cohort.plain import to_plain
from gliosynth.errors import InvalidCaseError


@dataclass(frozen=True)
class FileRecord:
    """One file of the data set.

    Attributes:
        path: From the data set's root, with slashes.
        byte_count: Its length.
        sha256: Hexadecimal digest of its bytes.
    """

    path: str
    byte_count: int
    sha256: str

    @classmethod
    def of(cls, path: str, data: bytes) -> Self:
        """Returns the record of a file's bytes."""
        return cls(path, len(data), sha256(data).hexdigest())


@dataclass(frozen=True)
class Reject:
    """One draw that the gate refused.

    Attributes:
        attempt: Number of the draw, from 0.
        findings: The rules that did not hold.
    """

    attempt: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class CaseFacts:
    """Where a case comes from: the content of its manifest, without the digests of its files.

    Attributes:
        subject: ``"sub-0001"``.
        index: Number of the case, from 0.
        seed: The cohort's seed; with `index` and `attempt` it gives every draw again.
        attempt: The draw that was accepted, from 0.
        rejects: The draws before it.
        findings: What the gate found in the accepted draw.
        donor: The anatomy.
        generator: Name, version and digest of the code that made the images.
        networks: Names and digests of the networks that painted them, and their engine; None where none did.
        segmenter: Digest of the model that read the images again, or None where the gate went without.
        parameters: Every sampled parameter, as plain JSON.
    """

    subject: str
    index: int
    seed: int
    attempt: int
    rejects: tuple[Reject, ...]
    findings: tuple[Finding, ...]
    donor: str
    generator: str
    segmenter: str | None
    parameters: JsonValue
    networks: str | None = None


@dataclass(frozen=True)
class CaseSummary:
    """One finished case without its voxels.

    Attributes:
        facts: Where it comes from.
        files: All of its files, the manifest included.
        measurement: The case in numbers.
        donor_geometry: Tissue map of a donor of the caller's own in the common frame, as text (see
            `gliosynth.cohort.measurement.geometry`); None for donors that ship with the library, and for maps with too
            few landmarks.
    """

    facts: CaseFacts
    files: tuple[FileRecord, ...]
    measurement: CaseMeasurement
    donor_geometry: str | None

    def to_json(self) -> bytes:
        """Returns the summary as UTF-8 JSON; `from_json` reads it back."""
        document = {
            "facts": to_plain(self.facts),
            "files": to_plain(self.files),
            "measurement": self.measurement.to_dict(),
            "donor_geometry": self.donor_geometry,
        }
        return (json.dumps(document, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Returns the summary that `to_json` wrote.

        Raises:
            InvalidCaseError: The bytes are no summary.
        """
        try:
            document = json.loads(data)
            return cls(
                facts=_FACTS.validate_python(document["facts"]),
                files=_FILES.validate_python(document["files"]),
                measurement=CaseMeasurement.from_dict(document["measurement"]),
                donor_geometry=_GEOMETRY.validate_python(document["donor_geometry"]),
            )
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise InvalidCaseError(
                f"this is no summary of a case ({type(error).__name__}); make the case again", field="summary"
            ) from error


_FACTS = TypeAdapter(CaseFacts)
_FILES = TypeAdapter(tuple[FileRecord, ...])
_GEOMETRY = TypeAdapter(str | None)
