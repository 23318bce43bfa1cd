"""Which format a file is: by its bytes first, by its name only where bytes leave it open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.analysis.errors import BadTable, UnsupportedFormat
from app.analysis.ingest.encodings import decode_head, detect_encoding
from app.analysis.ingest.unpack import compression_of, unpack, zip_members

Reader = Literal["delimited", "json", "excel", "parquet"]
HEAD_BYTES = 256 * 1024

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
    (b"\x28\xb5\x2f\xfd", "a zstd-compressed file"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC", "an ORC file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"{\\rtf", "an RTF document"),
)
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|table|svg|head|body)\b", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_READABLE = "UAM reads CSV and other delimited text, Excel, Parquet and JSON."


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file is: the reader to use, the file to read (unpacked where it was packed)."""

    reader: Reader
    path: Path
    format: str
    encoding: str | None = None
    encoding_reason: str = ""
    compression: str | None = None


def detect(
    source: Path, filename: str, scratch: Path, encoding: str | None, max_unpacked_bytes: int
) -> Detected:
    """Find the format of ``source``; a compressed file is unpacked into ``scratch``.

    Raises :class:`UnsupportedFormat` for what is not a table, :class:`BadTable` for an empty
    or damaged file, :class:`TooLarge` for a bomb.
    """
    suffix = Path(filename).suffix.lower().lstrip(".")
    path, compression = source, compression_of(_head(source, 16))
    if compression:
        path = unpack(source, compression, scratch / "unpacked", max_unpacked_bytes)
        suffix = Path(Path(filename).stem).suffix.lower().lstrip(".")
    head = _head(path, HEAD_BYTES)
    if not head:
        raise BadTable("The file is empty.", hint="Send a file with a header and rows.")
    reader = _binary_reader(head, path, max_unpacked_bytes)
    if reader:
        return Detected(*reader, compression=compression)
    return _text_reader(head, path, suffix, encoding, compression)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _binary_reader(
    head: bytes, path: Path, max_unpacked_bytes: int
) -> tuple[Reader, Path, str] | None:
    if head[:4] in (b"PAR1", b"PARE"):
        return "parquet", path, "parquet"
    if head[:4] == b"PK\x03\x04":
        return "excel", path, _zip_format(zip_members(path, max_unpacked_bytes))
    if head[:8] == _OLE:
        return "excel", path, "xls"
    # A CSV may have a column called ORC: only PDF and RTF are text and still no table.
    plain = not any(byte < 9 or 13 < byte < 27 for byte in head[:1024])
    for magic, name in _NOT_A_TABLE:
        if head.startswith(magic) and (not plain or magic in (b"%PDF", b"{\\rtf")):
            raise UnsupportedFormat(f"This is {name}, not a table UAM reads. {_READABLE}")
    return None


def _zip_format(members: list[str]) -> str:
    if "xl/workbook.bin" in members:
        return "xlsb"
    if any(name.startswith("xl/") and name.endswith("workbook.xml") for name in members):
        return "xlsx"
    if "content.xml" in members and "mimetype" in members:
        return "ods"
    raise UnsupportedFormat(f"This is a zip archive or another document, not a table. {_READABLE}")


def _text_reader(
    head: bytes, path: Path, suffix: str, encoding: str | None, compression: str | None
) -> Detected:
    if encoding:
        reason = "given by the caller"
    else:
        encoding, reason = detect_encoding(head)
    text = decode_head(head, encoding)
    _refuse_binary(text)
    if not text.strip("\ufeff \t\r\n\0"):
        raise BadTable("The file holds only white space.", hint="Send a file with rows.")
    if _MARKUP.match(text):
        raise UnsupportedFormat(f"This is a web page or XML, not a table UAM reads. {_READABLE}")
    json_like = text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")
    reader: Reader = (
        "json" if json_like and (suffix in _JSON_NAMES or _opens_json(text)) else "delimited"
    )
    name = "json" if reader == "json" else "csv"
    return Detected(reader, path, name, encoding, reason, compression)


_JSON_NAMES = frozenset({"json", "ndjson", "jsonl", "geojson"})
# The beginning of an object with a key, or of an array of JSON values.
_JSON_OPENING = re.compile(
    r'\s*(?:\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})|\[\s*(?:[\[{"\]]|-?[0-9.eE+-]+\s*[,\]]|null|true|false))'
)


def _opens_json(text: str) -> bool:
    return _JSON_OPENING.match(text.lstrip("\ufeff")) is not None


def _refuse_binary(text: str) -> None:
    """Text has next to no control characters; bytes of a program or an image are full of them."""
    head = text[:65536]
    controls = sum(
        1 for char in head if char < " " and char not in "\t\r\n\f\v\x1a\x1b\x1c\x1d\x1e\x1f"
    )
    if controls > max(2, 0.05 * len(head)):
        raise UnsupportedFormat(f"This is a binary file, not a table UAM reads. {_READABLE}")
