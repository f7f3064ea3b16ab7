"""Tests of the cohort service through a real server without workers: orders, lists, refusals."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import duration_pb2
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status

from gliosynth.client.transfer import volume_parts
from gliosynth.nifti import write_nifti
from gliosynth.v1 import cohort_pb2, cohort_pb2_grpc, volume_pb2
from gliosynth.volume import Volume
from services.cohort.build import build

STATE = cohort_pb2.CohortState


def spec(**changes: object) -> bytes:
    return json.dumps({"name": "tiny", "case_count": 2, "seed": 1, **changes}).encode()


def refusal(call: Callable[[], object]) -> tuple[str, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
    return caught.value.code().name, info.reason, info.metadata["field"]


def violations(call: Callable[[], object]) -> dict[str, str]:
    """What a spec that is refused is told: description by field."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    request = error_details_pb2.BadRequest()
    assert any(detail.Unpack(request) for detail in rpc_status.from_call(caught.value).details)
    return {each.field: each.description for each in request.field_violations}


@pytest.fixture
def server(start_server, tmp_path: Path):
    """A server that only takes orders."""
    return start_server(build, cohort_folder=tmp_path / "cohorts", cohort_workers=0, cohort_segmenter="", max_streams=2)


@pytest.fixture
def channel(server, connect) -> grpc.Channel:
    return connect(server)


@pytest.fixture
def stub(channel: grpc.Channel) -> cohort_pb2_grpc.CohortServiceStub:
    return cohort_pb2_grpc.CohortServiceStub(channel)


@pytest.fixture
def operations(channel: grpc.Channel) -> operations_pb2_grpc.OperationsStub:
    return operations_pb2_grpc.OperationsStub(channel)


def create(stub, document: bytes, **fields: object) -> cohort_pb2.Cohort:
    operation = stub.CreateCohort(cohort_pb2.CreateCohortRequest(spec=document, **fields), timeout=20)
    cohort = cohort_pb2.Cohort()
    assert (operation.response if operation.done else operation.metadata).Unpack(cohort)
    return cohort


def get(stub, name: str) -> cohort_pb2.Cohort:
    return stub.GetCohort(cohort_pb2.GetCohortRequest(name=name), timeout=20).cohort


def listed(stub, **fields: object) -> list[cohort_pb2.Cohort]:
    return list(stub.ListCohorts(cohort_pb2.ListCohortsRequest(**fields), timeout=20).cohorts)


def test_a_created_cohort_is_queued_with_its_spec_price_and_generator(stub) -> None:
    """The answer names everything that decides the data set, and every default is written out."""
    cohort = create(stub, spec())
    assert get(stub, cohort.name) == cohort
    assert (cohort.display_name, cohort.state, cohort.case_count) == ("tiny", STATE.COHORT_STATE_QUEUED, 2)
    assert (cohort.cases_made, cohort.file_count) == (0, 0)
    assert json.loads(cohort.spec)["grid"]["shape"] == [160, 192, 160]
    assert cohort.price.seconds > 0
    assert cohort.price.size_bytes > 0
    assert cohort.price.memory_bytes > 0
    assert "@sha256:" in cohort.generator_version
    assert not cohort.HasField("end_time")
    assert not cohort.HasField("expire_time")


def test_yaml_is_read_as_well(stub) -> None:
    """The same spec as YAML."""
    cohort = create(stub, b"name: tiny\ncase_count: 2\nseed: 1\n")
    assert cohort.spec == create(stub, spec()).spec


@pytest.mark.parametrize(
    ("document", "field", "rule"),
    [
        (spec(case_count=-1), "case_count", "greater than or equal to 1"),
        (spec(case_count=10**9), "case_count", "10000"),
        (spec(case_count="many"), "case_count", "integer"),
        (spec(colour="red"), "colour", "no field"),
        (spec(anatomies={"built_in": ["head_99"]}), "anatomies", "head_99"),
        (spec(grid={"shape": [0, 32, 32]}), "grid.shape[0]", "24"),
        (spec(tumour={"free_share": 1.5}), "tumour.free_share", "1"),
        (spec(generator="diffusion"), "generator", "simulator"),
        (b"{not json", "(document)", "JSON or YAML"),
        (b"", "(document)", "mapping"),
        (b"[1, 2]", "(document)", "mapping"),
        (b"\xff\xfe\x00", "(document)", "UTF-8"),
    ],
)
def test_a_wrong_spec_names_field_rule_and_value(stub, document: bytes, field: str, rule: str) -> None:
    """One violation for each broken rule, and nothing is stored."""
    found = violations(lambda: create(stub, document))
    assert field in found
    assert rule in found[field]
    assert ", got " in found[field]
    assert listed(stub) == []


