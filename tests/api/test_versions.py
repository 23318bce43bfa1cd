"""Versions of a dataset, and runs made again on them, line by line of the contract."""

from __future__ import annotations

import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from app.core.afterwards import Afterwards
from app.core.limits import RateLimits
from app.core.problems import Gone, NotFound
from app.core.sandbox_pool import PredictorPool
from app.datasets.ingestion import fetch_table
from app.db.session import Database
from app.db.tables import Dataset, DatasetVersion, Run
from app.resources import Resources
from app.storage.factory import open_storage
from app.storage.orphans import OrphanSweep
from tests.api.server import Server
from tests.api.world import EXAMPLE_CSV, World, assert_problem

FIRST = b"shop,sold,since\nBonn,10,2024-01-01\nGraz,20,2024-01-02\nBonn,30,2024-01-03\n"
SECOND = b"sold,shop,since\n40,Bern,2024-02-01\n50,Graz,2024-02-02\n"


@pytest.fixture
def path(fresh: World) -> str:
    return f"/datasets/{fresh.upload(FIRST, 'first.csv')['dataset_id']}"


def send(
    user: World,
    path: str,
    content: bytes,
    mode: str,
    filename: str = "second.csv",
    key: str | None = None,
    **fields: str,
) -> httpx.Response:
    files = {"file": (filename, io.BytesIO(content))}
    headers = {} if key is None else {"Idempotency-Key": key}
    return user.api.post(
        f"{path}/versions", files=files, data={"mode": mode, **fields}, headers=headers
    )


