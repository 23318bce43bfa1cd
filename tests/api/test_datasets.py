"""Datasets, line by line of the contract."""

import http.client
import io
import json
import socket
import uuid

import pyarrow.parquet as pq
import pytest

from tests.api.world import EXAMPLE_CSV, assert_problem

PEOPLE = (
    b"id,name,born,height,member,city,note,unit\n"
    b"1,Ada,1815-12-10,1.65,yes,London,wrote the first program,cm\n"
    b"2,Grace,1906-12-09,1.70,no,New York,found the first bug,cm\n"
    b"3,Alan,1912-06-23,,yes,London,asked whether machines think,cm\n"
    b"4,Edsger,1930-05-11,1.88,no,Austin,,cm\n"
)


@pytest.fixture(scope="module")
def dataset(world):
    return world.upload(PEOPLE, "people.csv")


def test_an_upload_is_told_as_it_was_read(dataset):
    assert {"dataset_id", "filename", "rows", "cols", "size_bytes", "preview", "warnings"} <= set(
        dataset
    )
    assert (dataset["filename"], dataset["rows"], dataset["cols"]) == ("people.csv", 4, 8)
    assert dataset["size_bytes"] == len(PEOPLE)
    types = {column["name"]: column["type"] for column in dataset["preview"]["columns"]}
    assert types["born"] == "datetime"
    assert types["height"] == "number"
    assert types["note"] == "text"
    assert types["unit"] == "constant"
    assert types["id"] == "id"
    first, third = dataset["preview"]["first_rows"][0], dataset["preview"]["first_rows"][2]
    assert first["name"] == "Ada"
    assert third["height"] is None


def test_columns_that_seem_personal_are_flagged(world):
    lines = "".join(f"user{n}@example.org,{n}\n" for n in range(30))
    uploaded = world.upload(f"mail,n\n{lines}".encode())
    for columns in (
        uploaded["preview"]["columns"],
        world.api.get(f"/datasets/{uploaded['dataset_id']}").json()["columns"],
    ):
        assert [column["sensitive"] for column in columns] == ["email", None]
        assert columns[0]["sensitive_reason"] == "all 30 sampled values are e-mail addresses"


def test_it_is_in_the_list_and_by_itself(world, dataset):
    answer = world.api.get("/datasets", params={"project_id": world.project_id})
    assert answer.status_code == 200
    mine = [item for item in answer.json() if item["id"] == dataset["dataset_id"]]
    assert len(mine) == 1
    item = mine[0]
    for field in ("id", "project_id", "filename", "rows", "cols", "columns", "uploaded_at"):
        assert field in item
    assert item["uploaded_at"].endswith("Z")
    assert {"name", "type", "nullable"} <= set(item["columns"][0])
    assert int(answer.headers["X-Total-Count"]) >= 1
    one = world.api.get(f"/datasets/{dataset['dataset_id']}").json()
    assert one == item
    assert world.api.get("/datasets/").json() == world.api.get("/datasets").json()


def test_lists_have_pages(fresh):
    ids = [fresh.upload(filename=f"{n}.csv")["dataset_id"] for n in range(3)]
    first = fresh.api.get("/datasets", params={"limit": 2})
    assert [item["id"] for item in first.json()] == ids[:0:-1]
    assert first.headers["X-Total-Count"] == "3"
    assert 'rel="next"' in first.headers["Link"]
    following = first.headers["Link"].split(">")[0].lstrip("<")
    second = fresh.api.get(following)
    assert [item["id"] for item in second.json()] == ids[:1]
    assert 'rel="prev"' in second.headers["Link"]
    for wrong in ({"limit": 0}, {"limit": 501}, {"offset": -1}, {"limit": "x"}):
        assert_problem(fresh.api.get("/datasets", params=wrong), 422)


def test_the_preview(world, dataset):
    path = f"/datasets/{dataset['dataset_id']}/preview"
    answer = world.api.get(path, params={"rows": 2}).json()
    assert len(answer["first_rows"]) == 2
    assert answer["rows_total"] == 4
    assert "NaN" not in world.api.get(path).text
    for rows in (0, 1001):
        assert_problem(world.api.get(path, params={"rows": rows}), 422)