def test_all_violations_come_at_once(stub) -> None:
    """Three mistakes, three violations."""
    found = violations(lambda: create(stub, spec(case_count=0, seed=-1, colour="red")))
    assert set(found) == {"case_count", "seed", "colour"}


def test_validate_only_prices_and_stores_nothing(stub, server, tmp_path: Path) -> None:
    """A done operation without name; not even a folder is made."""
    request = cohort_pb2.CreateCohortRequest(spec=spec(case_count=500), validate_only=True)
    operation = stub.CreateCohort(request, timeout=20)
    assert operation.done
    assert operation.name == ""
    cohort = cohort_pb2.Cohort()
    assert operation.response.Unpack(cohort)
    assert (cohort.name, cohort.state, cohort.case_count) == ("", STATE.COHORT_STATE_UNSPECIFIED, 500)
    assert cohort.price.seconds > 100
    assert not (tmp_path / "cohorts").exists()


def test_a_request_that_is_sent_again_makes_no_second_cohort(stub) -> None:
    """The same id and spec: the same cohort. Another spec: refused, and the first one stays."""
    first = create(stub, spec(), request_id="3f6c")
    assert create(stub, spec(), request_id="3f6c").name == first.name
    refused = ("ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
    assert refusal(lambda: create(stub, spec(seed=2), request_id="3f6c")) == refused
    assert create(stub, spec(), request_id="another").name != first.name
    assert len(listed(stub)) == 2
    assert refusal(lambda: create(stub, spec(), request_id="no spaces"))[2] == "request_id"


def test_lists_have_pages_and_filters(stub) -> None:
    """Newest first, each cohort once; the last page has no token; names and states filter."""
    names = [create(stub, spec(name=f"set {number % 2}")).name for number in range(5)]
    found, token = [], ""
    for _ in range(3):
        request = cohort_pb2.ListCohortsRequest(page_size=2, page_token=token)
        page = stub.ListCohorts(request, timeout=20)
        found += [cohort.name for cohort in page.cohorts]
        token = page.next_page_token
    assert found == names[::-1]
    assert token == ""
    assert {cohort.name for cohort in listed(stub, display_name="set 1")} == {names[1], names[3]}
    stub.CancelCohort(cohort_pb2.CancelCohortRequest(name=names[0]), timeout=20)
    cancelled = listed(stub, states=[STATE.COHORT_STATE_CANCELLED])
    assert [cohort.name for cohort in cancelled] == [names[0]]
    assert refusal(lambda: listed(stub, page_size=-1))[2] == "page_size"
    assert refusal(lambda: listed(stub, page_token="nonsense"))[2] == "page_token"
    assert refusal(lambda: listed(stub, states=[0]))[2] == "states"


def test_what_does_not_exist_is_not_found(stub, operations) -> None:
    """Every method says so; a malformed name is another mistake."""
    name = "cohorts/0123456789abcdef0123"
    calls = (
        lambda: get(stub, name),
        lambda: stub.CancelCohort(cohort_pb2.CancelCohortRequest(name=name), timeout=20),
        lambda: stub.ResumeCohort(cohort_pb2.ResumeCohortRequest(name=name), timeout=20),
        lambda: stub.DeleteCohort(cohort_pb2.DeleteCohortRequest(name=name), timeout=20),
        lambda: stub.WaitCohort(cohort_pb2.WaitCohortRequest(name=name), timeout=20),
        lambda: list(stub.WatchCohort(cohort_pb2.WatchCohortRequest(name=name), timeout=20)),
        lambda: list(stub.DownloadCohort(cohort_pb2.DownloadCohortRequest(name=name), timeout=20)),
        lambda: stub.GetDownloadUrls(cohort_pb2.GetDownloadUrlsRequest(name=name), timeout=20),
        lambda: operations.GetOperation(
            operations_pb2.GetOperationRequest(name=name.replace("cohorts", "operations")), timeout=20
        ),
    )
    for call in calls:
        assert refusal(call) == ("NOT_FOUND", "COHORT_NOT_FOUND", "name")
    for malformed in ("", "cohorts/", "cohorts/../../etc", "operations/0123", "0123"):
        assert refusal(lambda wrong=malformed: get(stub, wrong))[:1] == ("INVALID_ARGUMENT",)


def test_a_cohort_is_cancelled_resumed_and_deleted(stub) -> None:
    """Each in its state only; cancelling twice is no error; what is deleted is gone at once, its request id free."""
    cohort = create(stub, spec(), request_id="once")
    name = cohort.name
    resume = cohort_pb2.ResumeCohortRequest(name=name)
    assert refusal(lambda: stub.ResumeCohort(resume, timeout=20))[:2] == ("FAILED_PRECONDITION", "COHORT_NOT_STOPPED")
    for _ in range(2):
        cancelled = stub.CancelCohort(cohort_pb2.CancelCohortRequest(name=name), timeout=20).cohort
        assert cancelled.state == STATE.COHORT_STATE_CANCELLED
        assert cancelled.HasField("end_time")
        assert cancelled.expire_time.seconds - cancelled.end_time.seconds == pytest.approx(30 * 86_400, abs=1)
    resumed = stub.ResumeCohort(resume, timeout=20).cohort
    assert resumed.state == STATE.COHORT_STATE_QUEUED
    assert not resumed.HasField("expire_time")
    stub.DeleteCohort(cohort_pb2.DeleteCohortRequest(name=name), timeout=20)
    assert refusal(lambda: get(stub, name))[0] == "NOT_FOUND"
    assert listed(stub) == []
    assert create(stub, spec(), request_id="once").name != name


def test_files_leave_only_when_the_data_set_is_complete(stub) -> None:
    """A queued cohort has nothing to download."""
    name = create(stub, spec()).name
    wanted = cohort_pb2.DownloadCohortRequest(name=name)
    refused = ("FAILED_PRECONDITION", "COHORT_NOT_FINISHED")
    assert refusal(lambda: list(stub.DownloadCohort(wanted, timeout=20)))[:2] == refused


def test_waiting_ends_with_its_timeout(stub, operations) -> None:
    """The cohort as it stands; a negative timeout is refused."""
    cohort = create(stub, spec())
    wait = cohort_pb2.WaitCohortRequest(name=cohort.name, timeout_seconds=0.2)
    assert stub.WaitCohort(wait, timeout=20).cohort.state == STATE.COHORT_STATE_QUEUED
    wrong = cohort_pb2.WaitCohortRequest(name=cohort.name, timeout_seconds=-1)
    assert refusal(lambda: stub.WaitCohort(wrong, timeout=20))[2] == "timeout"
    timeout = duration_pb2.Duration(nanos=200_000_000)
    request = operations_pb2.WaitOperationRequest(name=cohort.operation, timeout=timeout)
    assert not operations.WaitOperation(request, timeout=20).done


def test_the_work_is_an_operation(stub, operations) -> None:
    """Listed, shown and cancelled by the standard service; deleted only when it is done."""
    cohort = create(stub, spec())
    (operation,) = operations.ListOperations(operations_pb2.ListOperationsRequest(), timeout=20).operations
    assert operation == operations.GetOperation(operations_pb2.GetOperationRequest(name=cohort.operation), timeout=20)
    assert (operation.name, operation.done) == (cohort.operation, False)
    delete = operations_pb2.DeleteOperationRequest(name=cohort.operation)
    refused = ("FAILED_PRECONDITION", "OPERATION_RUNNING")
    assert refusal(lambda: operations.DeleteOperation(delete, timeout=20))[:2] == refused
    operations.CancelOperation(operations_pb2.CancelOperationRequest(name=cohort.operation), timeout=20)
    ended = operations.GetOperation(operations_pb2.GetOperationRequest(name=cohort.operation), timeout=20)
    assert (ended.done, ended.error.code) == (True, code_pb2.CANCELLED)
    operations.DeleteOperation(delete, timeout=20)
    assert refusal(lambda: get(stub, cohort.name))[0] == "NOT_FOUND"
    filtered = operations_pb2.ListOperationsRequest(filter="done=true")
    assert refusal(lambda: operations.ListOperations(filtered, timeout=20))[2] == "filter"


def test_too_many_watchers_are_refused(stub) -> None:
    """Two streams are allowed here; the third is told when to come back, and a place is freed by leaving."""
    name = create(stub, spec()).name
    request = cohort_pb2.WatchCohortRequest(name=name)
    watchers = [stub.WatchCohort(request, timeout=20) for _ in range(2)]
    for watcher in watchers:
        assert next(watcher).cohort.name == name
    assert refusal(lambda: next(stub.WatchCohort(request, timeout=20)))[:2] == (
        "RESOURCE_EXHAUSTED",
        "TOO_MANY_STREAMS",
    )
    for watcher in watchers:
        watcher.cancel()


def test_a_call_without_deadline_is_refused(stub) -> None:
    """As in every service."""
    assert refusal(lambda: stub.ListCohorts(cohort_pb2.ListCohortsRequest()))[1] == "DEADLINE_REQUIRED"


def test_the_schema_describes_what_is_accepted(stub) -> None:
    """The published schema knows the fields; anatomies and tissues are listed."""
    answer = stub.GetSpecSchema(cohort_pb2.GetSpecSchemaRequest(), timeout=20)
    assert {"name", "case_count", "seed"} <= set(json.loads(answer.schema)["properties"])
    assert "head_01" in answer.anatomies
    assert "white-matter" in answer.tissues


def test_a_gate_without_models_is_refused_before_anything_starts(start_server, connect, tmp_path: Path) -> None:
    """The spec is right, but the server's repository lacks the models of the gate."""
    (tmp_path / "empty").mkdir()
    folders = {"cohort_folder": tmp_path / "cohorts", "model_repository": tmp_path / "empty"}
    server = start_server(build, cohort_workers=0, **folders)
    stub = cohort_pb2_grpc.CohortServiceStub(connect(server))
    assert refusal(lambda: create(stub, spec()))[:2] == ("NOT_FOUND", "UNKNOWN_MODEL")
    assert listed(stub) == []


def upload(stub, data: np.ndarray, role: int = volume_pb2.VOLUME_ROLE_LABEL_MAP) -> cohort_pb2.UploadAnatomyResponse:
    header = volume_pb2.VolumeHeader(name="head", role=role, encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ)
    content = write_nifti(Volume(data, np.diag([2.0, 2.0, 2.0, 1.0])))

    def messages() -> Iterator[cohort_pb2.UploadAnatomyRequest]:
        for part in volume_parts(header, content):
            yield cohort_pb2.UploadAnatomyRequest(volume=part)

    return stub.UploadAnatomy(messages(), timeout=20)


def test_a_label_map_is_stored_under_its_content(stub) -> None:
    """The same map has the same id, another one another; its values are listed."""
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:9] = 41
    first = upload(stub, labels)
    assert list(first.labels) == [0, 41]
    assert list(first.geometry.shape) == [20, 20, 20]
    assert upload(stub, labels.astype(np.int16)).anatomy_id == first.anatomy_id
    assert upload(stub, labels + 1).anatomy_id != first.anatomy_id


