"""Workbooks of every kind: xls, xlsb, ods and xlsx, their sheets, dates, errors and formulas."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile

import pytest
import xlsxwriter
import xlwt

DAY = dt.datetime.fromisoformat("2024-01-31")


def made(write, **options) -> bytes:
    """A workbook that ``write`` fills."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, options)
    write(book)
    book.close()
    return buffer.getvalue()


def fill(sheet, rows) -> None:
    for i, row in enumerate(rows):
        sheet.write_row(i, 0, row)


def xls(rows, **names) -> bytes:
    book = xlwt.Workbook()
    book.dates_1904 = names.get("dates_1904", False)
    sheet = book.add_sheet("data")
    dates = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            if isinstance(value, dt.datetime):
                sheet.write(i, j, value, dates)
            elif value is not None:
                sheet.write(i, j, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def ods(rows, before: str = "") -> bytes:
    def cell(value) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, bool):
            kind = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
        elif isinstance(value, dt.datetime):
            kind = f'office:value-type="date" office:date-value="{value.date()}"'
        elif isinstance(value, float) and value < 0:
            kind = f'office:value-type="percentage" office:value="{-value}"'
        elif isinstance(value, int | float):
            kind = f'office:value-type="float" office:value="{value}"'
        else:
            kind = 'office:value-type="string"'
        return f"<table:table-cell {kind}><text:p>{value}</text:p></table:table-cell>"

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="data">{before}{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        "</manifest:manifest>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("mimetype", kind)
        target.writestr("META-INF/manifest.xml", manifest)
        target.writestr("content.xml", content)
    return buffer.getvalue()


def xlsb(rows) -> bytes:
    """A workbook in BIFF12, record by record as [MS-XLSB] describes them."""

    def record(number: int, content: bytes = b"") -> bytes:
        head = bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])
        size, length = b"", len(content)
        while length > 127:
            size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
        return head + size + bytes([length]) + content

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(column: int, value) -> bytes:
        place = struct.pack("<II", column, 0)
        if isinstance(value, bool):
            return record(4, place + bytes([value]))
        if isinstance(value, int | float):
            return record(5, place + struct.pack("<d", value))
        if value == "#N/A":
            return record(3, place + b"\x2a")
        return record(6, place + wide(value))

    lines = b"".join(
        record(0, struct.pack("<IIHBBBI", i, 0, 300, 0, 0, 0, 0))
        + b"".join(cell(j, value) for j, value in enumerate(row) if value is not None)
        for i, row in enumerate(rows)
    )
    span = struct.pack("<IIII", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    sheet = record(129) + record(148, span) + record(145) + lines + record(146) + record(130)
    listed = record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("data"))
    book = record(131) + record(143) + listed + record(144) + record(132)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kind}" Target="worksheets/sheet1.bin"/></Relationships>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("xl/workbook.bin", book)
        target.writestr("xl/_rels/workbook.bin.rels", relations)
        target.writestr("xl/worksheets/sheet1.bin", sheet)
    return buffer.getvalue()


ROWS = [
    ["name", "n", "x", "flag"],
    ["Ann", 1, 1.5, True],
    ["Bob", 2, 2.25, False],
    ["Ann", 3, None, True],
]


@pytest.mark.parametrize("kind", [xls, ods, xlsb])
def test_cells_of_older_and_other_workbooks(read, kind):
    table = read(kind(ROWS), f"t.{kind.__name__}")
    assert table.result["read"]["format"] == kind.__name__
    assert table.types == {"name": "categorical", "n": "integer", "x": "number", "flag": "boolean"}
    assert table.rows[0] == {"name": "Ann", "n": 1, "x": 1.5, "flag": True}
    assert table.rows[2]["x"] is None


@pytest.mark.parametrize("kind", [xls, ods])
def test_dates_of_other_workbooks(read, kind):
    table = read(kind([["day", "n"], [DAY, 1], [DAY + dt.timedelta(days=1), 2]]), "t")
    assert table.values("day") == ["2024-01-31T00:00:00", "2024-02-01T00:00:00"]


def test_percentages_of_ods_are_numbers(read):
    assert read(ods([["p", "n"], [-0.125, 1], [-0.5, 2]]), "t.ods").values("p") == [0.125, 0.5]


def test_dates_that_count_from_1904(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["day", "n"])
        style = book.add_format({"num_format": "yyyy-mm-dd"})
        for i in range(2):
            sheet.write_datetime(i + 1, 0, DAY + dt.timedelta(days=i), style)
            sheet.write(i + 1, 1, i)

    for early in (False, True):
        table = read(made(write, date_1904=early), "t.xlsx")
        assert table.values("day") == ["2024-01-31T00:00:00", "2024-02-01T00:00:00"]


def test_errors_are_missing_and_formulas_are_their_values(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "twice", "share"])
        percent = book.add_format({"num_format": "0.0%"})
        for i in range(1, 6):
            sheet.write(i, 0, i)
            sheet.write_formula(i, 1, f"=A{i + 1}*2", None, "#N/A" if i == 3 else 2 * i)
            sheet.write(i, 2, i / 8, percent)

    table = read(made(write), "t.xlsx")
    assert table.values("twice") == [2, 4, None, 8, 10]
    assert table.values("share") == [0.125, 0.25, 0.375, 0.5, 0.625]
    assert read(xlsb([["a", "b"], [1, 2], ["#N/A", 3], [4, 5]]), "t.xlsb").values("a") == [
        1,
        None,
        4,
    ]


def test_blank_rows_and_columns_around_the_table(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        for i, row in enumerate([["a", "b"], [1, "x"], [2, "y"], [3, "x"]]):
            sheet.write_row(i + 4, 3, row)

    table = read(made(write), "t.xlsx")
    assert table.types == {"a": "integer", "b": "categorical"}
    assert table.values("a") == [1, 2, 3]


def test_merged_cells_are_told(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        fill(sheet, [["region", "n"], ["north", 1], ["", 2], ["south", 3]])
        sheet.merge_range(1, 0, 2, 0, "north")

    table = read(made(write), "t.xlsx")
    assert table.values("region") == ["north", None, "south"]
    assert "1 merged area" in table.warning("merged_cells")["message"]


def test_the_sheet_is_chosen_by_its_content(read):
    def write(book) -> None:
        fill(book.add_worksheet("About"), [["How to read this workbook"], [], ["Ask Ann for more"]])
        fill(book.add_worksheet("Orders"), [["a", "b"], *[[i, f"x{i % 3}"] for i in range(50)]])
        fill(book.add_worksheet("Codes"), [["k", "v"], [1, "one"], [2, "two"]])

    table = read(made(write), "t.xlsx")
    assert table.result["read"]["sheet"] == "Orders"
    assert "'About', 'Codes'" in table.warning("sheet")["message"]
    assert list(read(made(write), "t.xlsx", sheet="Codes").types) == ["k", "v"]


def test_a_hidden_sheet_gives_way(read):
    def write(book) -> None:
        hidden = book.add_worksheet("Lists")
        fill(hidden, [["k", "v"], *[[i, i] for i in range(500)]])
        shown = book.add_worksheet("Data")
        fill(shown, [["a", "b"], [1, 2], [3, 4]])
        shown.activate()
        shown.set_first_sheet()
        hidden.hide()

    table = read(made(write), "t.xlsx")
    assert table.result["read"]["sheet"] == "Data"
    assert "'Lists' (hidden)" in table.warning("sheet")["message"]
    assert list(read(made(write), "t.xlsx", sheet="Lists").types) == ["k", "v"]
