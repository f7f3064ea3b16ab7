"""Sends one case of four float32 volumes (142.8 MB) over loopback: our chunked stream beside what else could be done.

Launch in the project's environment (extra `serve`):

    PYTHONPATH=. .venv/bin/python benchmarks/transport.py

Ours is the real path: `volume_parts` at one end, the server's interceptors, admission, budgets and `VolumeReceiver` at
the other. The peers are what gRPC offers without it, and the limits. Each server is a process of its own, and so is
each sender; rounds are interleaved, see `harness.py`.
"""

import argparse
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
from harness import Candidate, Timing, Work, markdown, race, write_json_lines

from gliosynth.client.transfer import CHUNK_BYTES, LARGEST_CHUNK_BYTES, volume_parts
from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc, volume_pb2
from services.runtime.server import Server
from services.runtime.service import Job, Runtime, Service
from services.runtime.settings import Settings

SHAPE: Final = (4, 240, 240, 155)
"""Four contrasts on the BraTS grid."""

CHUNK_SIZES: Final = {"256 KiB": 1 << 18, "1 MiB": 1 << 20, "2 MiB": LARGEST_CHUNK_BYTES}
"""Chunks of our stream that are compared."""

UNLIMITED: Final = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
"""Options that let one message hold a whole case."""

TCP_BLOCK: Final = 1 << 20
"""Bytes of one call of the plain socket."""

UNARY_METHOD: Final = "/benchmark.Unary/Send"
"""Method of the peer that sends everything in one message."""


class ReceiveOnly(segmentation_pb2_grpc.SegmentationServiceServicer):
    """A segmentation service that receives as the real one does, and answers at once."""

    def __init__(self, runtime: Runtime) -> None:
        """Keeps the bootstrap's parts."""
        self._runtime = runtime

    def Segment(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[segmentation_pb2.SegmentRequest], context: grpc.ServicerContext
    ) -> Iterator[segmentation_pb2.SegmentResponse]:
        """Receives the volumes and reports how many there were."""

        def work(job: Job) -> Iterator[segmentation_pb2.SegmentResponse]:
            _, volumes = job.receive(request_iterator)
            report = segmentation_pb2.SegmentReport(brain_volume_ml=float(sum(len(volume.data) for volume in volumes)))
            return iter([segmentation_pb2.SegmentResponse(report=report)])

        return self._runtime.stream(
            work,
            context=context,
            service="gliosynth.v1.SegmentationService",
            as_response=lambda progress: segmentation_pb2.SegmentResponse(progress=progress),
        )

    def ListModels(  # noqa: N802 - the proto's name
        self, request: segmentation_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> segmentation_pb2.ListModelsResponse:
        """Has none."""
        del request, context
        return segmentation_pb2.ListModelsResponse()


def serve_ours() -> int:
    """Starts the real bootstrap and returns its port."""
    descriptor = segmentation_pb2.DESCRIPTOR.services_by_name["SegmentationService"]
    register = segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server
    build = lambda runtime: Service(descriptor, ReceiveOnly(runtime), register)  # noqa: E731 - one line, used once
    server = Server(Settings(port=0, metrics_port=0), [build])
    server.warm(threading.Event())
    _KEPT.append(server)
    return server.port


def serve_unary() -> int:
    """Starts a plain gRPC server that takes one protobuf message with all bytes, and returns its port."""

    def answer(request: volume_pb2.VolumePart, context: grpc.ServicerContext) -> volume_pb2.Progress:
        del context
        np.frombuffer(request.chunk, dtype=np.float32)
        return volume_pb2.Progress(fraction=float(len(request.chunk)))

    handler = grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=volume_pb2.VolumePart.FromString,
        response_serializer=volume_pb2.Progress.SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(2), options=UNLIMITED)
    service, method = UNARY_METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    _KEPT.append(server)
    return port


def serve_tcp() -> int:
    """Starts a plain TCP server that receives into one preallocated buffer, and returns its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listening.accept()
        while size := int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "little"):
            view, received = memoryview(bytearray(size)), 0
            while received < size:
                received += connection.recv_into(view[received : received + TCP_BLOCK])
            connection.sendall(b"\1")

    threading.Thread(target=answer, daemon=True).start()
    return int(listening.getsockname()[1])


_KEPT: list[object] = []
"""Servers of this process, which must not be collected while they serve."""

SERVERS: Final[dict[str, Callable[[], int]]] = {"ours": serve_ours, "unary": serve_unary, "tcp": serve_tcp}
"""What `--serve` starts."""


class ServerProcess:
    """A server in a process of its own."""

    def __init__(self, kind: str) -> None:
        """Starts it and waits for its port.

        Args:
            kind: A key of `SERVERS`.
        """
        command = [sys.executable, __file__, "--serve", kind]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["port"])
        self._rest_mib = self.memory_mib("VmRSS")

    def memory_mib(self, kind: str) -> float:
        """Returns its resident memory now (VmRSS) or at most (VmHWM), in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in status if line.startswith(kind))) / 1024

    def peak_mib(self) -> float:
        """Returns what it took at most beyond its rest, in MiB."""
        return round(self.memory_mib("VmHWM") - self._rest_mib, 1)


