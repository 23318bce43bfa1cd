"""Binary formats by their first bytes: those that UAM reads, and what people send by mistake."""

from __future__ import annotations

from typing import Literal

Reader = Literal[
    "delimited", "json", "excel", "parquet", "arrow", "orc", "sqlite", "statistics", "archive"
]

READABLE = (
    "UAM reads CSV and other delimited text, Excel (xlsx, xls, xlsb) and ods, Parquet, "
    "Arrow/Feather, ORC, JSON and NDJSON, SQLite, SPSS, Stata and SAS files; also packed as "
    "gz, bz2, xz, zst or zip."
)

# First bytes of what people upload by mistake, and what to say.
_NOT_A_TABLE: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a media file"),
    (b"MZ\x90", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"FEA1", "a Feather file of version 1, which Arrow has given up"),
    (b"Obj\x01", "an Avro file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"{\\rtf", "an RTF document"),
    (b"PARE", "an encrypted Parquet file"),
)
_TEXTUAL = (b"%PDF", b"{\\rtf")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAS7BDAT = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
_ARROW_CONTINUATION = b"\xff\xff\xff\xff"
_STATA_RELEASES = frozenset({104, 105, 108, 110, 111, 112, 113, 114, 115})


def binary_format(head: bytes) -> tuple[Reader, str] | None:
    """The reader and the format's name for a binary file, ``None`` for anything else."""
    for magic, reader, name in _MAGICS:
        if head.startswith(magic):
            return reader, name
    # Behind 200 bytes of greetings and a table of characters, in lines of 80.
    if head[:480].translate(None, b"\r\n")[456:464] == b"SPSSPORT":
        return "statistics", "por"
    plain = is_plain(head)
    # A CSV may have a column called ORC or PAR1.
    if head.startswith(b"ORC") and not plain:
        return "orc", "orc"
    if head.startswith(b"PAR1") and not plain:
        return "parquet", "parquet"
    # A stream of Arrow: a marker, the length of the schema's message, a flatbuffer.
    if head[:4] == _ARROW_CONTINUATION and 0 < int.from_bytes(head[4:8], "little") < 2**28:
        return "arrow", "arrow stream"
    if head[:1] and head[0] in _STATA_RELEASES and head[1:2] in (b"\1", b"\2") and not plain:
        return "statistics", "dta"
    return None


_MAGICS: tuple[tuple[bytes, Reader, str], ...] = (
    (b"PK\x03\x04", "archive", "zip"),
    (b"PK\x05\x06", "archive", "zip"),
    (_OLE, "excel", "xls"),
    (b"ARROW1\0\0", "arrow", "arrow"),
    (b"SQLite format 3\x00", "sqlite", "sqlite"),
    (b"$FL2@(#)", "statistics", "sav"),
    (b"$FL3@(#)", "statistics", "zsav"),
    (b"<stata_dta>", "statistics", "dta"),
    (_SAS7BDAT, "statistics", "sas7bdat"),
    (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", "statistics", "xpt"),
    (b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!", "statistics", "xpt"),
)


def no_table(head: bytes) -> str | None:
    """What a file is that is no table, in words; ``None`` when its first bytes say nothing."""
    plain = is_plain(head)
    for magic, name in _NOT_A_TABLE:
        # A CSV may have a column called RIFF: only PDF and RTF are text and still no table.
        foreign = not plain or magic in _TEXTUAL or magic[0] >= 0x80
        if foreign and head.startswith(magic):
            return name
    return None


def is_plain(head: bytes) -> bool:
    """Whether the first bytes hold no control characters, as text does."""
    return not any(byte < 9 or 13 < byte < 27 for byte in head[:1024])
