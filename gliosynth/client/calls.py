"""What every call has in common: its errors become the library's, and it ends when this side does."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from gliosynth.client.status import error_from_rpc


@contextmanager
def library_errors(target: str) -> Iterator[None]:
    """Turns a failed call into the error of `gliosynth.errors` that stands behind it.

    Args:
        target: The server's address, for messages.

    Raises:
        GliosynthError: A child that says what the server found wrong, or that it cannot be reached.
    """
    try:
        yield
    except grpc.RpcError as error:
        raise error_from_rpc(error, target=target) from None


@contextmanager
def cancelled_on_error(call: grpc.Call) -> Iterator[None]:
    """Tells the server to stop when this side does, on Ctrl-C as well.

    Args:
        call: The call under way.
    """
    try:
        yield
    except BaseException:
        call.cancel()
        raise
