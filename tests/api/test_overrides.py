"""What was guessed is said otherwise: at the upload, and afterwards, column by column."""

from __future__ import annotations

import io
import json
from typing import Any

import openpyxl
import pytest

from app.analysis.schema import COLUMN_TYPES
from tests.api.world import World, assert_problem

TABLE = (
    b"whole,real,truth,day,word,line,code,unit\n"
    b"1,1.5,yes,2024-01-31,red,paid too late,a1,cm\n"
    b"0,2.5,no,2024-02-01,blue,came back once,b2,cm\n"
    b"1,,yes,2024-02-01,red,never seen again,c3,cm\n"
)
FOUND = {
    "whole": "integer",
    "real": "number",
    "truth": "categorical",
    "day": "datetime",
    "word": "categorical",
    "line": "text",
    "code": "id",
    "unit": "constant",
}


def book() -> bytes:
    """A workbook of two sheets with tables."""
    made = openpyxl.Workbook()
    made.active.title = "First"
    for row in [["a", "b"], [1, "x"], [2, "y"]]:
        made.active.append(row)
    second = made.create_sheet("Second")
    for row in [["note"], ["c", "d"], [3, "z"], [4, "z"], [5, "w"]]:
        second.append(row)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def path(world: World) -> str:
    made = world.upload(TABLE, "kinds.csv")
    types = {column["name"]: column["type"] for column in made["preview"]["columns"]}
    assert types == FOUND
    return f"/datasets/{made['dataset_id']}"


# Which types each column can be given, and what its first cell is then.
FITTING: list[tuple[str, str, Any]] = [
    ("whole", "number", 1.0),
    ("whole", "boolean", True),
    ("whole", "categorical", "1"),
    ("whole", "text", "1"),
    ("whole", "id", 1),
    ("real", "text", "1.5"),
    ("truth", "boolean", True),
    ("day", "categorical", "2024-01-31"),
    ("word", "text", "red"),
    ("line", "categorical", "paid too late"),
    ("code", "text", "a1"),
    ("unit", "categorical", "cm"),
    ("unit", "constant", "cm"),
]
# Which it cannot, and the row and the cell that stand against it.
CONTRARY: list[tuple[str, str, int | None, str]] = [
    ("real", "integer", 1, "1.5"),
    ("real", "boolean", 1, "1.5"),
    ("truth", "integer", 1, "yes"),
    ("day", "number", 1, "2024-01-31"),
    ("word", "datetime", 1, "red"),
    ("line", "number", 1, "paid too late"),
    ("code", "boolean", 1, "a1"),
    ("word", "constant", None, "more than one value"),
]


@pytest.mark.parametrize(("name", "kind", "first"), FITTING)
def test_a_column_is_given_another_type(
    world: World, path: str, name: str, kind: str, first: Any
) -> None:
    before = world.api.get(path).json()
    answer = world.api.patch(path, json={"columns": [{"name": name, "type": kind}]})
    assert answer.status_code == 200, answer.text
    (column,) = [one for one in answer.json()["columns"] if one["name"] == name]
    assert column["type"] == kind
    rows = world.api.get(f"{path}/preview").json()["first_rows"]
    assert (rows[0][name], type(rows[0][name])) == (first, type(first))
    others = {one["name"]: one["type"] for one in before["columns"] if one["name"] != name}
    kept = {one["name"]: one["type"] for one in answer.json()["columns"] if one["name"] != name}
    assert kept == others
    back = world.api.patch(path, json={"columns": [{"name": name, "type": FOUND[name]}]})
    assert back.status_code == 200, back.text
    assert {one["name"]: one["type"] for one in back.json()["columns"]} == FOUND


