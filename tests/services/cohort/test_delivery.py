"""Tests of a complete data set behind a real server with a worker of its own: watched, downloaded, deleted."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gliosynth.v1 import cohort_pb2, cohort_pb2_grpc
from services.cohort.build import build
from services.runtime.server import Server
from services.runtime.settings import Settings
from services.runtime.stopping import StopRequest

CASES = 4
STATE = cohort_pb2.CohortState


@dataclass(frozen=True)
class Delivery:
    """A server with one complete cohort, and the states that were seen on the way."""

    server: Server
    stub: cohort_pb2_grpc.CohortServiceStub
    operations: operations_pb2_grpc.OperationsStub
    cohort: cohort_pb2.Cohort
    seen: list[cohort_pb2.Cohort]


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory, document: Callable) -> Iterator[Delivery]:
    folder: Path = tmp_path_factory.mktemp("delivery") / "cohorts"
    settings = {"cohort_folder": folder, "cohort_segmenter": "", "worker_poll_s": 0.05, "drain_grace_s": 10.0}
    server = Server(Settings(port=0, metrics_port=0, threads=1, **settings), [build])
    server.warm(StopRequest())
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = cohort_pb2_grpc.CohortServiceStub(channel)
        request = cohort_pb2.CreateCohortRequest(spec=json.dumps(document(CASES)).encode())
        name = stub.CreateCohort(request, timeout=20).name.replace("operations", "cohorts")
        watched = stub.WatchCohort(cohort_pb2.WatchCohortRequest(name=name), timeout=300)
        seen = [answer.cohort for answer in watched]
        yield Delivery(server, stub, operations_pb2_grpc.OperationsStub(channel), seen[-1], seen)
    server.drain()


def received(delivery: Delivery, path: str = "", offset: int = 0) -> tuple[cohort_pb2.DownloadTotals, dict[str, bytes]]:
    """The totals, and the bytes of each file that came."""
    request = cohort_pb2.DownloadCohortRequest(name=delivery.cohort.name, start_path=path, start_offset=offset)
    files: dict[str, bytes] = {}
    first, *rest = delivery.stub.DownloadCohort(request, timeout=60)
    for message in rest:
        if message.WhichOneof("part") == "file":
            path = message.file.path
            files[path] = b""
        else:
            assert 0 < len(message.chunk) <= 1 << 20
            files[path] += message.chunk
    return first.totals, files


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
    return caught.value.code().name, info.reason


def test_watching_shows_every_step_once(delivery: Delivery) -> None:
    """From queued to succeeded, the cases never fewer, the last answer the end."""
    made = [cohort.cases_made for cohort in delivery.seen]
    assert made == sorted(made)
    assert delivery.seen[0].state == STATE.COHORT_STATE_QUEUED
    assert delivery.cohort.state == STATE.COHORT_STATE_SUCCEEDED
    assert delivery.cohort.cases_made == CASES
    assert delivery.cohort.HasField("end_time")


def test_the_download_is_the_data_set(delivery: Delivery, made_alone: Callable) -> None:
    """Every file with the bytes that the library makes alone; the totals are theirs."""
    totals, files = received(delivery)
    assert {path: hashlib.sha256(data).hexdigest() for path, data in files.items()} == made_alone(CASES)
    assert totals.file_count == len(files) == delivery.cohort.file_count
    assert totals.size_bytes == sum(map(len, files.values())) == delivery.cohort.size_bytes
    assert (totals.files_before, totals.bytes_before, totals.withheld) == (0, 0, False)


def test_a_download_goes_on_at_any_byte(delivery: Delivery) -> None:
    """From the middle of a file, and from its very end; what came before is counted and left out."""
    _, whole = received(delivery)
    paths = list(whole)
    wanted = paths[len(paths) // 2]
    half = len(whole[wanted]) // 2
    totals, rest = received(delivery, wanted, half)
    assert rest[wanted] == whole[wanted][half:]
    assert list(rest) == paths[len(paths) // 2 :]
    assert totals.files_before == len(paths) // 2
    assert totals.bytes_before == sum(len(whole[path]) for path in paths[: len(paths) // 2]) + half
    assert received(delivery, wanted, len(whole[wanted]))[1][wanted] == b""


def test_an_offset_past_the_end_is_an_error(delivery: Delivery) -> None:
    """As is a file that is not there."""
    _, whole = received(delivery)
    path, data = next(iter(whole.items()))
    assert refusal(lambda: received(delivery, path, len(data) + 1)) == ("OUT_OF_RANGE", "OFFSET_PAST_END")
    assert refusal(lambda: received(delivery, "", 10**12)) == ("OUT_OF_RANGE", "OFFSET_PAST_END")
    assert refusal(lambda: received(delivery, "../../etc/passwd")) == ("NOT_FOUND", "NOT_FOUND")


def test_a_folder_has_no_signed_urls(delivery: Delivery) -> None:
    """Said as such, with what to do instead; a lifetime beyond a week is refused anyway."""
    request = cohort_pb2.GetDownloadUrlsRequest(name=delivery.cohort.name)
    refused = ("FAILED_PRECONDITION", "NO_SIGNED_URLS")
    assert refusal(lambda: delivery.stub.GetDownloadUrls(request, timeout=20)) == refused
    request.lifetime_seconds = 10**6
    assert refusal(lambda: delivery.stub.GetDownloadUrls(request, timeout=20))[0] == "INVALID_ARGUMENT"


def test_what_is_complete_cannot_be_cancelled_or_resumed(delivery: Delivery) -> None:
    """It says so, and stays."""
    cancel = cohort_pb2.CancelCohortRequest(name=delivery.cohort.name)
    refused = ("FAILED_PRECONDITION", "COHORT_FINISHED")
    assert refusal(lambda: delivery.stub.CancelCohort(cancel, timeout=20)) == refused
    resume = cohort_pb2.ResumeCohortRequest(name=delivery.cohort.name)
    refused = ("FAILED_PRECONDITION", "COHORT_NOT_STOPPED")
    assert refusal(lambda: delivery.stub.ResumeCohort(resume, timeout=20)) == refused


def test_the_operation_is_done_and_holds_the_cohort(delivery: Delivery) -> None:
    """Its response is the cohort."""
    request = operations_pb2.GetOperationRequest(name=delivery.cohort.operation)
    operation = delivery.operations.GetOperation(request, timeout=20)
    response = cohort_pb2.Cohort()
    assert operation.done
    assert operation.response.Unpack(response)
    assert response == delivery.cohort


def test_samples_are_counted(delivery: Delivery, scrape: Callable) -> None:
    """Each accepted case once, and the job."""
    metrics = scrape(delivery.server)
    assert metrics['gliosynth_samples_total{model="simulator",outcome="accepted",reason=""}'] >= CASES
    assert metrics['gliosynth_jobs_total{outcome="ok",queue="cases"}'] >= 1
    assert metrics["gliosynth_workers"] == 1


def test_of_a_withheld_cohort_only_the_reports_leave(delivery: Delivery, document: Callable) -> None:
    """The thresholds are not met: the state and the reasons say so, no image is sent, the report is."""
    spec = document(2, release={"enforce": True, "donor_dice": 0.0})
    request = cohort_pb2.CreateCohortRequest(spec=json.dumps(spec).encode())
    name = delivery.stub.CreateCohort(request, timeout=20).name.replace("operations", "cohorts")
    wait = cohort_pb2.WaitCohortRequest(name=name)
    cohort = delivery.stub.WaitCohort(wait, timeout=300).cohort
    assert cohort.state == STATE.COHORT_STATE_WITHHELD
    assert len(cohort.withheld_reasons) > 0
    withheld = Delivery(delivery.server, delivery.stub, delivery.operations, cohort, [])
    totals, files = received(withheld)
    assert totals.withheld
    assert "report.html" in files
    assert not [path for path in files if path.endswith((".nii.gz", ".png"))]
    some_image = next(path for path in received(delivery)[1] if path.endswith(".nii.gz"))
    assert refusal(lambda: received(withheld, some_image)) == ("NOT_FOUND", "NOT_FOUND")


def test_deleting_removes_the_files(delivery: Delivery, document: Callable) -> None:
    """The cohort is gone at once, its files soon after; another one stays."""
    request = cohort_pb2.CreateCohortRequest(spec=json.dumps(document(1)).encode())
    name = delivery.stub.CreateCohort(request, timeout=20).name.replace("operations", "cohorts")
    delivery.stub.WaitCohort(cohort_pb2.WaitCohortRequest(name=name), timeout=300)
    folder = delivery.server._settings.cohort_folder / "store" / name
    assert folder.exists()
    delivery.stub.DeleteCohort(cohort_pb2.DeleteCohortRequest(name=name), timeout=20)
    end = time.monotonic() + 120.0
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not folder.exists()
    assert received(delivery)[0].file_count > 0
