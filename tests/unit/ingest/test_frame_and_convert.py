"""Datasets as frames, and files converted on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.analysis.errors import BadOption
from app.analysis.ingest.convert import convert
from app.analysis.ingest.frame import load_frame, load_frames

TABLE = (
    "n,m,x,flag,maybe,when,word\n"
    "1,1,1.5,true,true,2024-01-31,a\n2,,2,false,,,b\n3,3,,true,false,2024-02-01,\n"
)


def test_frame_dtypes_follow_the_schema(read):
    frame = read(TABLE).frame()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "n": "int64",
        "m": "float64",
        "x": "float64",
        "flag": "bool",
        "maybe": "object",
        "when": "datetime64[us]",
        "word": "object",
    }
    assert frame["word"].tolist() == ["a", "b", None]
    assert frame["maybe"].tolist() == [True, None, False]
    assert np.isnan(frame["m"][1])
    assert frame["when"].isna().tolist() == [False, True, False]


def test_frame_of_some_columns_in_the_order_asked(read):
    table = read(TABLE)
    columns = {column["name"]: column for column in table.result["columns"]}
    frame = load_frame(table.data, [columns["x"], columns["n"]])
    assert list(frame.columns) == ["x", "n"]


def test_a_frame_in_pieces(read):
    table = read(TABLE)
    pieces = list(load_frames(table.data, table.result["columns"], 2))
    assert [len(piece) for piece in pieces] == [2, 1]
    assert [list(piece) for piece in pieces] == [list(table.frame())] * 2
    assert pieces[1]["m"].tolist() == [3]
    assert pieces[1]["word"].tolist() == [None]


def test_frame_without_rows(read):
    frame = read("a,b\n").frame()
    assert list(frame.columns) == ["a", "b"]
    assert len(frame) == 0


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    (source / "a.csv").write_text("k;v\n1;2,5\n2;3,5\n")
    (source / "sub" / "data[1].csv").write_text("k,v\n007,x\n008,y\n")
    (source / "year=2020.json").write_text('[{"k": 1}, {"k": 2}]')
    (source / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (source / ".hidden").write_text("x")
    (source / ".folder").mkdir()
    (source / ".folder" / "y.csv").write_text("a,b\n1,2\n")
    return source


def test_convert_a_folder(folder, tmp_path):
    told = []
    out = tmp_path / "out"
    outcomes = convert([folder], out, "csv", {}, told.append)
    assert outcomes == told
    assert [outcome.error for outcome in outcomes if outcome.error] == [
        next(o.error for o in outcomes if o.source.name == "picture.png")
    ]
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()) == [
        "a.csv",
        "a.schema.json",
        "sub/data[1].csv",
        "sub/data[1].schema.json",
        "year=2020.csv",
        "year=2020.schema.json",
    ]
    assert (out / "a.csv").read_text() == 'k,v\n1,"2,5"\n2,"3,5"\n'
    assert (out / "sub" / "data[1].csv").read_text() == "k,v\n007,x\n008,y\n"
    schema = json.loads((out / "a.schema.json").read_text())
    assert [column["type"] for column in schema["columns"]] == ["integer", "number"]
    assert schema["read"]["delimiter"] == ";"


def test_convert_to_parquet_twice_writes_over(folder, tmp_path):
    out = tmp_path / "out"
    for _ in range(2):
        (outcome,) = convert([folder / "a.csv"], out, "parquet", {}, lambda _: None)
        assert outcome.written == out / "a.parquet"
        assert outcome.rows == 2
    assert load_frame(out / "a.parquet", [{"name": "v", "type": "number"}])["v"].tolist() == [
        2.5,
        3.5,
    ]


def test_convert_keeps_two_sources_of_one_name_apart(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    (tmp_path / "t.json").write_text('[{"a": 1}]')
    outcomes = convert(
        [tmp_path / "t.csv", tmp_path / "t.json"], tmp_path / "out", "csv", {}, print
    )
    assert [o.written.name for o in outcomes] == ["t.csv.csv", "t.json.csv"]


def test_a_csv_holds_each_cell_as_it_was_spelled_and_parquet_its_value(tmp_path):
    text = "day,price,share\n24.12.2025,$ 5.00,12.5 %\n31.12.2025,NA,7 %\n"
    (tmp_path / "t.csv").write_text(text)
    convert([tmp_path / "t.csv"], tmp_path / "out", "csv", {}, lambda _: None)
    convert([tmp_path / "t.csv"], tmp_path / "typed", "parquet", {}, lambda _: None)
    assert (tmp_path / "out" / "t.csv").read_text() == text.replace("NA", "")
    schema = json.loads((tmp_path / "out" / "t.schema.json").read_text())
    types = ["datetime", "number", "number"]
    values = load_frame(tmp_path / "typed" / "t.parquet", schema["columns"])
    assert values["share"].tolist() == [12.5, 7.0]
    assert [column["type"] for column in schema["columns"]] == types


def test_convert_does_not_neutralise(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n=1+1,x\n=2,y\n")
    convert([tmp_path / "t.csv"], tmp_path / "out", "csv", {}, lambda _: None)
    assert (tmp_path / "out" / "t.csv").read_text() == "a,b\n=1+1,x\n=2,y\n"


def test_convert_tells_a_missing_file(tmp_path):
    (outcome,) = convert([tmp_path / "none.csv"], tmp_path / "out", "csv", {}, lambda _: None)
    assert outcome.error
    assert str(tmp_path) not in outcome.error


def test_convert_refuses_bad_options(tmp_path):
    with pytest.raises(BadOption):
        convert([tmp_path], tmp_path / "out", "csv", {"sep": ","}, lambda _: None)