def sent(*args: Any, **fields: str) -> dict[str, Any]:
    answer = send(*args, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def versions(user: World, path: str, **query: int) -> list[dict[str, Any]]:
    answer = user.api.get(f"{path}/versions", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def table(user: World, path: str, **query: Any) -> list[dict[str, Any]]:
    """The rows of a version, from its Parquet download."""
    answer = user.api.get(f"{path}/download", params={"format": "parquet", **query})
    assert answer.status_code == 200, answer.text
    return list(pq.read_table(io.BytesIO(answer.content)).to_pylist())


def test_a_file_in_place_of_the_last_one(fresh: World, path: str) -> None:
    made = sent(fresh, path, SECOND, "replace")
    assert (made["id"], made["version"], made["rows"]) == (path.split("/")[2], 2, 2)
    assert made["filename"] == "second.csv"
    assert made["size_bytes"] == len(SECOND)
    assert [column["name"] for column in made["columns"]] == ["sold", "shop", "since"]
    assert fresh.api.get(path).json() == made
    assert len(table(fresh, path, version=1)) == 3
    assert table(fresh, path) == table(fresh, path, version=2)
    assert len(fresh.api.get("/datasets").json()) == 1


def test_a_file_behind_what_is_there(fresh: World, path: str) -> None:
    made = sent(fresh, path, SECOND, "append")
    assert (made["version"], made["rows"], made["filename"]) == (2, 5, "first.csv")
    assert made["size_bytes"] == len(FIRST) + len(SECOND)
    assert [column["name"] for column in made["columns"]] == ["shop", "sold", "since"]
    assert [row["sold"] for row in table(fresh, path)] == [10, 20, 30, 40, 50]
    assert [row["sold"] for row in table(fresh, path, version=1)] == [10, 20, 30]
    assert made["read"]["appended"]["rows_appended"] == 2


def test_the_list_of_versions(fresh: World, path: str) -> None:
    (only,) = versions(fresh, path)
    assert (only["version"], only["current"], only["mode"]) == (1, True, "upload")
    sent(fresh, path, SECOND, "append")
    sent(fresh, path, FIRST, "replace", filename="third.csv")
    fresh.api.patch(path, json={"columns": [{"name": "sold", "type": "number"}]})
    found = versions(fresh, path)
    assert [item["version"] for item in found] == [4, 3, 2, 1]
    assert [item["current"] for item in found] == [True, False, False, False]
    assert [item["mode"] for item in found] == ["retype", "replace", "append", "upload"]
    assert [item["filename"] for item in found] == [
        "third.csv",
        "third.csv",
        "second.csv",
        "first.csv",
    ]
    assert [item["rows"] for item in found] == [3, 3, 5, 3]
    assert [item["cols"] for item in found] == [3] * 4
    assert found[3] == {**only, "current": False}
    assert found[0]["uploaded_at"].endswith("Z")
    assert [item["uploaded_at"] for item in found] == sorted(
        (item["uploaded_at"] for item in found), reverse=True
    )
    assert {column["name"]: column["type"] for column in found[0]["columns"]}["sold"] == "number"
    pages = fresh.api.get(f"{path}/versions", params={"limit": 2, "offset": 1})
    assert [item["version"] for item in pages.json()] == [3, 2]
    assert pages.headers["X-Total-Count"] == "4"
    assert 'rel="next"' in pages.headers["Link"]
    assert 'rel="prev"' in pages.headers["Link"]
    assert versions(fresh, path, offset=4) == []


def test_earlier_versions_stay_readable(fresh: World, path: str) -> None:
    before = fresh.api.get(f"{path}/profile").json()
    sent(fresh, path, SECOND, "replace")
    for what in ("preview", "profile"):
        assert fresh.api.get(f"{path}/{what}", params={"version": 1}).status_code == 200
    assert fresh.api.get(f"{path}/preview", params={"version": 1}).json()["rows_total"] == 3
    assert fresh.api.get(f"{path}/preview").json()["rows_total"] == 2
    assert fresh.api.get(f"{path}/profile", params={"version": 1}).json() == before
    assert fresh.api.get(f"{path}/profile").json()["dataset"]["rows"] == 2
    for kind in ("csv", "xlsx"):
        query = {"format": kind, "version": 1, "cleaned": True}
        answer = fresh.api.get(f"{path}/download", params=query)
        assert answer.status_code == 200
        assert "first-cleaned" in answer.headers["content-disposition"]
    for what in ("preview", "profile", "download"):
        assert_problem(fresh.api.get(f"{path}/{what}", params={"version": 3}), 404)
        assert_problem(fresh.api.get(f"{path}/{what}", params={"version": 0}), 422)


def test_a_profile_of_an_earlier_version_is_kept_too(
    fresh: World, path: str, database: Database
) -> None:
    sent(fresh, path, SECOND, "replace")
    profile = fresh.api.get(f"{path}/profile", params={"version": 1}).json()
    with database.unit(write=False) as unit:
        dataset_id = path.split("/")[2]
        earlier = unit.session.scalars(
            select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id)
        ).one()
        assert earlier.profile_key is not None
        assert unit.session.get_one(Dataset, dataset_id).profile_key is None
    assert fresh.api.get(f"{path}/profile", params={"version": 1}).json() == profile


def test_a_changed_schema_is_told(fresh: World, path: str) -> None:
    made = sent(fresh, path, b"shop,sold,price\nBonn,many,1\nGraz,few,2\nBonn,few,2\n", "replace")
    told = {(item["kind"], item.get("column")) for item in made["warnings"]}
    assert {
        ("column_removed", "since"),
        ("column_added", "price"),
        ("type_changed", "sold"),
    } <= told
    assert versions(fresh, path)[0]["warnings"] == made["warnings"]


def test_other_columns_cannot_be_appended(fresh: World, path: str) -> None:
    other = b"shop,sold,price,colour\nBonn,1,2,red\n"
    problem = assert_problem(send(fresh, path, other, "append"), 422)
    assert all(name in problem["detail"] for name in ("since", "price", "colour"))
    assert [error["location"] for error in problem["errors"]] == [
        "column since",
        "column price",
        "column colour",
    ]
    assert "mode=replace" in problem["hint"]
    assert len(versions(fresh, path)) == 1


def test_a_value_that_cannot_be_of_the_old_type(fresh: World, path: str) -> None:
    wrong = SECOND.replace(b"50", b"some")
    problem = assert_problem(send(fresh, path, wrong, "append"), 422)
    assert (problem["row"], problem["column"]) == (2, "sold")
    assert problem["errors"][0]["location"] == "row 2, column sold"
    assert fresh.api.get(path).json()["version"] == 1


def test_what_the_last_file_was_read_with_is_remembered(fresh: World) -> None:
    first = b"code;amount\n0012;1,5\n0013;2,5\n0012;3,5\n"
    types = json.dumps({"code": "text"})
    made = fresh.upload(first, "a.csv", delimiter=";", decimal=",", types=types)
    path = f"/datasets/{made['dataset_id']}"
    second = b"code;amount\n14;1,25\n15;1,75\n16;9\n"
    after = sent(fresh, path, second, "replace")
    assert [column["type"] for column in after["columns"]] == ["text", "number"]
    assert [row["amount"] for row in table(fresh, path)] == [1.25, 1.75, 9.0]
    appended = sent(fresh, path, second, "append")
    assert appended["rows"] == 6
    assert appended["columns"] == after["columns"]
    # An option of now goes before, one that is sent empty is found anew.
    tabs = sent(fresh, path, second.replace(b";", b"|"), "replace", delimiter="|")
    assert tabs["cols"] == 2
    found = sent(fresh, path, b"code,amount\n1,2.5\n2,3.5\n", "replace", delimiter="", decimal="")
    assert found["columns"][1]["type"] == "number"


def test_a_form_that_says_too_little_or_too_much(fresh: World, path: str) -> None:
    for fields in ({}, {"mode": ""}, {"mode": "merge"}, {"mode": "append", "colour": "red"}):
        files = {"file": ("a.csv", SECOND)}
        assert_problem(fresh.api.post(f"{path}/versions", files=files, data=fields), 422)
    types = json.dumps({"sold": "number"})
    assert_problem(send(fresh, path, SECOND, "append", types=types), 422)
    assert_problem(fresh.api.post(f"{path}/versions", files={"x": ("a", b"")}), 422)
    assert_problem(fresh.api.post(f"{path}/versions", json={"mode": "replace"}), 415)
    assert_problem(send(fresh, path, b"\x89PNG\r\n\x1a\n" + bytes(999), "replace"), 415)
    assert len(versions(fresh, path)) == 1


def test_other_types_make_a_version_and_leave_the_last_one(fresh: World, path: str) -> None:
    answer = fresh.api.patch(path, json={"columns": [{"name": "sold", "type": "number"}]})
    assert answer.json()["version"] == 2
    assert answer.json()["filename"] == "first.csv"
    assert isinstance(table(fresh, path)[0]["sold"], float)
    assert isinstance(table(fresh, path, version=1)[0]["sold"], int)
    same = fresh.api.patch(path, json={"columns": [{"name": "sold", "type": "number"}]})
    assert same.json()["version"] == 2
    assert fresh.api.patch(path, json={"filename": "renamed.csv"}).json()["version"] == 2
    # The type that was asked for is remembered for the next file.
    assert sent(fresh, path, SECOND, "replace")["columns"][0]["type"] == "number"


def test_two_at_once_make_two_versions(fresh: World, path: str) -> None:
    at_once = 4
    files = [b"shop,sold,since\nUlm,%d,2024-03-0%d\n" % (100 + i, i + 1) for i in range(at_once)]

    def append(content: bytes) -> dict[str, Any]:
        own = World(**{**vars(fresh), "api": fresh.server.client(fresh.access_token)})
        return sent(own, path, content, "append")

    with ThreadPoolExecutor(at_once) as pool:
        made = list(pool.map(append, files))
    assert sorted(item["version"] for item in made) == [2, 3, 4, 5]
    assert sorted(item["rows"] for item in made) == [4, 5, 6, 7]
    assert sorted(row["sold"] for row in table(fresh, path)) == [10, 20, 30, 100, 101, 102, 103]
    found = versions(fresh, path)
    assert [item["version"] for item in found] == [5, 4, 3, 2, 1]
    assert [item["rows"] for item in found] == [7, 6, 5, 4, 3]


def test_a_file_that_is_sent_again_under_its_key_comes_once(fresh: World, path: str) -> None:
    first = sent(fresh, path, SECOND, "append", key="december")
    assert (first["version"], first["rows"]) == (2, 5)
    assert sent(fresh, path, SECOND, "append", key="december") == first
    # Another version comes; the key still answers the one that it made.
    assert sent(fresh, path, SECOND, "append", key="january")["version"] == 3
    change = {"columns": [{"name": "sold", "type": "number"}]}
    assert fresh.api.patch(path, json=change).json()["version"] == 4
    assert sent(fresh, path, SECOND, "append", key="december") == first
    assert sent(fresh, path, SECOND, "append")["version"] == 5
    assert [item["rows"] for item in versions(fresh, path)] == [9, 7, 7, 5, 3]


def test_a_key_of_another_request_is_refused(fresh: World, path: str) -> None:
    sent(fresh, path, SECOND, "append", key="k")
    for content, mode, fields in (
        (FIRST, "append", {}),
        (SECOND, "replace", {}),
        (SECOND, "append", {"filename": "other.csv"}),
        (SECOND, "append", {"delimiter": ","}),
        (SECOND, "append", {"delimiter": ""}),
    ):
        problem = assert_problem(send(fresh, path, content, mode, key="k", **fields), 409)
        assert problem["detail"] == "This Idempotency-Key was used for another request."
    assert len(versions(fresh, path)) == 2
    assert_problem(send(fresh, path, SECOND, "append", key="x" * 256), 422)
    # A key belongs to its data set, and one under which nothing was made is free.
    other = f"/datasets/{fresh.upload(FIRST, 'other.csv')['dataset_id']}"
    assert sent(fresh, other, SECOND, "append", key="k")["version"] == 2
    assert_problem(send(fresh, path, b"shop\nUlm\n", "append", key="new"), 422)
    assert sent(fresh, path, SECOND, "append", key="new")["version"] == 3


def test_many_at_once_under_one_key_come_once(fresh: World, path: str) -> None:
    def append(_: int) -> dict[str, Any]:
        own = World(**{**vars(fresh), "api": fresh.server.client(fresh.access_token)})
        return sent(own, path, SECOND, "append", key="once")

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(append, range(4)))
    assert made[1:] == made[:1] * 3
    assert [item["version"] for item in versions(fresh, path)] == [2, 1]
    assert len(table(fresh, path)) == 5


