"""The server's end of a transfer: receives options and volumes of any request, sends result volumes."""

from collections.abc import Callable, Iterator
from typing import Literal, Protocol, TypeVar

import grpc

from gliosynth.client.transfer import ReceivedVolume, VolumeReceiver
from gliosynth.errors import CancelledError, InvalidParameterError
from gliosynth.v1 import volume_pb2 as pb

OptionsT_co = TypeVar("OptionsT_co", covariant=True)
OptionsT = TypeVar("OptionsT")


class StreamedRequest(Protocol[OptionsT_co]):
    """What the messages of every streaming method have in common."""

    @property
    def options(self) -> OptionsT_co:
        """How the request is worked on; once, as the first message."""

    @property
    def volume(self) -> pb.VolumePart:
        """Header or chunk of a volume."""

    def WhichOneof(self, oneof_group: Literal["part"], /) -> Literal["options", "volume"] | None:  # noqa: N802 - protobuf's name
        """Says which of the two the message holds."""


def receive_request(
    messages: Iterator[StreamedRequest[OptionsT]], *, receiver: VolumeReceiver, check: Callable[[], None]
) -> tuple[OptionsT, list[ReceivedVolume]]:
    """Returns the options and the complete volumes of a request.

    Args:
        messages: The caller's messages.
        receiver: Puts the volumes together, within its budget.
        check: Raises when the caller no longer waits.

    Raises:
        InvalidParameterError: OPTIONS_MISSING, OPTIONS_TWICE or EMPTY_REQUEST.
        InvalidVolumeError: A volume breaks the protocol, see `VolumeReceiver`.
        BudgetExceededError: More than the budget allows.
        DeadlineExceededError: The deadline passed before everything had arrived.
        CancelledError: The caller went away.
    """
    try:
        options = _first_options(next(messages, None))
        for message in messages:
            check()
            if message.WhichOneof("part") == "options":
                raise _options_error("they came twice; send them once, as the first message", "OPTIONS_TWICE")
            receiver.feed(message.volume)
    except grpc.RpcError as error:
        check()
        raise CancelledError("the caller cancelled or went away while sending") from error
    check()
    return options, receiver.finish()


def _first_options(first: StreamedRequest[OptionsT] | None) -> OptionsT:
    if first is None:
        raise InvalidParameterError(
            "request: no message arrived; send options, then the volumes", field="request", reason="EMPTY_REQUEST"
        )
    if first.WhichOneof("part") != "options":
        raise _options_error("they are missing; send them, even empty, as the first message", "OPTIONS_MISSING")
    return first.options


def _options_error(what: str, reason: str) -> InvalidParameterError:
    return InvalidParameterError(f"options: {what}", field="options", reason=reason)
