"""Tests of the store on S3: a real S3 server (moto) in this process, real workers, real signed URLs."""

import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import grpc
import pytest
from moto.server import ThreadedMotoServer

from gliosynth.errors import StorageError
from gliosynth.v1 import cohort_pb2, cohort_pb2_grpc
from services.cohort.build import build
from services.runtime.storage import open_store


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of an empty bucket; the credentials are in the environment, as in production."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="cohorts")
    yield "s3://cohorts/study"
    server.stop()


def test_objects_are_whole_ranged_listed_signed_and_deleted(bucket: str, tmp_path: Path) -> None:
    """What the jobs and downloads need of a store, on S3 as in a folder."""
    store = open_store(bucket, folder=tmp_path)
    data = bytes(range(256)) * 12_000
    store.put("a/b.bin", data)
    store.put("a/c.bin", b"c")
    assert store.get("a/b.bin") == data
    chunks = list(store.chunks("a/b.bin", start=5, end=3_000_005))
    assert b"".join(chunks) == data[5:3_000_005]
    assert max(map(len, chunks)) <= 1 << 20
    assert store.keys("a") == ["a/b.bin", "a/c.bin"]
    assert (store.exists("a/b.bin"), store.exists("a/z.bin")) == (True, False)
    (url,) = store.signed_urls(["a/c.bin"], lifetime_s=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"c"
    store.delete_folder("a")
    store.delete_folder("a")
    assert store.keys("a") == []


def test_an_endpoint_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Out of reach, not full and not refusing; no key in the message."""
    for name, value in (("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hidden")
    with pytest.raises(StorageError, match="check its address") as caught:
        open_store("s3://cohorts", folder=tmp_path).put("k", b"")
    assert caught.value.reason == "STORE_UNAVAILABLE"
    assert "hidden" not in str(caught.value)


def test_a_cohort_lives_in_s3(
    bucket: str, start_server: Callable, connect: Callable, document: Callable, made_alone: Callable, tmp_path: Path
) -> None:
    """Made by a worker into the bucket; its signed URLs give the bytes that the library makes alone."""
    settings = {"cohort_segmenter": "", "worker_poll_s": 0.05, "threads": 1, "drain_grace_s": 10.0}
    server = start_server(build, cohort_folder=tmp_path / "cohorts", store_url=bucket, **settings)
    stub = cohort_pb2_grpc.CohortServiceStub(connect(server))
    request = cohort_pb2.CreateCohortRequest(spec=json.dumps(document(2)).encode())
    name = stub.CreateCohort(request, timeout=20).name.replace("operations", "cohorts")
    cohort = stub.WaitCohort(cohort_pb2.WaitCohortRequest(name=name), timeout=300).cohort
    assert cohort.state == cohort_pb2.COHORT_STATE_SUCCEEDED
    found, token = {}, ""
    while True:
        page = cohort_pb2.GetDownloadUrlsRequest(name=name, page_size=7, page_token=token, lifetime_seconds=60)
        answer = stub.GetDownloadUrls(page, timeout=20)
        assert len(answer.urls) <= 7
        for each in answer.urls:
            with urllib.request.urlopen(each.url) as got:
                found[each.file.path] = hashlib.sha256(got.read()).hexdigest()
            assert found[each.file.path] == each.file.sha256.hex()
        token = answer.next_page_token
        if not token:
            break
    assert found == made_alone(2)
    wrong = cohort_pb2.GetDownloadUrlsRequest(name=name, page_token="99999")
    with pytest.raises(grpc.RpcError, match="page_token"):
        stub.GetDownloadUrls(wrong, timeout=20)
    assert not (tmp_path / "cohorts" / "store").exists()
