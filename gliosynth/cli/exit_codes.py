"""How the command ends: one number for each kind of outcome, so that scripts can tell them apart."""

from enum import IntEnum
from typing import Final

from gliosynth import errors


class ExitCode(IntEnum):
    """Exit status of ``gliosynth``."""

    OK = 0
    """Done; every output was written."""
    CHECK_FAILED = 1
    """``doctor`` found something that must be put right."""
    USAGE = 2
    """The command line is wrong (given by typer)."""
    INVALID_INPUT = 3
    """The input breaks a rule, is too large, or names an unknown model; the message says which."""
    SERVER_FAILED = 4
    """The server cannot be reached, failed, or a model did."""
    DEADLINE_EXCEEDED = 5
    """The answer took longer than ``--timeout``."""
    WITHHELD = 6
    """The cohort was made, but its thresholds are not met: its images do not leave."""
    CANCELLED = 130
    """Stopped by Ctrl-C."""
    TERMINATED = 143
    """Stopped by SIGTERM."""


EXIT_CODE_HELP: Final = (
    "Exit codes: 0 done, 1 doctor found a fault, 2 wrong command line, 3 invalid input, 4 server or model failed,"
    " 5 deadline passed, 6 cohort withheld, 130 stopped by Ctrl-C, 143 by SIGTERM."
)
"""One line for ``--help``."""

BUSY_REASONS: Final = frozenset({"TOO_MANY_REQUESTS", "MEMORY_BUSY"})
"""The input is good, but the server has no room for it now."""

_CODES: Final = (
    (errors.InvalidInputError, ExitCode.INVALID_INPUT),
    (errors.BudgetExceededError, ExitCode.INVALID_INPUT),
    (errors.UnknownModelError, ExitCode.INVALID_INPUT),
    (errors.UnknownResourceError, ExitCode.INVALID_INPUT),
    (errors.ConflictError, ExitCode.INVALID_INPUT),
    (errors.StateError, ExitCode.INVALID_INPUT),
    (errors.OffsetError, ExitCode.INVALID_INPUT),
    (errors.DeadlineExceededError, ExitCode.DEADLINE_EXCEEDED),
    (errors.CancelledError, ExitCode.CANCELLED),
)


def exit_code_of(error: errors.GliosynthError) -> ExitCode:
    """Returns how the command ends after an error.

    Args:
        error: What went wrong.
    """
    if error.reason in BUSY_REASONS:
        return ExitCode.SERVER_FAILED
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.SERVER_FAILED)