def objects(server: Server, path: str) -> set[str]:
    settings = server.settings
    listed = open_storage(settings).list_prefix(settings.minio_bucket, "projects/")
    return {item.key for item in listed if path.split("/")[2] in item.key}


def test_deleting_removes_the_objects_of_every_version(
    server: Server, fresh: World, path: str
) -> None:
    sent(fresh, path, SECOND, "append")
    sent(fresh, path, FIRST, "replace")
    for version in (1, 2, 3):
        fresh.api.get(f"{path}/profile", params={"version": version})
    assert len(objects(server, path)) == 9
    assert fresh.api.delete(path).status_code == 204
    assert objects(server, path) == set()
    assert_problem(fresh.api.get(f"{path}/versions"), 404)
    assert_problem(send(fresh, path, SECOND, "replace"), 404)


def test_a_version_that_comes_while_its_dataset_is_deleted(server: Server, fresh: World) -> None:
    for _ in range(3):
        path = f"/datasets/{fresh.upload(FIRST)['dataset_id']}"
        with ThreadPoolExecutor(2) as pool:
            coming = pool.submit(send, fresh, path, SECOND, "append")
            own = server.client(fresh.access_token)
            deleted = pool.submit(own.delete, path)
        assert deleted.result().status_code == 204
        assert coming.result().status_code in {201, 404}
        assert_problem(fresh.api.get(path), 404)
        assert objects(server, path) == set()