def test_the_profile_is_computed_once_and_kept(world, dataset):
    path = f"/datasets/{dataset['dataset_id']}/profile"
    answer = world.api.get(path)
    assert answer.status_code == 200, answer.text
    profile = answer.json()
    assert {"dataset", "columns", "associations", "alerts"} <= set(profile)
    assert profile["dataset"]["rows"] == 4
    height = next(column for column in profile["columns"] if column["name"] == "height")
    assert height["missing"] == 1
    assert height["mean"] == pytest.approx((1.65 + 1.70 + 1.88) / 3)
    assert world.api.get(path).json() == profile


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
@pytest.mark.parametrize("cleaned", [False, True])
def test_downloads(world, dataset, kind, cleaned):
    answer = world.api.get(
        f"/datasets/{dataset['dataset_id']}/download", params={"format": kind, "cleaned": cleaned}
    )
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    if kind == "csv":
        lines = answer.text.splitlines()
        assert lines[0].startswith("id,name,born")
        assert len(lines) == 5
    elif kind == "parquet":
        assert pq.read_table(io.BytesIO(answer.content)).num_rows == 4
    else:
        assert answer.content[:2] == b"PK"


def test_a_csv_for_excel_has_a_mark(world, dataset):
    path = f"/datasets/{dataset['dataset_id']}/download"
    assert world.api.get(path, params={"bom": True}).content[:3] == b"\xef\xbb\xbf"
    assert world.api.get(path).content[:3] != b"\xef\xbb\xbf"


def test_text_that_a_spreadsheet_would_run_is_neutralised(world):
    made = world.upload(b"who,what,n\na,=1+1,-5\nb,@x y,-6\nc,plain words,7\n", "f.csv")
    text = world.api.get(f"/datasets/{made['dataset_id']}/download").text
    assert "'=1+1" in text
    assert "'@x y" in text
    assert ",-5" in text


