"""Tables of other programs that UAM does not read, told by their bytes and named to the user.

Told as "a binary file", or read as the text that some of them are, they would leave the user to
guess what to do; every one of these can be saved as a workbook or as CSV where it came from.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from app.analysis.ingest.signatures import is_plain

# What to do about all of them, behind the name.
SAVE_ANEW = "which UAM does not read: save it as xlsx or CSV in the program that made it."

_LOTUS, _QUATTRO = "a Lotus 1-2-3 workbook", "a Quattro Pro workbook"
_OLD_EXCEL = "a workbook of an Excel before version 5"
# The first record, "beginning of file": its number, its length, the version.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x09\x00\x04\x00", _OLD_EXCEL),
    (b"\x09\x02\x06\x00", _OLD_EXCEL),
    (b"\x09\x04\x06\x00", _OLD_EXCEL),
    (b"\x09\x08\x08\x00", "an Excel 5 workbook without its container"),
    (b"\x00\x00\x02\x00\x04\x04\x05\x54", "a Microsoft Works table"),
    (b"\xff\x00\x02\x00\x04\x04\x05\x54", "a Microsoft Works table"),
    (b"\x00\x00\x02\x00\x04\x04", _LOTUS),
    (b"\x00\x00\x02\x00\x05\x04", "a Lotus Symphony table"),
    (b"\x00\x00\x02\x00\x06\x04", _LOTUS),
    *((bytes([0, 0, 26, 0, version, 16, 4, 0]), _LOTUS) for version in (0, 2, 3, 4, 5)),
    (b"\x00\x00\x02\x00\x20\x51", _QUATTRO),
    (b"\x00\x00\x02\x00\x01\x10", _QUATTRO),
    (b"\x00\x00\x02\x00\x02\x10", _QUATTRO),
)
_DBASE_VERSIONS = frozenset(bytes.fromhex("0203043031324363838b8c8ecbf5fb"))
# Behind a header of a Visual FoxPro table stands the path of its database.
_FOXPRO_PATH = 263
# A record of a cell or of the bounds, which has a column and a row, makes sure: "ID;Price" may
# head a CSV.
_SYLK = re.compile(
    rb"ID;P[^\r\n]*[\r\n](?:.*[\r\n])?[BCF];(?=(?:[^;\r\n]*;)*X\d+[;\r\n])(?:[^;\r\n]*;)*Y\d+[;\r\n]",
    re.S,
)
_DIF = re.compile(rb'TABLE\r?\n0,1\r?\n"[^\r\n]*"\r?\n[A-Z]+\r?\n0,\d+\r?\n')
_MIME = re.compile(rb"MIME-Version:.*^Content-Type:\s*multipart/related", re.M | re.S | re.I)
_ROOTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<(?:\w+:)?Workbook\b[^>]{0,4000}schemas-microsoft-com:office:spreadsheet", re.S),
     "a workbook saved as XML Spreadsheet 2003"),
    (re.compile(r"<office:document\b[^>]{0,4000}opendocument", re.S),
     "a flat OpenDocument file (fods)"),
)  # fmt: skip
# What lies in an old Office container, by the names of its streams.
_STREAMS: tuple[tuple[str, str], ...] = (
    ("WordDocument", "a Word document, not a table UAM reads."),
    ("PowerPoint Document", "a PowerPoint presentation, not a table UAM reads."),
    ("NativeContent_MAIN", f"{_QUATTRO}, {SAVE_ANEW}"),
    ("PerfectOffice_MAIN", f"{_QUATTRO}, {SAVE_ANEW}"),
)

# The beginning of a workbook of Excel 5 to 2003, perhaps advice to open it read-only, and what it
# is encrypted with.
_ENCRYPTED = re.compile(
    rb"\x09\x08(?:\x10\x00.{16}|\x08\x00.{8})(?:\x86\x00\x00\x00)?\x2f\x00", re.S
)
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")


def foreign_table(head: bytes) -> str | None:
    """What another program's table is, in words, for its first bytes; ``None`` for others."""
    for beginning, name in _BEGINNINGS:
        if head.startswith(beginning):
            return name
    if _is_dbase(head):
        return "a dBase or FoxPro table (dbf)"
    if head.startswith(b"ID;P") and _SYLK.match(head):
        return "a SYLK file (slk)"
    if _DIF.match(head):
        return "a DIF file"
    if head[:13].lower() == b"mime-version:" and _MIME.match(head):
        return "a web page saved as one file (mht)"
    return None


def _is_dbase(head: bytes) -> bool:
    """Whether a version, a date, a header that ends where it says, and a row's length stand there."""
    if len(head) < 33 or head[0] not in _DBASE_VERSIONS or is_plain(head):
        return False
    month, day = head[2], head[3]
    length, row = (int.from_bytes(head[at : at + 2], "little") for at in (8, 10))
    ends = (length - 1, length - 1 - _FOXPRO_PATH)
    ended = any(32 <= end < len(head) and head[end] == 0x0D for end in ends)
    return month <= 12 and day <= 31 and row > 0 and ended


def foreign_markup(text: str) -> str | None:
    """What kind of workbook an XML text is, in words; ``None`` for any other."""
    return next((name for root, name in _ROOTS if root.search(text)), None)


def is_protected(path: Path) -> bool:
    """Whether what an old Office container holds is encrypted with a password."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_ENCRYPTED_STREAM) >= 0 or _ENCRYPTED.search(content) is not None


def foreign_office(path: Path) -> str | None:
    """What an old Office document is that is no workbook, and what of it: the end of a sentence.

    ``None`` if no stream in it says so.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for stream, name in _STREAMS:
            if content.find(stream.encode("utf-16-le")) >= 0:
                return name
    return None
