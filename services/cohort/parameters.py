"""The fields of requests to the cohort service, checked: names, ids, pages and filters."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Final

from gliosynth.errors import InvalidParameterError
from gliosynth.v1 import cohort_pb2
from services.cohort.convert import STATES
from services.cohort.jobs.records import CohortRecord
from services.cohort.jobs.tables import State

STATES_ON_WIRE: Final = {value: state for state, value in STATES.items()}
"""The state of each value of the protos."""

_ID: Final = re.compile(r"[0-9a-f]{1,32}")
"""What ids of cohorts look like."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{0,64}")
"""What request ids may look like; UUIDs do."""


def id_of(name: str, collection: str) -> str:
    """Returns the id in a resource name.

    Args:
        name: Such as ``"cohorts/0123abcd"``.
        collection: `COHORTS` or `OPERATIONS`.

    Raises:
        InvalidParameterError: It is no name of the collection.
    """
    found, _, cohort_id = name.partition("/")
    if found != collection or not _ID.fullmatch(cohort_id):
        raise InvalidParameterError(
            f"name: {name[:64]!r} is not of the form {collection}/<id>", field="name", got=name[:64]
        )
    return cohort_id


def checked_request_id(request_id: str) -> str:
    """Returns a caller's request id.

    Args:
        request_id: As received; empty for none.

    Raises:
        InvalidParameterError: It is too long or has other characters than a UUID may.
    """
    if not _REQUEST_ID.fullmatch(request_id):
        raise InvalidParameterError(
            f"request_id: {request_id[:64]!r} is no id; send a UUID, or at most 64 letters, digits and ._:-",
            field="request_id",
            got=request_id[:64],
        )
    return request_id


def digest_of(request: cohort_pb2.CreateCohortRequest) -> str:
    """Returns the hexadecimal SHA-256 of what a request asks for, to tell whether it is the same again.

    Args:
        request: As received.
    """
    return hashlib.sha256(request.spec).hexdigest()


def page_size_of(asked: int, *, default: int, largest: int) -> int:
    """Returns how many results a page has.

    Args:
        asked: As received; 0 for the default.
        default: Where none is asked for.
        largest: More is taken as this.

    Raises:
        InvalidParameterError: It is negative.
    """
    if asked < 0:
        raise InvalidParameterError(
            f"page_size: {asked} is negative; give 0 to {largest}", field="page_size", got=str(asked)
        )
    return min(asked or default, largest)


def page_token_of(cohort: CohortRecord) -> str:
    """Returns the token of the page that begins behind a cohort.

    Args:
        cohort: The last one of a page.
    """
    return base64.urlsafe_b64encode(f"{cohort.created_s!r} {cohort.id}".encode()).decode()


def place_of(page_token: str) -> tuple[float, str] | None:
    """Returns the creation time and id behind which a page begins; None for the first page.

    Args:
        page_token: As received.

    Raises:
        InvalidParameterError: It is none of ours.
    """
    if not page_token:
        return None
    try:
        created, _, cohort_id = base64.urlsafe_b64decode(page_token).decode().partition(" ")
        return float(created), cohort_id
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterError(
            f"page_token: {page_token[:64]!r} is not one that a list returned", field="page_token", got=page_token[:64]
        ) from error


def index_of(page_token: str, count: int) -> int:
    """Returns the place in a list at which a page begins.

    Args:
        page_token: As received; empty for the first page.
        count: Length of the list.

    Raises:
        InvalidParameterError: It is none of ours.
    """
    if not page_token:
        return 0
    if not page_token.isdecimal() or not int(page_token) < count:
        raise InvalidParameterError(
            f"page_token: {page_token[:64]!r} is not one that was returned", field="page_token", got=page_token[:64]
        )
    return int(page_token)


def states_of(values: Iterable[cohort_pb2.CohortState.ValueType]) -> list[State]:
    """Returns the states that a list is filtered by.

    Args:
        values: As received.

    Raises:
        InvalidParameterError: One is no state of a cohort.
    """
    asked = list(values)
    for value in asked:
        if value not in STATES_ON_WIRE:
            raise InvalidParameterError(f"states: {value} is no state of a cohort", field="states", got=str(value))
    return [STATES_ON_WIRE[value] for value in asked]
