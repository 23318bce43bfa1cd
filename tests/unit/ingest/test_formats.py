"""Excel, JSON and Parquet, and what is no table at all."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from app.analysis.errors import BadOption, BadTable, TooLarge, UnsupportedFormat


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd hh:mm"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(i, j, value)
                elif value is not None:
                    sheet.write(i, j, value)
    book.close()
    return buffer.getvalue()


def parquet(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def feather(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pa.feather.write_feather(table, buffer)
    return buffer.getvalue()


# -- Excel -----------------------------------------------------------------------------------


def test_excel_cells_keep_their_kinds(read):
    day = dt.datetime.fromisoformat("2024-01-31T10:05")
    rows = [
        ["name", "n", "x", "when", "flag", "zip"],
        ["Ann", 1, 1.5, day, True, "01234"],
        ["Bob", 2, 2, day, False, "99999"],
        ["Ann", None, 2.25, day + dt.timedelta(days=1), True, "01234"],
    ]
    table = read(workbook({"data": rows}), "t.xlsx")
    assert table.types == {
        "name": "categorical",
        "n": "integer",
        "x": "number",
        "when": "datetime",
        "flag": "boolean",
        "zip": "categorical",
    }
    assert table.rows[0] == {
        "name": "Ann",
        "n": 1,
        "x": 1.5,
        "when": "2024-01-31T10:05:00",
        "flag": True,
        "zip": "01234",
    }
    assert table.rows[2]["n"] is None


def test_excel_sheets(read):
    book = workbook({"empty": [], "one": [["a"], [1], [2]], "two": [["b"], [3], [4]]})
    first = read(book, "t.xlsx")
    assert list(first.types) == ["a"]
    assert "two" in first.warning("sheet")["message"]
    assert list(read(book, "t.xlsx", sheet="two").types) == ["b"]
    assert list(read(book, "t.xlsx", sheet=3).types) == ["b"]
    with pytest.raises(BadOption, match="three"):
        read(book, "t.xlsx", sheet="three")


def test_excel_table_that_begins_further_down(read):
    rows = [["Report"], [], [None, "a", "b"], [None, 1, "x"], [], [None, 2, "y"], [None, 3, "x"]]
    table = read(workbook({"s": rows}), "t.xlsx")
    assert table.types == {"a": "integer", "b": "categorical"}
    assert table.values("a") == [1, 2, 3]
    assert {"preamble", "blank_lines"} <= table.kinds


def test_excel_column_of_mixed_cells_is_told(read):
    table = read(workbook({"s": [["v", "w"], [1, 2], ["two", 3], [3, 4]]}), "t.xlsx")
    assert table.values("v") == ["1", "two", "3"]
    assert table.warning("mixed_cells")["column"] == "v"


def test_excel_without_rows(read):
    with pytest.raises(BadTable, match="empty"):
        read(workbook({"s": []}), "t.xlsx")


def test_excel_with_two_cells_far_apart_is_refused(read):
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, 1)
    book.close()
    with pytest.raises(TooLarge, match="1,048,576 rows"):
        read(buffer.getvalue(), "t.xlsx")


@pytest.mark.parametrize("keep", [200, 2000, -30])
def test_a_cut_workbook_is_told(read, keep):
    with pytest.raises(BadTable):
        read(workbook({"s": [["a"], [1]] * 200})[:keep], "t.xlsx")


def test_a_workbook_with_a_broken_sheet_is_told(read):
    source = zipfile.ZipFile(io.BytesIO(workbook({"s": [["a"], [1]]})))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:60] if "worksheets" in name else content)
    with pytest.raises(BadTable):
        read(buffer.getvalue(), "t.xlsx")


def test_a_zip_bomb_is_refused_by_its_directory(read):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("xl/workbook.xml", b"<workbook/>")
        target.writestr("xl/worksheets/sheet1.xml", bytes(60 * 2**20))
    with pytest.raises(TooLarge):
        read(buffer.getvalue(), "t.xlsx")


# -- JSON ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', "records"),
        ('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', "ndjson"),
        ('{"a": [1, 2], "b": ["x", "y"]}', "columns"),
        ('{"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}}', "columns by index"),
        ('[["a", "b"], [1, "x"], [2, "y"]]', "rows"),
        ('{"data": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "n": 2}', "records under a key"),
        ('{"columns": ["a", "b"], "data": [[1, "x"], [2, "y"]]}', "rows under a key"),
        ('{"data": [[1, "x"], [2, "y"]], "columns": ["a", "b"]}', "rows under a key"),
    ],
)
def test_shapes_of_json(read, text, shape):
    table = read(text, "t.json")
    assert table.rows == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert table.result["read"]["shape"] == shape


def test_json_is_known_by_its_content(read):
    assert read('[{"a": 1}, {"a": 2}]', "t.txt").values("a") == [1, 2]


def test_json_numbers_keep_every_digit(read):
    table = read(
        '[{"n": 9007199254740993, "m": 123456789012345678901}, {"n": 1, "m": 2}]', "t.json"
    )
    assert table.values("n") == [9007199254740993, 1]
    assert table.values("m") == ["123456789012345678901", "2"]


def test_json_tells_null_from_empty_text(read):
    assert read('[{"a": ""}, {"a": null}, {"a": "x"}, {"a": "x"}]', "t.json").values("a") == [
        "",
        None,
        "x",
        "x",
    ]


def test_json_records_may_differ(read):
    table = read('[{"a": 1}, {"b": {"c": "x", "d": [1, 2.50]}}, {"a": 2, "e": true}]', "t.json")
    assert table.rows[1] == {"a": None, "b.c": "x", "b.d": "[1, 2.50]", "e": None}
    assert {"flattened", "nested"} <= table.kinds


def test_json_of_many_records_across_buffers(read):
    records = [{"i": i, "text": "word " * (i % 40), "x": i / 7} for i in range(30_000)]
    table = read("\n".join(map(json.dumps, records)), "t.ndjson")
    frame = table.frame()
    assert frame["i"].tolist() == [r["i"] for r in records]
    assert frame["x"].tolist() == [r["x"] for r in records]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('{"a": 1}\n{"a": \n', 3),
        ('[{"a": 1},\n{"a" 2}]', 2),
        ('[{"a": 1}] x', 1),
        ('{"a": 1}\n5\n', 2),
        ('[{"a": 1}, 7]', 2),
    ],
)
def test_json_that_breaks_says_where(read, text, row):
    with pytest.raises(BadTable) as error:
        read(text, "t.json")
    assert error.value.details["row"] == row


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 5000 + "]" * 5000])
def test_json_that_nests_deep_is_refused(read, text):
    with pytest.raises(BadTable):
        read(text, "t.json")


@pytest.mark.parametrize("text", ["[]", "{}", "[[]]", '{"a": [1], "b": [1, 2]}'])
def test_json_without_a_table(read, text):
    with pytest.raises(BadTable):
        read(text, "t.json")


def test_json_half_characters_do_no_harm(read):
    assert read('[{"\\ud800": "\\udfff!"}]', "t.json").rows == [{"\\ud800": "\\udfff!"}]


# -- Parquet ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_nan_in_parquet_is_missing(read, kind):
    x = pa.array([1.5, math.nan, 2.5], kind)
    for write, name in ((parquet, "t.parquet"), (feather, "t.feather")):
        result = read(write(pa.table({"x": x, "n": [1, 2, 4]})), name)
        assert [c["nullable"] for c in result.result["columns"]] == [True, False]
        assert pq.read_table(result.data).column("x").to_pylist() == [1.5, None, 2.5]
        assert result.values("x") == [1.5, None, 2.5]


def test_parquet_types_are_the_files_own(read):
    table = pa.table(
        {
            "n": pa.array([1, None, 3], pa.int32()),
            "big": pa.array([2**63 + 5, 1, 2], pa.uint64()),
            "x": pa.array([1.5, float("nan"), 2.5]),
            "money": pa.array([1, 2, 3], pa.decimal128(10, 2)),
            "code": ["007", "008", "007"],
            "digits": ["1", "2", "1"],
            "day": pa.array([dt.date(2024, 1, 31)] * 2 + [dt.date(2024, 2, 1)]),
            "zoned": pa.array([1706695500000000, None, 0], pa.timestamp("us", "Europe/Berlin")),
            "flag": [True, None, False],
            "list": [[1, 2], [], [3]],
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        }
    )
    result = read(parquet(table), "t.parquet")
    assert result.types == {
        "n": "integer",
        "big": "id",
        "x": "number",
        "money": "number",
        "code": "categorical",
        "digits": "categorical",
        "day": "datetime",
        "zoned": "datetime",
        "flag": "boolean",
        "list": "id",
        "kind": "categorical",
    }
    assert result.rows[0] == {
        "n": 1,
        "big": "9223372036854775813",
        "x": 1.5,
        "money": 1.0,
        "code": "007",
        "digits": "1",
        "day": "2024-01-31T00:00:00",
        "zoned": "2024-01-31T10:05:00",
        "flag": True,
        "list": "[1,2]",
        "kind": "a",
    }
    assert result.rows[1]["x"] is None


def test_parquet_columns_can_be_given_other_types(read):
    dates = pa.array([0, 86_400_000_000, 1], pa.timestamp("us"))
    content = parquet(pa.table({"a": [1, 2, 2], "b": [0.5, 2.0, None], "d": dates}))
    types = {"a": "categorical", "b": "text", "d": "categorical"}
    result = read(content, "t.parquet", types=types)
    assert result.types == types
    assert [row["a"] for row in result.rows] == ["1", "2", "2"]
    assert [row["b"] for row in result.rows] == ["0.5", "2", None]
    assert read(content, "t.parquet", types={"a": "number"}).types["a"] == "number"
    with pytest.raises(BadTable) as caught:
        read(parquet(pa.table({"a": ["1", "x"]})), "t.parquet", types={"a": "integer"})
    assert (caught.value.details["row"], caught.value.details["column"]) == (2, "a")


def test_parquet_name_that_folders_use_is_no_column(read):
    content = parquet(pa.table({"a": [1, 2, 2]}))
    assert list(read(content, "year=2020.parquet").types) == ["a"]


@pytest.mark.parametrize("change", ["cut", "flip", "tail"])
def test_damaged_parquet_is_told(read, change):
    content = bytearray(parquet(pa.table({"a": list(range(5000)), "b": ["x"] * 5000})))
    if change == "cut":
        del content[len(content) // 2 :]
    elif change == "flip":
        content[10:200] = b"\xff" * 190
    else:
        content[-12:-4] = b"\xff" * 8
    with pytest.raises(BadTable, match="damaged"):
        read(bytes(content), "t.parquet")


# -- no tables -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n1 0 obj",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"MZ\x90\x00" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"\xff\xd8\xff\xe0" + bytes(range(256)),
        b"<!DOCTYPE html><html><table><tr><td>1</td></tr></table></html>",
        b"<?xml version='1.0'?><a/>",
        bytes(1000),
        bytes(range(256)) * 20,
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
    ],
)
@pytest.mark.parametrize("name", ["table.csv", "table.xlsx", "table"])
def test_what_is_no_table_is_refused(read, content, name):
    with pytest.raises(UnsupportedFormat):
        read(content, name)


def test_another_office_document_is_refused(read):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("word/document.xml", "<document/>")
    with pytest.raises(UnsupportedFormat):
        read(buffer.getvalue(), "letter.xlsx")


def test_a_header_that_begins_like_a_format_is_a_header(read):
    assert list(read("ORC,RIFF\n1,2\n3,4\n").types) == ["ORC", "RIFF"]


def test_an_option_of_another_format_is_refused(read):
    with pytest.raises(BadOption):
        read(parquet(pa.table({"a": [1]})), "t.parquet", delimiter=";")
    with pytest.raises(BadOption):
        read('[{"a": 1}]', "t.json", sheet=1)


@pytest.mark.parametrize("name", ["t.csv", "t.txt"])
def test_addresses_in_brackets_are_no_json(read, name):
    table = read("address\n[10.0.0.1]\n[10.0.0.2]\n", name)
    assert table.values("address") == ["[10.0.0.1]", "[10.0.0.2]"]
    bare = read("[248.128.0.120]\n[248.128.0.141]\n[248.128.1.37]\n", name)
    assert bare.result["read"]["format"] == "csv"
    assert read("[[1, 2.5], [-3e2, 4]]", name).result["read"]["format"] == "json"


@pytest.mark.parametrize("text", ['{"a": [], "b": []}', '[["a", "b"]]', '{"about": 1, "a": []}'])
def test_json_that_declares_columns_and_has_no_rows(read, text):
    table = read(text, "t.json")
    assert table.result["rows"] == 0
    assert next(iter(table.types)) == "a"
    assert "no_rows" in table.kinds