def test_a_table_that_went_with_its_dataset_is_unknown_and_not_lost(
    server: Server, fresh: World, path: str, database: Database, tmp_path: Path
) -> None:
    sent(fresh, path, SECOND, "append")
    storage, bucket = open_storage(server.settings), server.settings.minio_bucket
    predictors, limits, later = PredictorPool(memory_mb=0), RateLimits(""), Afterwards("x")
    held = Resources(server.settings, database, database, storage, limits, predictors, later)
    with database.unit(write=False) as unit:
        now = unit.session.get_one(Dataset, path.rsplit("/", 1)[1])
        before = unit.session.scalars(
            select(DatasetVersion).where(DatasetVersion.dataset_id == now.id)
        ).one()
    storage.delete(bucket, before.storage_key)
    with pytest.raises(Gone):
        fetch_table(held, before, tmp_path)
    assert fresh.api.delete(path).status_code == 204
    for facts in (before, now):
        with pytest.raises(NotFound):
            fetch_table(held, facts, tmp_path)


def test_the_sweep_leaves_the_objects_of_earlier_versions(
    server: Server, fresh: World, path: str, database: Database
) -> None:
    sent(fresh, path, SECOND, "replace")
    before = objects(server, path)
    settings = server.settings
    sweep = OrphanSweep(database, open_storage(settings), settings.minio_bucket, old_after_s=-60)
    for _ in range(3):
        # Nothing of this dataset is taken for an orphan, however old it looks.
        assert not any(key in before for key, _ in suspects(sweep, settings.minio_bucket, path))
    assert objects(server, path) == before


