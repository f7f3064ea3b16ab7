"""The base of every server interceptor: one place that knows gRPC's four kinds of method."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import grpc
from google.protobuf.message import Message

OWN_SERVICES: Final = ("gliosynth.", "google.longrunning.")
"""Prefixes of the services that are intercepted; health and reflection are left alone."""

KINDS: Final = {
    (False, False): "unary",
    (True, False): "client_stream",
    (False, True): "server_stream",
    (True, True): "bidi_stream",
}
"""`grpc_type` of a method by (request streams, response streams)."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
"""gRPC's handler of one method."""

_FACTORIES: Final = {
    "unary": grpc.unary_unary_rpc_method_handler,
    "client_stream": grpc.stream_unary_rpc_method_handler,
    "server_stream": grpc.unary_stream_rpc_method_handler,
    "bidi_stream": grpc.stream_stream_rpc_method_handler,
}


@dataclass(frozen=True)
class Call:
    """One call in progress.

    Attributes:
        service: Full service name, such as `gliosynth.v1.SegmentationService`.
        method: Method name.
        kind: One of the values of `KINDS`.
        context: gRPC's context of the call.
    """

    service: str
    method: str
    kind: str
    context: grpc.ServicerContext

    def status(self) -> grpc.StatusCode | None:
        """Returns the status that was set so far, None where the method is about to end well."""
        code: grpc.StatusCode | None = cast(Any, self.context).code()  # public in grpcio, absent from its stubs
        return code


class CallInterceptor(grpc.ServerInterceptor):
    """Runs `around` about each call of our own services and sees each message. Children override what they need."""

    def around(self, call: Call) -> AbstractContextManager[None]:
        """Returns the context manager in which the method runs; its errors pass through it."""
        del call
        return nullcontext()

    def received(self, call: Call, message: Message) -> None:
        """Sees each message of the caller."""

    def sent(self, call: Call, message: Message) -> None:
        """Sees each message of the server before it is sent."""

    def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Handler | None]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Wraps the handler of our own methods."""
        handler = continuation(handler_call_details)
        service, _, method = handler_call_details.method.removeprefix("/").partition("/")
        if handler is None or not service.startswith(OWN_SERVICES):
            return handler
        return self._wrap(handler, service, method)

    def _wrap(self, handler: Any, service: str, method: str) -> Handler:
        kind = KINDS[handler.request_streaming, handler.response_streaming]
        behaviour = handler.unary_unary or handler.stream_unary or handler.unary_stream or handler.stream_stream

        def answer_once(request: Any, context: grpc.ServicerContext) -> Any:
            call = Call(service, method, kind, context)
            with self.around(call):
                response = behaviour(self._incoming(call, request, handler.request_streaming), context)
                self.sent(call, response)
                return response

        def answer_often(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            call = Call(service, method, kind, context)
            with self.around(call):
                for response in behaviour(self._incoming(call, request, handler.request_streaming), context):
                    self.sent(call, response)
                    yield response

        return _FACTORIES[kind](
            answer_often if handler.response_streaming else answer_once,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _incoming(self, call: Call, request: Any, streams: bool) -> Any:
        if streams:
            return self._each_received(call, request)
        self.received(call, request)
        return request

    def _each_received(self, call: Call, messages: Iterator[Any]) -> Iterator[Any]:
        for message in messages:
            self.received(call, message)
            yield message
