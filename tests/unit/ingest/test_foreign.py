"""Tables of other programs are named and refused, and text that looks like them is read."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from app.analysis.errors import BadTable, UnsupportedFormat
from tests.unit.ingest.workbooks import fill, made

SYLK = 'ID;PWXL;N;E\rP;PGeneral\rB;Y2;X2;D0 0 1 1\rC;Y1;X1;K"city"\rC;X2;K"n"\rC;Y2;X1;K"Oslo"\rE\r'
DIF = 'TABLE\r\n0,1\r\n"OURS"\r\nVECTORS\r\n0,2\r\n""\r\nDATA\r\n0,0\r\n""\r\n-1,0\r\nBOT\r\n1,0\r\n"a"\r\n-1,0\r\nEOD\r\n'
XML_2003 = """<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">
<Worksheet><Table><Row><Cell><Data>1</Data></Cell></Row></Table></Worksheet></Workbook>"""
FODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"></office:document>"""
MHT = """MIME-Version: 1.0
Content-Type: multipart/related; boundary="x"

--x
Content-Type: text/html

<table><tr><td>1</td></tr></table>
--x--
"""


def dbase(version: int = 3, behind: bytes = b"") -> bytes:
    """A table of one field of three characters and one row."""
    field = b"city".ljust(11, b"\0") + b"C" + bytes(4) + bytes([3]) + bytes(15)
    length = 32 + len(field) + 1 + len(behind)
    top = struct.pack("<BBBBLHH", version, 124, 3, 5, 1, length, 4) + bytes(20)
    return top + field + b"\r" + behind + b" Ann\x1a"


def numbers() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Index/Document.iwa", b"\0" * 40)
        archive.writestr("Metadata/notes.txt", "a,b\n1,2\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (SYLK.encode(), "t.slk", "SYLK"),
        (SYLK.replace("\r", "\r\n").encode(), "t.slk", "SYLK"),
        (DIF.encode(), "t.dif", "DIF"),
        (XML_2003.encode(), "t.xls", "XML Spreadsheet 2003"),
        (XML_2003.encode("utf-16"), "t.xml", "XML Spreadsheet 2003"),
        (FODS.encode(), "t.fods", "OpenDocument"),
        (MHT.encode(), "t.xls", "web page saved as one file"),
        (dbase(), "t.dbf", "dBase"),
        (dbase(0x30, bytes(263)), "t.dbf", "FoxPro"),
        (numbers(), "t.numbers", "Numbers"),
        (bytes.fromhex("0000020006040600080000000000"), "t.wk1", "Lotus"),
        (bytes.fromhex("00001a0000100400000000000100"), "t.wk3", "Lotus"),
        (bytes.fromhex("000002002051cc00020000040600"), "t.wq1", "Quattro"),
        (bytes.fromhex("ff00020004040554020075532654"), "t.wks", "Works"),
        (bytes.fromhex("0900040007001000") + bytes(20), "t.xls", "Excel before version 5"),
    ],
)
def test_a_table_of_another_program_is_named(read, content, name, told):
    with pytest.raises(UnsupportedFormat, match=told) as refusal:
        read(content, name)
    assert "save it as xlsx or CSV" in str(refusal.value)


@pytest.mark.parametrize(
    ("stream", "told"),
    [("WordDocument", "Word document"), ("NativeContent_MAIN", "Quattro Pro workbook")],
)
def test_an_old_office_document_is_named_by_what_lies_in_it(read, stream, told):
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + stream.encode("utf-16-le")
    with pytest.raises(UnsupportedFormat, match=told):
        read(container.ljust(2048, b"\0"), "t.doc")


def test_a_csv_that_begins_as_a_sylk_file_is_read(read):
    table = read(b"ID;Price;Kind\nC;2;Apple\nB;3;Pear\nF;4;Fig\n")
    assert (table.result["rows"], table.result["cols"]) == (3, 3)


def test_a_csv_whose_only_column_is_called_table_is_read(read):
    assert read(b"TABLE\noak\npine\nelm\n").result["rows"] == 3


def old_office(content: bytes) -> bytes:
    return (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + content).ljust(4096, b"\0")


@pytest.mark.parametrize(
    "content",
    [
        b"\x09\x08\x10\x00\x00\x06\x05\x00" + bytes(12) + b"\x2f\x00\x06\x00" + bytes(6),
        b"\x09\x08\x10\x00\x00\x06\x05\x00" + bytes(12) + b"\x86\x00\x00\x00\x2f\x00\xc8\x00",
        b"\x09\x08\x08\x00\x00\x05\x05\x00" + bytes(4) + b"\x2f\x00\x04\x00" + bytes(4),
        "EncryptedPackage".encode("utf-16-le"),
    ],
)
def test_an_old_workbook_behind_a_password_is_told(read, content):
    with pytest.raises(BadTable, match="password"):
        read(old_office(content), "t.xls")


def test_a_sheet_of_excel_4_macros_is_told(read):
    parts = unpacked(made(two_sheets))
    parts["xl/macrosheets/sheet2.xml"] = parts.pop("xl/worksheets/sheet2.xml")
    rels = parts["xl/_rels/workbook.xml.rels"].decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    ours = f'Type="{kind}" Target="worksheets/sheet2.xml"'
    macros = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet"
    assert ours in rels
    parts["xl/_rels/workbook.xml.rels"] = rels.replace(
        ours, f'Type="{macros}" Target="macrosheets/sheet2.xml"'
    ).encode()
    with pytest.raises(BadTable, match="Excel 4 macros"):
        read(packed(parts), "t.xlsm")


def two_sheets(book) -> None:
    for name in ("data", "macros"):
        fill(book.add_worksheet(name), [["a"], [1]])


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()