def suspects(sweep: OrphanSweep, bucket: str, path: str) -> list[tuple[str, bool]]:
    storage = sweep._storage
    listed = [i for i in storage.list_prefix(bucket, "projects/") if path.split("/")[2] in i.key]
    return list(sweep._without_row(listed))


def test_a_file_that_is_refused_leaves_nothing_behind(
    server: Server, fresh: World, path: str
) -> None:
    before = objects(server, path)
    assert_problem(send(fresh, path, b"a,b\n1,2\n", "append"), 422)
    assert objects(server, path) == before


# -- runs ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first_run(world: World) -> tuple[str, str]:
    """A dataset of two versions, and a finished run of the first."""
    dataset_id = world.upload(EXAMPLE_CSV)["dataset_id"]
    run_id = world.start(dataset_id, seed=3)
    sent(world, f"/datasets/{dataset_id}", EXAMPLE_CSV, "append")
    assert world.wait(run_id)["status"] == "COMPLETED"
    return dataset_id, run_id


def cleaned_rows(user: World, run_id: str) -> int:
    (artifact,) = user.api.get(f"/runs/{run_id}/artifacts", params={"type": "dataset"}).json()
    return int(artifact["metadata"]["rows"])


def test_a_run_goes_on_with_the_version_it_was_started_on(
    world: World, first_run: tuple[str, str]
) -> None:
    status = world.api.get(f"/runs/{first_run[1]}/status").json()
    assert status["dataset_version"] == 1
    plain = world.start(world.upload(EXAMPLE_CSV)["dataset_id"])
    world.wait(plain)
    assert cleaned_rows(world, first_run[1]) == cleaned_rows(world, plain)


def test_a_run_is_made_again_on_the_newest_version(
    world: World, first_run: tuple[str, str]
) -> None:
    dataset_id, run_id = first_run
    answer = world.api.post(f"/runs/{run_id}/rerun")
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "PENDING"
    again = answer.json()["run_id"]
    assert again != run_id
    status = world.wait(again)
    assert status["status"] == "COMPLETED"
    assert status["dataset_version"] == 2
    assert status["dataset_id"] == dataset_id
    assert status["options"] == world.api.get(f"/runs/{run_id}/status").json()["options"]
    assert "version 2" in status["logs"][0]["message"]
    listed = {run["run_id"]: run["dataset_version"] for run in world.api.get("/runs").json()}
    assert (listed[run_id], listed[again]) == (1, 2)