def test_own_label_maps_are_checked_before_anything_starts(stub) -> None:
    """One that was not uploaded, and one with a value that the spec does not map."""
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:9] = 41
    labels[9:12] = 7
    known = upload(stub, labels).anatomy_id
    own = [{"id": "never-uploaded", "labels": {"1": "white-matter"}}, {"id": known, "labels": {"41": "white-matter"}}]
    found = violations(lambda: create(stub, spec(anatomies={"own": own})))
    assert "upload" in found["anatomies.own[0]"]
    assert "7" in found["anatomies.own[1]"]
    assert listed(stub) == []


def test_what_is_no_label_map_is_not_stored(stub) -> None:
    """Fractions, negative values, another role, nothing at all."""
    cube = np.ones((20, 20, 20), np.float32)
    cube[3] = 2.0
    assert refusal(lambda: upload(stub, cube * 0.25))[:2] == ("INVALID_ARGUMENT", "NOT_A_LABEL_MAP")
    assert refusal(lambda: upload(stub, -cube))[:2] == ("INVALID_ARGUMENT", "NOT_A_LABEL_MAP")
    role = volume_pb2.VOLUME_ROLE_PREDICTION
    assert refusal(lambda: upload(stub, cube, role))[:2] == ("INVALID_ARGUMENT", "UNEXPECTED_ROLE")
    assert refusal(lambda: stub.UploadAnatomy(iter(()), timeout=20))[1] == "EMPTY_REQUEST"


