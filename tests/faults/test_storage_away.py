"""The object store is away, slow, cut off or answers nonsense: runs wait, callers are told."""

from __future__ import annotations

import time

import httpx
import pytest

from app.storage.base import ObjectMissing, StorageUnavailable
from app.storage.minio_client import S3MinIOClient
from app.storage.s3_transport import Patience
from tests import loopback
from tests.api.world import EXAMPLE_CSV, World, assert_problem, register
from tests.faults.installation import Installation, until
from tests.faults.invariants import assert_whole
from tests.faults.proxy import Proxy
from tests.faults.runs import EXPLORED
from tests.services.servers import S3

pytestmark = pytest.mark.services
BUCKET = "artifacts"
MB = 1024 * 1024


@pytest.fixture
def ada(on_services: Installation) -> World:
    return register(on_services.server)


def upload(user: World, content: bytes = EXAMPLE_CSV) -> httpx.Response:
    return user.api.post("/datasets/upload", files={"file": ("data.csv", content)})


def test_a_run_waits_for_the_storage_and_keeps_what_it_computed(on_services, ada, s3_way):
    dataset = ada.upload()["dataset_id"]
    with s3_way.broken("reset"):
        run_id = ada.start(dataset, **EXPLORED)
        until(lambda: on_services.said(run_id, "The storage cannot be reached"), what="the wait")
        with s3_way.broken("error"):
            time.sleep(2)
        with s3_way.broken("cut", after=2000):
            time.sleep(2)
    assert ada.wait(run_id)["status"] == "COMPLETED"
    # Nothing was computed twice: one attempt for each of the four stages.
    assert on_services.run(run_id).attempt == 4
    assert_whole(on_services)


@pytest.mark.parametrize("kind", ["reset", "error"])
def test_callers_are_told_at_once_and_nothing_stays(on_services, ada, s3_way, kind):
    before = ada.upload()
    with s3_way.broken(kind):
        problem = assert_problem(upload(ada), 503)
        assert "storage" in problem["detail"]
        answer = loopback.get(f"{on_services.server.base_url}/ready", timeout=5)
        assert "storage" in assert_problem(answer, 503)["detail"]
        preview = f"/datasets/{before['dataset_id']}/preview"
        assert_problem(ada.api.get(preview), 503)
        # What needs no storage goes on.
        assert ada.api.get("/datasets").status_code == 200
    assert ada.api.get(preview).status_code == 200
    assert [one["id"] for one in ada.api.get("/datasets").json()] == [before["dataset_id"]]
    assert upload(ada).status_code == 201
    assert loopback.get(f"{on_services.server.base_url}/ready", timeout=5).status_code == 200
    assert_whole(on_services)


@pytest.fixture
def hasty(s3: S3, s3_way: Proxy) -> S3MinIOClient:
    """UAM's client on the same way, with little patience."""
    patience = Patience(connect_s=1, read_s=1, retries=0)
    s3.storage()
    return S3MinIOClient(s3_way.endpoint, s3.access_key, s3.secret_key, patience=patience)


@pytest.mark.parametrize("kind", ["silent", "trickle"])
def test_a_storage_that_hangs_or_trickles_keeps_nobody_for_ever(hasty, s3, s3_way, kind):
    patient = s3.storage()
    patient.upload_bytes(BUCKET, "way/there", bytes(16 * MB))
    with s3_way.broken(kind), pytest.raises(StorageUnavailable):
        hasty.download_bytes(BUCKET, "way/there")
    # The response has begun, and then it comes a byte at a time.
    with (
        hasty.download_stream(BUCKET, "way/there") as stream,
        s3_way.broken(kind),
        pytest.raises(StorageUnavailable),
    ):
        list(stream)
    with s3_way.broken(kind), pytest.raises(StorageUnavailable):
        hasty.upload_bytes(BUCKET, "way/new", bytes(20 * MB))
    with pytest.raises(ObjectMissing):
        hasty.stat(BUCKET, "way/new")
    assert len(patient.download_bytes(BUCKET, "way/there")) == 16 * MB
    patient.delete_prefix(BUCKET, "way/")
