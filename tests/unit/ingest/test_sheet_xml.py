"""Sheets of xlsx looked through first: refused, or copied with their merged areas in front."""

from __future__ import annotations

import datetime as dt
import gc
import io
import zipfile

import pytest

from app.analysis.errors import BadTable, TooLarge
from app.analysis.ingest import excel, sheet_xml
from app.analysis.ingest.garbage import rarely_collected
from tests.unit.ingest.workbooks import fill, made

SHEET = "xl/worksheets/sheet1.xml"
ROWS = [["region", "n"], ["north", 1], ["", 2], ["south", 3], ["", 4]]


@pytest.fixture(params=[2**20, 0], ids=["as it is", "copied"])
def _large_from(request, monkeypatch):
    monkeypatch.setattr(sheet_xml, "_LARGE_BYTES", request.param)


@pytest.fixture
def _all_large(monkeypatch):
    monkeypatch.setattr(sheet_xml, "_LARGE_BYTES", 0)


def with_merged_areas() -> bytes:
    def write(book) -> None:
        sheet = book.add_worksheet()
        fill(sheet, ROWS)
        sheet.merge_range(1, 0, 2, 0, "north")
        sheet.merge_range(3, 0, 4, 0, "south")

    return made(write)


def changed(content: bytes, change, sheet: str = SHEET) -> bytes:
    """A workbook whose sheet ``change`` has rewritten."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            xml = source.read(name)
            target.writestr(name, change(xml) if name == sheet else xml)
    return buffer.getvalue()


def looked_through(content: bytes, folder):
    path = folder / "t.xlsx"
    path.write_bytes(content)
    return path, sheet_xml.look_through(path, folder)


def sheet_of(path) -> bytes:
    with zipfile.ZipFile(path) as container:
        assert container.testzip() is None
        return container.read(SHEET)


DAY = dt.datetime.fromisoformat("2024-01-01")
MOMENT = dt.datetime.fromisoformat("2024-01-01T06:30:15")
KINDS = {
    "whole": ("integer", lambda i: 3 * i),
    "fraction": ("number", lambda i: i / 4),
    "share": ("number", lambda i: i / 8),
    "day": ("datetime", lambda i: DAY + dt.timedelta(days=i)),
    "moment": ("datetime", lambda i: MOMENT + dt.timedelta(hours=i)),
    "time": ("id", lambda i: f"{i // 2:02d}:{i % 2 * 30:02d}:00"),
    "duration": ("id", lambda i: f"{24 + i // 2:02d}:{i % 2 * 30:02d}:00"),
    "truth": ("boolean", lambda i: i % 3 == 0),
    "code": ("id", lambda i: f"{i:04d}"),
    "mixed": ("categorical", lambda i: str(i) if i % 5 else "n/k"),
    "day or text": ("id", lambda i: f"2024-01-{i:02d}" if i % 29 else "later"),
    "gaps": ("integer", lambda i: i if i % 4 else None),
    "error": ("integer", lambda i: i if i != 7 else None),
    "late truth": ("boolean", lambda i: True if i > 20 else None),
    "errors": ("constant", lambda i: None),
}


def of_every_kind(book) -> None:
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, KINDS)
    style = {
        name: book.add_format({"num_format": shown})
        for name, shown in {
            "share": "0.0%",
            "day": "yyyy-mm-dd",
            "moment": "yyyy-mm-dd hh:mm:ss",
            "time": "hh:mm:ss",
            "duration": "[h]:mm:ss",
        }.items()
    }
    for i in range(1, 31):
        for j, (name, (_, value)) in enumerate(KINDS.items()):
            cell = value(i)
            if name in ("time", "duration"):
                sheet.write_number(i, j, i / 48 + (name == "duration"), style[name])
            elif isinstance(cell, dt.datetime):
                sheet.write_datetime(i, j, cell, style[name])
            elif name == "day or text" and cell != "later":
                sheet.write_datetime(i, j, dt.datetime.fromisoformat(cell), style["day"])
            elif name == "mixed" and cell != "n/k":
                sheet.write_number(i, j, i)
            elif name in ("error", "errors"):
                sheet.write_formula(i, j, "=1/A1", None, "#DIV/0!" if cell is None else cell)
            elif isinstance(cell, str):
                sheet.write_string(i, j, cell)
            elif cell is not None:
                sheet.write(i, j, cell, style.get(name))


@pytest.mark.usefixtures("_large_from")
@pytest.mark.parametrize("rows_at_a_time", [4, 1000])
def test_every_kind_of_cell_keeps_its_type_and_value(read, monkeypatch, rows_at_a_time):
    monkeypatch.setattr(excel, "_SLICE_CELLS", 1)
    monkeypatch.setattr(excel, "_LEAST_ROWS", rows_at_a_time)
    monkeypatch.setattr(excel, "_BATCH_CELLS", rows_at_a_time * len(KINDS))
    table = read(made(of_every_kind), "t.xlsx")
    assert table.types == {name: kind for name, (kind, _) in KINDS.items()}
    for name, (_, value) in KINDS.items():
        told = [
            cell.isoformat() if isinstance(cell, dt.datetime) else cell
            for cell in map(value, range(1, 31))
        ]
        assert table.values(name) == told, name
        assert [type(cell) for cell in table.values(name)] == [type(cell) for cell in told]
    mixed = [w["column"] for w in table.result["warnings"] if w["kind"] == "mixed_cells"]
    assert mixed == ["mixed", "day or text"]


@pytest.mark.usefixtures("_large_from")
@pytest.mark.parametrize("options", [{}, {"in_memory": False, "constant_memory": True}])
def test_texts_stand_in_the_sheet_or_beside_it(read, options):
    def write(book) -> None:
        for name, mark in (("one", "a"), ("two", "b")):
            fill(book.add_worksheet(name), [["t", "n"], *[[f"{mark}{i} <&>", i] for i in range(9)]])

    table = read(made(write, **options), "t.xlsx", sheet="two")
    assert table.values("t") == [f"b{i} <&>" for i in range(9)]


@pytest.mark.usefixtures("_large_from")
def test_merged_areas_are_told(read):
    table = read(with_merged_areas(), "t.xlsx")
    assert table.values("region") == ["north", None, "south", None]
    assert "2 merged areas" in table.warning("merged_cells")["message"]
    without = made(lambda book: fill(book.add_worksheet(), ROWS))
    assert "merged_cells" not in read(without, "t.xlsx").kinds


@pytest.mark.usefixtures("_all_large")
@pytest.mark.parametrize("chunk", [64, 1 << 20])
def test_merged_areas_are_put_before_the_rows(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(sheet_xml, "_HELD_BYTES", 100)
    content = with_merged_areas()
    path, copy = looked_through(content, tmp_path)
    before, after = sheet_of(path), sheet_of(copy)
    start, end = before.index(b"<mergeCells"), before.index(b"</mergeCells>") + 13
    assert after == before.replace(b"<sheetData>", before[start:end] + b"<sheetData>")
    monkeypatch.setattr(sheet_xml, "_CHUNK", chunk)
    assert sheet_of(looked_through(content, tmp_path)[1]) == (after if chunk > 64 else before)


@pytest.mark.usefixtures("_all_large")
@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace(b"<mergeCells", b"<x:mergeCells"),
        lambda xml: xml.replace(b"<mergeCells", b"<!-- --><mergeCells"),
        lambda xml: xml.replace(b"<sheetData>", b"<mergeCells/><sheetData>"),
        lambda xml: xml.replace(b"sheetData", b"x:sheetData"),
        lambda xml: xml.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
    ],
)
def test_a_sheet_that_is_spelled_oddly_stays_as_it_is(tmp_path, change):
    path, copy = looked_through(changed(with_merged_areas(), change), tmp_path)
    assert sheet_of(copy) == sheet_of(path)


@pytest.mark.usefixtures("_all_large")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_container_that_names_a_sheet_twice_is_not_copied(tmp_path):
    path = tmp_path / "t.xlsx"
    path.write_bytes(with_merged_areas())
    with zipfile.ZipFile(path, "a") as container:
        container.writestr(SHEET, container.read(SHEET))
    assert sheet_xml.look_through(path, tmp_path) == path


@pytest.mark.parametrize("chunk", [8, 64, 1 << 20])
def test_a_reference_across_the_end_of_what_is_read_is_seen(read, monkeypatch, chunk):
    monkeypatch.setattr(sheet_xml, "_CHUNK", chunk)
    far = b'<row r="3"><c r="XFD3"><v>1</v></c></row><row r="9"><c r="A1048576"><v>1</v></c></row>'
    content = changed(
        made(lambda book: fill(book.add_worksheet(), ROWS)),
        lambda xml: xml.replace(b"</sheetData>", far + b"</sheetData>"),
    )
    with pytest.raises(TooLarge, match="1,048,576 rows and 16,384 columns"):
        read(content, "t.xlsx")


@pytest.mark.usefixtures("_large_from")
def test_a_sheet_whose_bytes_are_not_what_was_packed(read):
    content = bytearray(with_merged_areas())
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        start = container.getinfo(SHEET).header_offset
    content[start + 120] ^= 0xFF
    with pytest.raises(BadTable, match="damaged"):
        read(bytes(content), "t.xlsx")


def test_a_container_with_a_password_of_its_own_is_told(read):
    content = bytearray(made(lambda book: fill(book.add_worksheet(), ROWS)))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(signature, at + 4)
    with pytest.raises(BadTable, match="password"):
        read(bytes(content), "t.xlsx")


@pytest.mark.parametrize(
    ("sizes", "kept", "loaded"),
    [([300, 9, 5], 10_000, "012"), ([9, 300, 5], 10_000, "012"), ([9, 300, 5], 20, "0121")],
)
def test_the_chosen_sheet_is_loaded_once(read, monkeypatch, sizes, kept, loaded):
    class Counting:
        def __init__(self, book) -> None:
            self._book, self.names = book, []
            self.sheet_names, self.sheets_metadata = book.sheet_names, book.sheets_metadata

        def get_sheet_by_name(self, name):
            self.names.append(name)
            return self._book.get_sheet_by_name(name)

    def write(book) -> None:
        for number, rows in enumerate(sizes):
            fill(book.add_worksheet(str(number)), [["a", "b"], *[[i, number] for i in range(rows)]])

    opened, books = excel._workbook, []
    monkeypatch.setattr(
        excel, "_workbook", lambda *given: books.append(Counting(opened(*given))) or books[0]
    )
    # What is too large to be kept is loaded again.
    monkeypatch.setattr(excel, "_KEPT_CELLS", kept)
    table = read(made(write), "t.xlsx")
    assert table.result["rows"] == max(sizes)
    assert "".join(books[0].names) == loaded


def test_the_search_for_cycles_is_as_before_afterwards():
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="in between"), rarely_collected():
        assert gc.get_threshold()[0] > before[0]
        raise ValueError("in between")
    assert gc.get_threshold() == before
