"""Workbooks as bytes, of every kind; those without a writer of their own are made by hand."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile

import xlsxwriter
import xlwt


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


def ods(rows, before: str = "", repeated: int = 1) -> bytes:
    """A workbook of OpenDocument; ``repeated`` is how often each row stands for itself."""

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

    many = f' table:number-rows-repeated="{repeated}"' if repeated > 1 else ""
    body = "".join(
        f"<table:table-row{many}>{''.join(map(cell, row))}</table:table-row>" for row in rows
    )
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


def xlsb(rows, shared: bool = False) -> bytes:
    """A workbook in BIFF12, record by record as [MS-XLSB] describes them.

    With ``shared`` each text stands once, and cells have its number.
    """

    def record(number: int, content: bytes = b"") -> bytes:
        head = bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])
        size, length = b"", len(content)
        while length > 127:
            size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
        return head + size + bytes([length]) + content

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    texts: dict[str, int] = {}

    def cell(column: int, value) -> bytes:
        place = struct.pack("<II", column, 0)
        if isinstance(value, bool):
            return record(4, place + bytes([value]))
        if isinstance(value, int | float):
            return record(5, place + struct.pack("<d", value))
        if value == "#N/A":
            return record(3, place + b"\x2a")
        if shared:
            return record(7, place + struct.pack("<I", texts.setdefault(value, len(texts))))
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
    items = b"".join(record(19, b"\0" + wide(text)) for text in texts)
    strings = record(159, struct.pack("<II", len(rows), len(texts))) + items + record(160)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("xl/workbook.bin", book)
        target.writestr("xl/_rels/workbook.bin.rels", relations)
        target.writestr("xl/worksheets/sheet1.bin", sheet)
        if shared:
            target.writestr("xl/sharedStrings.bin", strings)
    return buffer.getvalue()