@pytest.mark.parametrize(("name", "kind", "row", "why"), CONTRARY)
def test_a_type_that_does_not_fit_is_refused_with_column_and_reason(
    world: World, path: str, name: str, kind: str, row: int | None, why: str
) -> None:
    before = world.api.get(path).json()
    asked = {"columns": [{"name": "whole", "type": "number"}, {"name": name, "type": kind}]}
    patched = world.api.patch(path, json=asked)
    files = {"file": ("kinds.csv", io.BytesIO(TABLE))}
    uploaded = world.api.post(
        "/datasets/upload", files=files, data={"types": json.dumps({name: kind})}
    )
    for answer in (patched, uploaded):
        problem = assert_problem(answer, 422)
        assert problem["column"] == name
        assert why in problem["detail"]
        (error,) = problem["errors"]
        assert f"column {name}" in error["location"]
        if row is not None:
            assert problem["row"] == row
            assert error["location"] == f"row {row}, column {name}"
    # All or nothing: not even the change that would have fitted.
    assert world.api.get(path).json() == before


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"columns": [{"name": "nowhere", "type": "text"}]}, "body.columns"),
        ({"columns": [{"name": "word", "type": "float"}]}, "body.columns[0].type"),
        ({"columns": [{"name": "word"}]}, "body.columns[0].type"),
        ({"columns": [{"type": "text"}]}, "body.columns[0].name"),
        ({"columns": [{"name": "word", "type": "text", "why": 1}]}, "body.columns[0].why"),
        ({"columns": {"word": "text"}}, "body.columns"),
        ({"filename": 7}, "body.filename"),
        ({"filename": ""}, "body.filename"),
        ({"types": {"word": "text"}}, "body.types"),
    ],
)
def test_a_wrong_change_is_told_where(
    world: World, path: str, body: dict[str, Any], location: str
) -> None:
    problem = assert_problem(world.api.patch(path, json=body), 422)
    assert [error["location"] for error in problem["errors"]] == [location]


def test_every_type_is_among_the_overrides() -> None:
    assert {kind for _, kind, _ in FITTING} | {kind for _, kind, *_ in CONTRARY} == set(
        COLUMN_TYPES
    )


@pytest.mark.parametrize(
    ("content", "filename", "fields", "first"),
    [
        (b"a|b\n1,5|x\n", "t.csv", {"delimiter": "|", "decimal": ","}, {"a": 1.5, "b": "x"}),
        (b"a\tb\n1\tx\n", "t.txt", {"delimiter": "tab"}, {"a": 1, "b": "x"}),
        ("a,b\n1,größer\n".encode("cp1252"), "t.csv", {"encoding": "cp1252"}, {"a": 1, "b": "größer"}),
        (b"note\na,b\n1,x\n", "t.csv", {"header_row": "2"}, {"a": 1, "b": "x"}),
        (book(), "t.xlsx", {"sheet": "First"}, {"a": 1, "b": "x"}),
        (book(), "t.xlsx", {"sheet": "2", "header_row": "2"}, {"c": 3, "d": "z"}),
        (b"a,b\n1,007\n", "t.csv", {"types": '{"b": "integer"}'}, {"a": 1, "b": 7}),
        (b"a,b\n1,x\n", "t.csv", {"delimiter": "", "types": "", "project_id": ""}, {"a": 1, "b": "x"}),
    ],
)  # fmt: skip
def test_each_field_of_an_upload_is_heeded(
    world: World, content: bytes, filename: str, fields: dict[str, str], first: dict[str, Any]
) -> None:
    assert world.upload(content, filename, **fields)["preview"]["first_rows"][0] == first


@pytest.mark.parametrize(
    ("fields", "filename"),
    [
        ({"delimiter": "ab"}, "t.csv"),
        ({"delimiter": "x"}, "t.csv"),
        ({"encoding": "latin-99"}, "t.csv"),
        ({"encoding": "base64"}, "t.csv"),
        ({"header_row": "first"}, "t.csv"),
        ({"header_row": "-1"}, "t.csv"),
        ({"header_row": "1.5"}, "t.csv"),
        ({"decimal": ";"}, "t.csv"),
        ({"types": "a=text"}, "t.csv"),
        ({"types": "[]"}, "t.csv"),
        ({"types": '{"a": "float"}'}, "t.csv"),
        ({"types": '{"a": ["text"]}'}, "t.csv"),
        ({"types": '{"nowhere": "text"}'}, "t.csv"),
        ({"sheet": "First"}, "t.csv"),
        ({"table": "one"}, "t.csv"),
        ({"sheet": "Third"}, "t.xlsx"),
        ({"sheet": "9"}, "t.xlsx"),
        ({"delimiter": ","}, "t.xlsx"),
    ],
)
def test_a_wrong_field_of_an_upload_is_named(
    world: World, fields: dict[str, str], filename: str
) -> None:
    content = book() if filename.endswith("xlsx") else b"a,b\n1,x\n2,y\n"
    files = {"file": (filename, io.BytesIO(content))}
    problem = assert_problem(world.api.post("/datasets/upload", files=files, data=fields), 422)
    (field,) = fields
    assert [error["location"] for error in problem["errors"]] == [f"body.{field}"]
    assert len(problem["detail"]) > 10
    if field == "types" and fields["types"].startswith('{"'):
        assert next(iter(json.loads(fields["types"]))) in problem["detail"]
