"""Stored objects that are missing or damaged: told as such, never taken for whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from app.db.tables import Artifact, Dataset, ModelMeta
from app.storage.local import LocalStorage
from tests.api.world import World, assert_problem
from tests.faults.installation import Installation
from tests.faults.runs import EXPLORED, undisturbed_run

Way = Callable[[Installation, str, bytes], None]


def swap(installation: Installation, key: str, _content: bytes) -> None:
    """Put another object in its place, whole and well."""
    installation.storage.upload_bytes(installation.bucket, key, b"# Another report")


def lose(installation: Installation, key: str, _content: bytes) -> None:
    installation.storage.delete(installation.bucket, key)


def damage(installation: Installation, key: str, content: bytes) -> None:
    """Flip a byte behind the storage's back; what is said of the object stays as it was."""
    storage = installation.storage
    if isinstance(storage, LocalStorage):
        path = storage.root / installation.bucket / key
        whole = path.read_bytes()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        return
    info = storage.stat(installation.bucket, key)
    swapped = bytes([content[0] ^ 1]) + content[1:]
    storage._client.put_object(
        installation.bucket, key, io.BytesIO(swapped), info.size, metadata={"sha256": info.sha256}
    )


@contextmanager
def spoiled(installation: Installation, key: str, way: Way) -> Iterator[None]:
    """The object is spoiled in the block, and afterwards as it was."""
    content = installation.storage.download_bytes(installation.bucket, key)
    way(installation, key, content)
    try:
        yield
    finally:
        installation.storage.upload_bytes(installation.bucket, key, content)


WAYS = pytest.mark.parametrize("way", [lose, damage])


def one(installation: Installation, statement: object) -> str:
    """The storage key that a statement finds."""
    with installation.database.unit(write=False) as unit:
        return str(unit.session.scalars(statement).one())


@WAYS
def test_a_model_that_is_lost_is_gone_and_not_loaded(installation: Installation, way: Way) -> None:
    finished = undisturbed_run(installation)
    key = one(installation, select(ModelMeta.storage_key).where(ModelMeta.id == finished.model_id))
    predict = f"/models/{finished.model_id}/predict"
    rows = {"rows": [{"city": "Bonn", "size": 70}]}
    # As on another machine, or after a restart: nothing of it is here yet.
    for cached in (installation.home / "cache" / "models").glob("*"):
        cached.unlink()
    with spoiled(installation, key, way):
        problem = assert_problem(finished.owner.api.post(predict, json=rows), 410)
        assert problem["type"] == "urn:uam:problem:gone"
        assert "model" in problem["detail"]
    assert finished.owner.api.post(predict, json=rows).status_code == 200


@pytest.mark.parametrize("way", [lose, damage, swap])
def test_a_report_that_is_lost_is_gone_or_breaks_off(installation: Installation, way: Way) -> None:
    finished = undisturbed_run(installation)
    reports = select(Artifact).where(
        Artifact.run_id == finished.run_id, Artifact.filename == "report.md"
    )
    with installation.database.unit(write=False) as unit:
        report = unit.session.scalars(reports).one()
    with spoiled(installation, report.storage_key, way):
        answer = finished.owner.api.get(f"/reports/{report.id}/download")
        if way is not damage:
            assert_problem(answer, 410)
        elif installation.backend == "embedded":
            assert_problem(finished.owner.api.get(answer.headers["location"]), 410)
        else:
            # The link leads to the object store itself, which answers for its bytes.
            assert answer.headers["location"].startswith("http://127.0.0.1")


@WAYS
def test_a_dataset_that_is_lost_is_gone_and_its_runs_say_why(
    installation: Installation, user: World, way: Way
) -> None:
    dataset_id = user.upload()["dataset_id"]
    row = select(Dataset.storage_key).where(Dataset.id == dataset_id)
    preview = select(Dataset.preview_key).where(Dataset.id == dataset_id)
    with spoiled(installation, one(installation, row), way):
        assert_problem(user.api.get(f"/datasets/{dataset_id}/download"), 410)
        question = {"dataset_id": dataset_id, "question": "how many rows are there?"}
        assert_problem(user.api.post("/nlq", json=question), 410)
        run_id = user.start(dataset_id, **EXPLORED)
        ended = user.wait(run_id)
        assert ended["status"] == "FAILED"
        how = "missing" if way is lose else "damaged"
        assert installation.run(run_id).error.endswith(f"data.parquet is {how}.")
    with spoiled(installation, one(installation, preview), way):
        assert_problem(user.api.get(f"/datasets/{dataset_id}/preview"), 410)
    assert user.api.get(f"/datasets/{dataset_id}/download").status_code == 200
    # It is seen from outside, and by whoever watches the metrics.
    metrics = user.api.get("/metrics").text
    assert any('status="410"' in line for line in metrics.splitlines())
