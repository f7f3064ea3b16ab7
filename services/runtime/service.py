"""What the bootstrap knows of a service, and what a service gets from the bootstrap."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from gliosynth.client.transfer import ReceivedVolume, TransferBudget, VolumeReceiver
from gliosynth.raw import VolumeLimits
from gliosynth.v1 import volume_pb2 as pb
from services.runtime.admission import Admission, Lease
from services.runtime.deadlines import Deadline
from services.runtime.models import Models
from services.runtime.progress import Reporter, answer_with_progress
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from services.runtime.transfer import StreamedRequest, receive_request

ResultT = TypeVar("ResultT")
OptionsT = TypeVar("OptionsT")

MOST_VOLUMES: Final = 8
"""Most volumes in a request: four contrasts and a mask, and room for a caller's mistake to be named as such."""


@dataclass(frozen=True)
class Service:
    """One gRPC service of a server.

    Attributes:
        descriptor: Its descriptor from the generated code.
        servicer: The object with its methods.
        register: The generated function that adds the servicer to a server.
        warm: Lets each model that the service needs answer once, one after the other, and yields who answered; raises
            if one cannot.
        drain: Called when the server stops serving: long calls should end, so that their callers turn elsewhere.
        close: Called when the last call has ended.
        companions: Services that come with this one, such as `google.longrunning.Operations`.
    """

    descriptor: ServiceDescriptor
    servicer: object
    register: Callable[[Any, grpc.Server], None]
    warm: Callable[[], Iterable[pb.ModelIdentity]] = tuple
    drain: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    companions: tuple["Service", ...] = ()


@dataclass(frozen=True, eq=False)
class Job:
    """One admitted request while it is computed.

    Attributes:
        deadline: What is left of its time; `deadline.check` is given to the library.
        reporter: Where progress goes.
        lease: Its place and its memory.
        settings: The server's settings.
    """

    deadline: Deadline
    reporter: Reporter
    lease: Lease
    settings: Settings

    @property
    def limits(self) -> VolumeLimits:
        """What one decoded volume may cost."""
        return VolumeLimits(self.settings.max_inflated_bytes, self.settings.max_volume_voxels)

    def receive(self, messages: Iterator[StreamedRequest[OptionsT]]) -> tuple[OptionsT, list[ReceivedVolume]]:
        """Returns the options and the complete volumes of the request, see `receive_request`.

        Args:
            messages: The caller's messages.
        """
        self.reporter.report("receive", 0.0)
        budget = TransferBudget(self.settings.max_request_bytes, MOST_VOLUMES)
        receiver = VolumeReceiver(budget, reserve=self.lease.reserve)
        return receive_request(messages, receiver=receiver, check=self.deadline.check)


@dataclass(frozen=True, eq=False)
class Runtime:
    """What the bootstrap gives to every service.

    Attributes:
        settings: The server's settings.
        telemetry: The server's metrics.
        admission: The server's places and memory.
        workers: Threads in which requests are computed, as many as there are places.
        models: Repository and engine, opened by the first service that needs them.
    """

    settings: Settings
    telemetry: Telemetry
    admission: Admission
    workers: Executor
    models: Models

    def answer(self, work: Callable[[Job], ResultT], *, context: grpc.ServicerContext, service: str) -> ResultT:
        """Returns what the work returns; for methods with one answer.

        Args:
            work: Computes the answer, in the thread of the call.
            context: gRPC's context of the call.
            service: Full service name.

        Raises:
            BudgetExceededError: The server is busy.
        """
        deadline = Deadline(context)
        with self.admission.enter() as lease:
            return self._run(work, Job(deadline, Reporter(_ignore), lease, self.settings), service)

    def stream(
        self,
        work: Callable[[Job], Iterator[ResultT]],
        *,
        context: grpc.ServicerContext,
        service: str,
        as_response: Callable[[pb.Progress], ResultT],
    ) -> Iterator[ResultT]:
        """Yields progress while the work runs in a worker thread, then what it returns.

        Args:
            work: Computes everything, then returns an iterator that only hands out results.
            context: gRPC's context of the call.
            service: Full service name.
            as_response: Wraps a progress into the method's response.

        Raises:
            BudgetExceededError: The server is busy.
        """
        deadline = Deadline(context)
        lease = self.admission.enter()

        def run(reporter: Reporter) -> Iterator[ResultT]:
            with lease:
                return self._run(work, Job(deadline, reporter, lease, self.settings), service)

        yield from answer_with_progress(
            run,
            executor=self.workers,
            deadline=deadline,
            as_response=as_response,
            keepalive_s=self.settings.keepalive_s,
        )

    def _run(self, work: Callable[[Job], ResultT], job: Job, service: str) -> ResultT:
        result = work(job)
        self.telemetry.observe_stages(service, job.reporter.times())
        return result


def _ignore(progress: pb.Progress) -> None:
    """Takes the progress of methods that have nowhere to send it."""
    del progress
