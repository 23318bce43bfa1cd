"""Columns of a sheet: values where all cells are of one kind, else text of which nothing is lost."""

from __future__ import annotations

import datetime as dt
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import TooLarge
from app.analysis.ingest import excel
from app.analysis.ingest.cells import cell_text
from app.analysis.ingest.sheet_columns import SheetColumn
from tests.unit.ingest.workbooks import fill, made, xlsb

CELLS = st.one_of(
    st.just(""),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(dt.timedelta(0), dt.timedelta(days=3)),
    st.text("0.1ae ", max_size=3),
)


def gathered(batches, column):
    """A column that took these batches of slices, and what it handed on."""
    arrays = []
    for slices in batches:
        for cells in slices:
            column.take(cells)
        arrays.append(column.batch())
    return column, arrays


def of_one_kind(kind):
    return st.lists(
        st.lists(st.lists(kind, min_size=1, max_size=4), min_size=1, max_size=3), max_size=4
    )


KINDS = (CELLS, st.floats() | st.just(""), st.datetimes() | st.dates() | st.just(""), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.one_of(*map(of_one_kind, KINDS)))
def test_nothing_of_a_cell_is_lost(batches):
    column, arrays = gathered(batches, SheetColumn())
    if column.is_split():
        column, arrays = gathered(batches, column.decided())
        assert not column.is_split()
    found = [value for array in arrays for value in array.to_pylist()]
    cells = [cell for slices in batches for part in slices for cell in part]
    # Beside doubles the engine reads whole numbers as such.
    types = {str(array.type) for array in arrays if array.null_count < len(array)}
    assert len(types) <= 1 or types == {"int64", "double"}
    for cell, value in zip(cells, found, strict=True):
        if isinstance(value, str) or value is None:
            assert value == cell_text(cell)
        elif isinstance(value, dt.datetime) and not isinstance(cell, dt.datetime):
            assert value == dt.datetime.combine(cell, dt.time())
        else:
            assert value == cell
            assert isinstance(value, bool) == isinstance(cell, bool)
    there = [cell for cell in cells if cell_text(cell) is not None]
    assert column.seen.texts == sum(isinstance(cell, str) for cell in there)
    assert column.seen.others == len(there) - column.seen.texts
    if column.kind() == "integer":
        assert all(value is None or abs(value) < 10**18 for value in found)


@pytest.fixture
def _small_batches(monkeypatch):
    monkeypatch.setattr(excel, "_SLICE_CELLS", 1)
    monkeypatch.setattr(excel, "_LEAST_ROWS", 10)
    monkeypatch.setattr(excel, "_BATCH_CELLS", 100)


@pytest.mark.usefixtures("_small_batches")
def test_what_a_column_holds_shows_late(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        fill(sheet, [["late text", "late number", "whole", "code", "late fraction"]])
        for i in range(90):
            sheet.write(i + 1, 0, "n/k" if i == 80 else i + 0.5)
            if i > 70:
                sheet.write(i + 1, 1, i / 4)
            sheet.write(i + 1, 2, 10 * i)
            sheet.write_string(i + 1, 3, f"{i:03d}")
            sheet.write(i + 1, 4, 0.5 if i == 80 else 2**53 + 2 * i)

    table = read(made(write), "t.xlsx")
    frame = table.frame()
    assert table.types["late text"] == "id"
    assert frame["late text"].tolist() == [
        *(f"{i}.5" for i in range(80)),
        "n/k",
        *(f"{i}.5" for i in range(81, 90)),
    ]
    assert "1 text with 89 numbers" in table.warning("mixed_cells")["message"]
    assert table.types["late number"] == "number"
    assert frame["late number"].dropna().tolist() == [i / 4 for i in range(71, 90)]
    assert table.types["whole"] == "integer"
    assert frame["whole"].tolist() == [10 * i for i in range(90)]
    assert table.types["late fraction"] == "number"
    assert frame["late fraction"].tolist() == [
        0.5 if i == 80 else float(2**53 + 2 * i) for i in range(90)
    ]
    assert frame["code"].tolist() == [f"{i:03d}" for i in range(90)]


def as_json(rows) -> str:
    return json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]])


@pytest.mark.parametrize("content", [xlsb, as_json])
def test_a_decimal_comma_is_for_texts_only(read, content):
    # The number 1.234 is no thousand, whatever decimal mark the texts beside it have.
    rows = [["number", "text"], [1.234, "1,5"], [2.345, "2,25"], [3.456, "3,75"]]
    for options in ({}, {"decimal": ","}):
        table = read(content(rows), "t", **options)
        assert table.values("number") == [1.234, 2.345, 3.456]
        assert table.values("text") == [1.5, 2.25, 3.75]


def test_few_cells_that_span_millions_are_refused(read, tmp_path):
    path = tmp_path / "wide.xlsx"
    path.write_bytes(made(lambda book: fill(book.add_worksheet(), [["a", "b"], [1, 2]])))
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    far = b'<row r="3"><c r="XFD3"><v>1</v></c></row><row r="9"><c r="A1048576"><v>1</v></c></row>'
    members[sheet] = members[sheet].replace(b"</sheetData>", far + b"</sheetData>")
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
    with pytest.raises(TooLarge, match="1,048,576 rows and 16,384 columns"):
        read(path.read_bytes(), "t.xlsx")
