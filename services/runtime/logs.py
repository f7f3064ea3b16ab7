"""Structured logs: JSON, one event per line on standard error, never pixel data, volume names or patient text."""

import logging
import re
import sys
import time
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from services.runtime.interception import Call, CallInterceptor
from services.runtime.settings import Settings

REQUEST_ID_KEY: Final = "x-request-id"
"""Key under which a caller may send its own request id, and finds the one that was used in the initial metadata."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
"""What is believed to be a request id; other text might be a name, so it is replaced."""


def set_up_logs(settings: Settings) -> None:
    """Sends the events of structlog, and the warnings of other libraries, to standard error as JSON lines.

    Args:
        settings: `log_level` is used.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[_without_exception, structlog.processors.JSONRenderer()],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _without_exception(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Drops what structlog keeps for itself and the exception, whose text might hold a caller's data."""
    dropped = ("_record", "_from_structlog", "exc_info", "exception", "stack_info")
    return {key: value for key, value in event.items() if key not in dropped}


def traceback_lines(error: BaseException) -> list[str]:
    """Returns where an error came from, cause first, without its text: that might hold a caller's data.

    Args:
        error: The error, with its traceback.
    """
    lines = traceback_lines(error.__cause__) if error.__cause__ is not None else []
    frames = traceback.extract_tb(error.__traceback__)
    return [*lines, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames), type(error).__name__]


class LogInterceptor(CallInterceptor):
    """Gives every call a request id, binds it to all events of the call and logs one event at its end."""

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Runs the method and logs what became of it."""
        request_id = _request_id(call)
        call.context.send_initial_metadata(((REQUEST_ID_KEY, request_id),))
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            unless_said = "OK"
            try:
                yield
            except GeneratorExit:
                unless_said = "CANCELLED"
                raise
            finally:
                code = call.status()
                structlog.get_logger("gliosynth.requests").info(
                    "request",
                    service=call.service,
                    method=call.method,
                    code=unless_said if code is None else code.name,
                    seconds=round(time.monotonic() - started, 3),
                )


def _request_id(call: Call) -> str:
    """Returns the caller's request id if it looks like one, else a new one."""
    sent = {key: value for key, value in call.context.invocation_metadata() if key == REQUEST_ID_KEY}
    given = str(sent.get(REQUEST_ID_KEY, ""))
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
