"""Tests of the cohort client against a small server of its own that breaks off, lies and comes back."""

import hashlib
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from gliosynth.client import CohortState, GliosynthClient
from gliosynth.errors import InvalidParameterError, ModelError
from gliosynth.v1 import cohort_pb2, cohort_pb2_grpc

FILES = {"dataset_description.json": b"{}", "sub-0001/anat/t1.nii.gz": bytes(range(256)) * 40, "empty.txt": b""}
CHUNK = 1000


class Flaky(cohort_pb2_grpc.CohortServiceServicer):
    """Sends `FILES` in small chunks; fails as it is told to."""

    def __init__(self) -> None:
        self.files = dict(FILES)
        self.breaks_after: list[int] = []
        self.spoiled = 0
        self.starts: list[tuple[str, int]] = []
        self.watch_failures = 0

    def DownloadCohort(  # noqa: N802 - named by the contract
        self, request: cohort_pb2.DownloadCohortRequest, context: grpc.ServicerContext
    ) -> Iterator[cohort_pb2.DownloadCohortResponse]:
        self.starts.append((request.start_path, request.start_offset))
        left = self.breaks_after.pop(0) if self.breaks_after else 10**9
        for message in self._messages(request):
            if left == 0:
                context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            left -= 1
            yield message

    def WatchCohort(  # noqa: N802 - named by the contract
        self, request: cohort_pb2.WatchCohortRequest, context: grpc.ServicerContext
    ) -> Iterator[cohort_pb2.WatchCohortResponse]:
        cohort = cohort_pb2.Cohort(name=request.name, state=cohort_pb2.COHORT_STATE_RUNNING, cases_made=1, case_count=2)
        yield cohort_pb2.WatchCohortResponse(cohort=cohort)
        if self.watch_failures:
            self.watch_failures -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        cohort.state, cohort.cases_made = cohort_pb2.COHORT_STATE_SUCCEEDED, 2
        yield cohort_pb2.WatchCohortResponse(cohort=cohort)

    def _messages(self, request: cohort_pb2.DownloadCohortRequest) -> Iterator[cohort_pb2.DownloadCohortResponse]:
        paths = list(self.files)
        first = paths.index(request.start_path) if request.start_path else 0
        sizes = [len(data) for data in self.files.values()]
        before = sum(sizes[:first]) + request.start_offset
        totals = cohort_pb2.DownloadTotals(file_count=len(paths), size_bytes=sum(sizes), bytes_before=before)
        yield cohort_pb2.DownloadCohortResponse(totals=totals)
        for number, path in enumerate(paths[first:]):
            data, offset = self.files[path], 0 if number else request.start_offset
            digest = hashlib.sha256(data).digest()
            header = cohort_pb2.FileHeader(path=path, size_bytes=len(data), sha256=digest, offset=offset)
            yield cohort_pb2.DownloadCohortResponse(file=header)
            if self.spoiled and path == "dataset_description.json":
                self.spoiled -= 1
                data = bytes(len(data))
            for start in range(offset, len(data), CHUNK):
                yield cohort_pb2.DownloadCohortResponse(chunk=data[start : start + CHUNK])


@pytest.fixture
def flaky() -> Flaky:
    return Flaky()


@pytest.fixture
def client(flaky: Flaky, monkeypatch: pytest.MonkeyPatch) -> Iterator[GliosynthClient]:
    monkeypatch.setattr("gliosynth.client.cohorts.time.sleep", lambda seconds: None)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    cohort_pb2_grpc.add_CohortServiceServicer_to_server(flaky, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with GliosynthClient(f"127.0.0.1:{port}", timeout_s=20) as opened:
        yield opened
    server.stop(0)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_download_is_the_files_and_nothing_else(client: GliosynthClient, tmp_path: Path) -> None:
    """Every file, empty ones too, no trace of the transfer; progress ends with all bytes."""
    seen: list[tuple[int, int]] = []
    client.cohorts.download(
        "cohorts/1", tmp_path / "out", on_progress=lambda done, total, _: seen.append((done, total))
    )
    assert contents(tmp_path / "out") == FILES
    size = sum(map(len, FILES.values()))
    assert seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("breaks", [[0], [1], [2], [5], [8, 3, 4], [1, 1, 1]])
def test_a_broken_connection_is_taken_up_where_it_broke(
    client: GliosynthClient, flaky: Flaky, tmp_path: Path, breaks: list[int]
) -> None:
    """Wherever it breaks, the files are right; received bytes are not asked for again."""
    flaky.breaks_after = list(breaks)
    client.cohorts.download("cohorts/1", tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    assert len(flaky.starts) == len(breaks) + 1
    if breaks == [8, 3, 4]:
        assert flaky.starts[1] == ("sub-0001/anat/t1.nii.gz", 4 * CHUNK)


def test_a_download_that_was_killed_goes_on_in_the_next_process(
    client: GliosynthClient, flaky: Flaky, tmp_path: Path
) -> None:
    """Stopped in the middle of a file by an exception; the second call asks for the rest only."""

    def stop(done: int, _total: int, _path: str) -> None:
        if done >= 3 * CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.cohorts.download("cohorts/1", tmp_path / "out", on_progress=stop)
    client.cohorts.download("cohorts/1", tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    path, offset = flaky.starts[-1]
    assert (path, offset >= 2 * CHUNK) == ("sub-0001/anat/t1.nii.gz", True)


def test_a_spoiled_file_is_received_again_once(client: GliosynthClient, flaky: Flaky, tmp_path: Path) -> None:
    """Bytes that do not match their digest never get their name; the second time it is an error."""
    flaky.spoiled = 1
    client.cohorts.download("cohorts/1", tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    flaky.spoiled = 2
    with pytest.raises(ModelError, match="twice"):
        client.cohorts.download("cohorts/1", tmp_path / "other")
    assert "dataset_description.json" not in contents(tmp_path / "other")


@pytest.mark.parametrize("path", ["../evil", "/etc/evil", "a/../../evil", "a\\evil"])
def test_a_path_out_of_the_folder_is_refused(client: GliosynthClient, flaky: Flaky, tmp_path: Path, path: str) -> None:
    """A server must not write where it likes."""
    flaky.files = {path: b"x"}
    with pytest.raises(ModelError, match="do not trust"):
        client.cohorts.download("cohorts/1", tmp_path / "out")
    assert not list(tmp_path.rglob("evil"))


def test_only_an_empty_folder_or_the_same_download_is_taken(client: GliosynthClient, tmp_path: Path) -> None:
    """Nothing of another data set is mixed in or overwritten."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(InvalidParameterError, match="not empty"):
        client.cohorts.download("cohorts/1", tmp_path / "mine")
    assert contents(tmp_path / "mine") == {"notes.txt": b"keep"}
    with pytest.raises(ZeroDivisionError):
        client.cohorts.download("cohorts/1", tmp_path / "out", on_progress=lambda *_: 1 // 0)
    with pytest.raises(InvalidParameterError, match="cohorts/1"):
        client.cohorts.download("cohorts/2", tmp_path / "out")


def test_watching_survives_a_server_that_goes_and_comes_back(client: GliosynthClient, flaky: Flaky) -> None:
    """The end is seen once, whatever happened on the way."""
    flaky.watch_failures = 3
    states = [cohort.state for cohort in client.cohorts.watch("1")]
    assert states[-1] is CohortState.SUCCEEDED
    assert states.count(CohortState.SUCCEEDED) == 1
    assert flaky.watch_failures == 0