def test_the_queue_is_seen_in_the_metrics(stub, server, scrape) -> None:
    """All series are there from the start; two queued cohorts are two times two cases, and a cancelled one counts."""
    queued = 'gliosynth_jobs_queued{priority="normal",queue="cases"}'
    before = scrape(server)
    assert before[queued] == 0
    assert before['gliosynth_jobs_total{outcome="failed",queue="cases"}'] == 0
    assert before['gliosynth_samples_total{model="simulator",outcome="accepted",reason=""}'] == 0
    create(stub, spec())
    name = create(stub, spec()).name
    assert scrape(server)[queued] == 4
    stub.CancelCohort(cohort_pb2.CancelCohortRequest(name=name), timeout=20)
    after = scrape(server)
    assert after[queued] == 2
    assert after['gliosynth_jobs_oldest_seconds{priority="normal",queue="cases"}'] > 0
    assert after['gliosynth_jobs_total{outcome="cancelled",queue="cases"}'] == 1


def test_a_database_that_cannot_be_used_fails_at_the_start(start_server) -> None:
    """A configured database is tried before the server serves, and the error says what to do."""
    with pytest.raises(Exception, match="job database cannot be used"):
        start_server(build, database_url="postgresql://127.0.0.1:1/none", cohort_workers=0)


def test_a_folder_that_cannot_be_made_is_unavailable(start_server, connect, tmp_path: Path) -> None:
    """The store refuses: a clear error, and the server goes on."""
    (tmp_path / "file").write_bytes(b"")
    server = start_server(build, cohort_folder=tmp_path / "file" / "cohorts", cohort_workers=0, cohort_segmenter="")
    stub = cohort_pb2_grpc.CohortServiceStub(connect(server))
    assert refusal(lambda: create(stub, spec()))[0] == "UNAVAILABLE"
    assert refusal(lambda: create(stub, spec()))[2] == "store"