def case() -> list[memoryview]:
    """Returns the four volumes as bytes: noise, since nothing on this way looks at them."""
    contrasts = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    return [memoryview(contrast.reshape(-1).view(np.uint8)) for contrast in contrasts]


def send_ours(chunk_bytes: int, *, checksum: bool) -> Work:
    """Returns one call of the real service, with chunks of a size; TCP has no checksum to compare with."""
    server, volumes = ServerProcess("ours"), case()
    channel = grpc.insecure_channel(f"127.0.0.1:{server.port}")
    segment = segmentation_pb2_grpc.SegmentationServiceStub(channel).Segment

    def messages() -> Iterator[segmentation_pb2.SegmentRequest]:
        yield segmentation_pb2.SegmentRequest(options=segmentation_pb2.SegmentOptions())
        for number, data in enumerate(volumes):
            header = volume_pb2.VolumeHeader(
                name=f"volume {number}",
                role=volume_pb2.VOLUME_ROLE_REFERENCE,
                encoding=volume_pb2.VOLUME_ENCODING_RAW,
            )
            for part in volume_parts(header, data, chunk_bytes=chunk_bytes, checksum=checksum):
                yield segmentation_pb2.SegmentRequest(volume=part)

    def work() -> float:
        report = list(segment(messages(), timeout=60))[-1].report
        assert report.brain_volume_ml == sum(len(data) for data in volumes)
        return server.peak_mib()

    return work


def send_unary() -> Work:
    """Returns one call with everything in one protobuf message."""
    server, volumes = ServerProcess("unary"), case()
    channel = grpc.insecure_channel(f"127.0.0.1:{server.port}", options=UNLIMITED)
    send = channel.unary_unary(
        UNARY_METHOD,
        request_serializer=volume_pb2.VolumePart.SerializeToString,
        response_deserializer=volume_pb2.Progress.FromString,
    )

    def work() -> float:
        answer: Any = send(volume_pb2.VolumePart(chunk=b"".join(volumes)), timeout=60)
        assert answer.fraction == sum(len(data) for data in volumes)
        return server.peak_mib()

    return work


def send_tcp() -> Work:
    """Returns one transfer over a plain socket: the practical limit."""
    server, volumes = ServerProcess("tcp"), case()
    connection = socket.create_connection(("127.0.0.1", server.port))

    def work() -> float:
        connection.sendall(sum(len(data) for data in volumes).to_bytes(8, "little"))
        for data in volumes:
            connection.sendall(data)
        assert connection.recv(1) == b"\1"
        return server.peak_mib()

    return work


def candidates() -> list[Candidate]:
    """Returns who takes part."""
    ours = [
        Candidate(f"stream {name}", partial(send_ours, size, checksum=False), f"our service, chunks of {name}")
        for name, size in CHUNK_SIZES.items()
    ]
    checked = partial(send_ours, CHUNK_BYTES, checksum=True)
    return [
        Candidate("tcp", send_tcp, "plain socket into one buffer: the limit"),
        *ours,
        Candidate("stream 1 MiB, SHA-256", checked, "our service as clients use it: checked at both ends"),
        Candidate("unary", send_unary, "one protobuf message of 143 MB, limits raised"),
    ]


def table(timings: list[Timing]) -> str:
    """Returns throughput and the server's memory beside the times."""
    megabytes = np.prod(SHAPE) * 4 / 1e6
    lines = ["| way | MB/s | server MiB |", "| --- | ---: | ---: |"]
    lines += [f"| {each.name} | {megabytes / each.median_s:.0f} | {each.value} |" for each in timings if not each.error]
    return "\n".join(lines)


def main() -> None:
    """Serves, as a child of its own, or measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        print(json.dumps({"port": SERVERS[options.serve]()}), flush=True)
        sys.stdin.read()  # ends with the parent
        return
    timings = race(candidates(), rounds=options.rounds)
    print(markdown(timings, baseline="tcp"))
    print()
    print(table(timings))
    if options.json:
        write_json_lines(timings, topic="transport", path=options.json)


if __name__ == "__main__":
    main()