def test_a_version_can_be_named(world: World, first_run: tuple[str, str]) -> None:
    path = f"/runs/{first_run[1]}/rerun"
    answer = world.api.post(path, json={"dataset_version": 1})
    assert answer.status_code == 202
    run_id = answer.json()["run_id"]
    assert world.api.get(f"/runs/{run_id}/status").json()["dataset_version"] == 1
    world.api.post(f"/runs/{run_id}/cancel")
    assert_problem(world.api.post(path, json={"dataset_version": 9}), 404)
    for wrong in ({"dataset_version": 0}, {"dataset_version": "x"}, {"version": 1}):
        assert_problem(world.api.post(path, json=wrong), 422)
    assert_problem(world.api.post(f"/runs/{uuid.uuid4()}/rerun"), 404)


def test_options_that_no_longer_fit(fresh: World) -> None:
    dataset_id = fresh.upload(EXAMPLE_CSV)["dataset_id"]
    run_id = fresh.start(dataset_id, target="price", time_budget_s=5)
    fresh.api.post(f"/runs/{run_id}/cancel")
    other = b"city,size\n" + b"".join(b"Bonn,%d\nGraz,%d\n" % (i, i) for i in range(30))
    sent(fresh, f"/datasets/{dataset_id}", other, "replace")
    problem = assert_problem(fresh.api.post(f"/runs/{run_id}/rerun"), 422)
    assert "price" in problem["detail"]
    assert problem["errors"][0]["location"] == "options.target"
    answer = fresh.api.post(f"/runs/{run_id}/rerun", json={"dataset_version": 1})
    assert answer.status_code == 202
    fresh.api.post(f"/runs/{answer.json()['run_id']}/cancel")


def test_quota_and_key_are_those_of_a_start(fresh: World, database: Database) -> None:
    dataset_id = fresh.upload(EXAMPLE_CSV)["dataset_id"]
    run_id = fresh.start(dataset_id, target="price", time_budget_s=60)
    key = {"Idempotency-Key": "again"}
    once = fresh.api.post(f"/runs/{run_id}/rerun", headers=key).json()["run_id"]
    assert fresh.api.post(f"/runs/{run_id}/rerun", headers=key).json()["run_id"] == once
    other = fresh.api.post(f"/runs/{run_id}/rerun", json={"dataset_version": 1}, headers=key)
    assert_problem(other, 409)
    body = {"dataset_id": dataset_id, "options": {}}
    assert_problem(fresh.api.post("/runs/start", json=body, headers=key), 409)
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: fresh.api.post(f"/runs/{run_id}/rerun"), range(6)))
    assert sorted(answer.status_code for answer in told) == [202, 429, 429, 429, 429, 429]
    refused = next(answer for answer in told if answer.status_code == 429)
    assert refused.headers["Retry-After"]
    with database.unit(write=False) as unit:
        runs = unit.session.scalars(select(Run.id).where(Run.dataset_id == dataset_id)).all()
    assert len(runs) == 3
    for one in runs:
        fresh.api.delete(f"/runs/{one}")


def test_a_run_under_way_does_not_notice_other_types(fresh: World) -> None:
    dataset_id = fresh.upload(EXAMPLE_CSV)["dataset_id"]
    run_id = fresh.start(dataset_id)
    change = {"columns": [{"name": "size", "type": "categorical"}]}
    assert fresh.api.patch(f"/datasets/{dataset_id}", json=change).json()["version"] == 2
    assert fresh.wait(run_id)["status"] == "COMPLETED"
    (artifact,) = fresh.api.get(f"/runs/{run_id}/artifacts", params={"type": "dataset"}).json()
    types = {column["name"]: column["type"] for column in artifact["metadata"]["columns"]}
    assert types["size"] == "integer"
