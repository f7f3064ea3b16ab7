"""Errors of gliosynth: facts about what was wrong, never transport codes.

::

    GliosynthError
    ├── InvalidInputError            the caller's data or parameters break a rule
    │   ├── InvalidVolumeError       one volume: encoding, header, affine, values
    │   ├── InvalidLabelError        a label map or mask
    │   ├── InvalidCaseError         the volumes together: missing, duplicate, not one subject
    │   └── InvalidParameterError    an option, a request field
    │       └── InvalidSpecError     a whole document: every field that breaks a rule, each with rule and value
    ├── BudgetExceededError          more bytes or voxels than the settings allow
    ├── UnknownModelError            no such model or version in the repository
    ├── ModelError                   a model cannot be loaded, or answers outside its contract
    ├── UnknownResourceError         no such cohort, file or label map
    ├── ConflictError                a name or request id is taken by something else
    ├── StateError                   the thing is not in a state in which this can be done
    ├── OffsetError                  a position past the end of a file
    ├── StorageError                 a store or database is full, refuses, or cannot be reached
    ├── DeadlineExceededError        the caller's deadline passed, or is missing
    └── CancelledError               the caller went away

Every message says what was wrong, what was given and what to do. `services/runtime/errors.py` turns each class into one
status code.
"""

from dataclasses import dataclass


class GliosynthError(Exception):
    """Base of every error that gliosynth raises on purpose.

    Attributes:
        reason: Stable identifier in UPPER_SNAKE_CASE, at most 63 characters (AIP-193).
        field: The input the error is about (``"t1c"``, ``"spacing_mm"``), or ``""`` where it is about none.
        got: The offending value, shortened, or ``""``.
    """

    reason = "GLIOSYNTH_ERROR"

    def __init__(self, message: str, *, field: str = "", got: str = "", reason: str = "") -> None:
        """Keeps the message and the facts.

        Args:
            message: What was wrong, what was given, what to do.
            field: The input the error is about.
            got: The offending value, shortened.
            reason: A more precise identifier than the class's own.
        """
        super().__init__(message)
        self.field = field
        self.got = got
        if reason:
            self.reason = reason


class InvalidInputError(GliosynthError):
    """The caller's data or parameters break a rule."""

    reason = "INVALID_INPUT"


class InvalidVolumeError(InvalidInputError):
    """One volume cannot be used: its encoding, header, affine or values are wrong."""

    reason = "INVALID_VOLUME"


class InvalidLabelError(InvalidInputError):
    """A label map or mask holds values or a grid that it must not."""

    reason = "INVALID_LABEL"


class InvalidCaseError(InvalidInputError):
    """The volumes of a case do not belong together: one is missing, given twice, or of another subject."""

    reason = "INVALID_CASE"


class InvalidParameterError(InvalidInputError):
    """An option, a spec or a request field is out of its range."""

    reason = "INVALID_PARAMETER"


@dataclass(frozen=True)
class FieldViolation:
    """One field of a document that breaks a rule.

    Attributes:
        field: Path to it, from the document's root: ``"tumour.volume_ml.median"``, ``"anatomies.own[0].labels"``.
        rule: What must hold, as a sentence's rest: ``"must be at most 10000"``.
        got: The offending value, shortened.
    """

    field: str
    rule: str
    got: str


class InvalidSpecError(InvalidParameterError):
    """A document breaks rules; all of them are named at once.

    Attributes:
        violations: One per field, at least one.
    """

    reason = "INVALID_SPEC"

    def __init__(self, message: str, *, violations: tuple[FieldViolation, ...]) -> None:
        """Keeps the violations; field and value of the error are those of the first.

        Args:
            message: What was wrong with the document as a whole.
            violations: One per field, at least one.
        """
        super().__init__(message, field=violations[0].field, got=violations[0].got)
        self.violations = violations


class BudgetExceededError(GliosynthError):
    """The input is larger than the byte or voxel budget."""

    reason = "BUDGET_EXCEEDED"


class UnknownModelError(GliosynthError):
    """The model repository has no such model or version."""

    reason = "UNKNOWN_MODEL"


class ModelError(GliosynthError):
    """A model cannot be loaded, or answers outside its contract."""

    reason = "MODEL_FAILED"


class UnknownResourceError(GliosynthError):
    """There is no such cohort, file or label map, or there is none any more."""

    reason = "NOT_FOUND"


class ConflictError(GliosynthError):
    """A name or request id is taken by something else."""

    reason = "ALREADY_EXISTS"


class StateError(GliosynthError):
    """The thing is there, but not in a state in which this can be done."""

    reason = "WRONG_STATE"


class OffsetError(GliosynthError):
    """A position past the end of a file."""

    reason = "OFFSET_PAST_END"


class StorageError(GliosynthError):
    """A store or database is full, refuses, or cannot be reached."""

    reason = "STORAGE_FAILED"


class DeadlineExceededError(GliosynthError):
    """The caller's deadline passed before the work was done, or none was given."""

    reason = "DEADLINE_EXCEEDED"


class CancelledError(GliosynthError):
    """The caller cancelled or went away."""

    reason = "CANCELLED"