def test_names_and_types_can_be_changed(world):
    made = world.upload(b"code,n\n007,1\n008,2\n007,3\n", "codes.csv")
    path = f"/datasets/{made['dataset_id']}"
    assert made["preview"]["columns"][0]["type"] == "categorical"
    answer = world.api.patch(path, json={"filename": "../x/renamed.csv"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["filename"] == "renamed.csv"
    answer = world.api.patch(path, json={"columns": [{"name": "n", "type": "number"}]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["columns"][1]["type"] == "number"
    assert world.api.get(path).json()["columns"][1]["type"] == "number"


def test_a_type_that_a_value_cannot_be_is_refused(world):
    made = world.upload(b"word,n\none,1\ntwo,2\nfour,x\n", "w.csv")
    path = f"/datasets/{made['dataset_id']}"
    problem = assert_problem(
        world.api.patch(path, json={"columns": [{"name": "word", "type": "number"}]}), 422
    )
    assert "one" in problem["detail"]
    assert problem["errors"]
    for wrong in (
        {"columns": [{"name": "nowhere", "type": "number"}]},
        {"columns": [{"name": "word", "type": "no such type"}]},
        {"rows": 7},
        {"filename": ""},
    ):
        assert_problem(world.api.patch(path, json=wrong), 422)


def test_reading_options(world):
    made = world.upload(b"a;b\n1,5;x\n2,5;y\n", "d.txt", delimiter=";", decimal=",")
    assert made["preview"]["first_rows"][0]["a"] == 1.5
    typed = world.upload(b"a,b\n1,2\n3,4\n", "t.csv", types=json.dumps({"a": "categorical"}))
    assert typed["preview"]["columns"][0]["type"] == "categorical"
    for wrong in ({"types": "no json"}, {"header_row": "x"}, {"colour": "red"}):
        files = {"file": ("t.csv", b"a,b\n1,2\n")}
        assert_problem(world.api.post("/datasets/upload", files=files, data=wrong), 422)


@pytest.mark.parametrize(
    ("content", "filename", "status"),
    [
        (b"", "empty.csv", 422),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "picture.png", 415),
        (b"%PDF-1.7\n" + bytes(range(256)) * 20, "paper.csv", 415),
        (b"PAR1" + b"\x00" * 100 + b"PAR1", "broken.parquet", 422),
        (b'{"a": [1, 2', "cut.json", 422),
        (b"PK\x03\x04" + b"\x00" * 200, "broken.xlsx", 422),
    ],
)
def test_what_is_no_table_is_refused(world, content, filename, status):
    before = world.api.get("/datasets").headers["X-Total-Count"]
    answer = world.api.post("/datasets/upload", files={"file": (filename, content)})
    problem = assert_problem(answer, status)
    assert "/tmp" not in answer.text
    assert "Traceback" not in answer.text
    assert len(problem["detail"]) > 15
    assert world.api.get("/datasets").headers["X-Total-Count"] == before


def test_a_form_without_a_file_or_of_another_kind(world):
    assert_problem(world.api.post("/datasets/upload", files={"other": ("a.csv", b"a\n1\n")}), 422)
    assert_problem(world.api.post("/datasets/upload", json={"file": "x"}), 415)
    assert_problem(world.api.post("/datasets/upload"), 415)
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\n1,'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert_problem(world.api.post("/datasets/upload", content=cut, headers=headers), 400)
    assert_problem(
        world.api.post(
            "/datasets/upload", content=b"x", headers={"Content-Type": "multipart/form-data"}
        ),
        415,
    )


def test_an_upload_into_a_foreign_or_unknown_project(world, stranger):
    for project_id in (stranger.project_id, str(uuid.uuid4()), "no id"):
        answer = world.api.post(
            "/datasets/upload",
            files={"file": ("a.csv", EXAMPLE_CSV)},
            data={"project_id": project_id},
        )
        assert_problem(answer, 404)


def test_names_are_never_paths(world):
    made = world.upload(filename="../../../etc/cron.d/evil.csv")
    assert made["filename"] == "evil.csv"


def test_deleting_ends_everything(world):
    made = world.upload()
    path = f"/datasets/{made['dataset_id']}"
    assert world.api.delete(path).status_code == 204
    for gone in (path, f"{path}/preview", f"{path}/profile", f"{path}/download"):
        assert_problem(world.api.get(gone), 404)
    assert_problem(world.api.delete(path), 404)


def test_two_datasets_are_compared(world, dataset):
    other = world.upload(b"name,height,planet\n" + b"Ada,1.6,Bonn\nBob,1.8,Graz\n" * 40)
    path = f"/datasets/{dataset['dataset_id']}/compare/{other['dataset_id']}"
    answer = world.api.get(path)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["a"]["rows"], found["b"]["rows"]) == (4, 80)
    assert "planet" in [column["name"] for column in found["schema"]["added"]]
    height = next(column for column in found["columns"] if column["name"] == "height")
    assert height["verdict"] == "too_few_rows"
    assert world.api.get(path).json() == found


def test_versions_of_a_dataset_are_compared(fresh):
    first = fresh.upload(b"kind,x\n" + b"a,1\nb,2\n" * 50)["dataset_id"]
    files = {"file": ("new.csv", b"kind,x\n" + b"a,1\nc,2\n" * 50)}
    path = f"/datasets/{first}"
    sent = fresh.api.post(f"{path}/versions", files=files, data={"mode": "replace"})
    assert sent.status_code == 201, sent.text
    found = fresh.api.get(f"{path}/compare/{first}", params={"version": 1}).json()
    kind = next(column for column in found["columns"] if column["name"] == "kind")
    assert (kind["verdict"], kind["new"]["values"][0]["value"]) == ("strong", "c")
    same = fresh.api.get(f"{path}/compare/{first}", params={"version": 1, "other_version": 1})
    assert same.json()["schema"]["same"] is True
    assert_problem(fresh.api.get(f"{path}/compare/{first}", params={"other_version": 9}), 404)


def send_raw(server, token, head, body):
    """What the server answers to bytes that no client library would send: status and body."""
    host, port = server.base_url.removeprefix("http://").split(":")
    lines = [
        "POST /datasets/upload HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {token}",
        "Content-Type: multipart/form-data; boundary=b",
        *head,
        "",
        "",
    ]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, json.loads(answer.read())


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server, world):
    length = server.settings.max_upload_bytes * 2
    status, problem = send_raw(
        server, world.access_token, [f"Content-Length: {length}"], b"--b\r\n"
    )
    assert status == 413
    assert problem["status"] == 413
    assert "MB" in problem["detail"]


def test_nobody_uploads_without_a_sign_in_and_nothing_is_read(server):
    length = server.settings.max_upload_bytes // 2
    status, problem = send_raw(server, "x", [f"Content-Length: {length}"], b"--b\r\n")
    assert status == 401
    assert problem["status"] == 401
