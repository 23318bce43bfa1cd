"""Which format a file is: by its bytes first, by its name only where bytes leave it open."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.analysis.errors import BadTable, UnsupportedFormat
from app.analysis.ingest.archive import choose_member, open_workbook_container
from app.analysis.ingest.encodings import decode_head, detect_encoding, with_mistaken_controls
from app.analysis.ingest.findings import Finding
from app.analysis.ingest.foreign import SAVE_ANEW, foreign_markup, foreign_table
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.signatures import READABLE, Reader, binary_format, no_table
from app.analysis.ingest.unpack import compression_of, unpack

HEAD_BYTES = 256 * 1024
# A packed file in an archive is common, more wrappings are a trick.
_MAX_WRAPPINGS = 2
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|table|svg|head|body)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file is: the reader to use, the file to read (unpacked where it was packed).

    ``packed`` is the size in bytes of what was sent, ``options`` are those that still wait for
    the reader, ``suffix`` is the end of the name that the table itself has.
    """

    reader: Reader
    path: Path
    format: str
    encoding: str | None = None
    encoding_reason: str = ""
    compression: str | None = None
    packed: int = 0
    suffix: str = ""
    member: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    findings: tuple[Finding, ...] = ()


def detect(
    source: Path, filename: str, scratch: Path, options: ReadOptions, max_unpacked_bytes: int
) -> Detected:
    """Find the format of ``source``; what is packed is unpacked into ``scratch``.

    Raises :class:`UnsupportedFormat` for what is not a table, :class:`BadTable` for an empty
    or damaged file, :class:`TooLarge` for a bomb.
    """
    packed = source.stat().st_size
    wrapped = Detected(
        "archive", source, "", packed=packed, suffix=_suffix(filename), options=options
    )
    for number in range(_MAX_WRAPPINGS + 1):
        target = scratch / f"unpacked-{number}"
        inner = _unwrapped(wrapped, filename, target, max_unpacked_bytes)
        if inner is None:
            return _detected(wrapped, max_unpacked_bytes)
        if number == _MAX_WRAPPINGS:
            break
        wrapped, filename = inner
    raise UnsupportedFormat("This file is packed more than twice.")


def _suffix(filename: str) -> str:
    return Path(filename).suffix.lower().lstrip(".")


def _unwrapped(
    outer: Detected, filename: str, target: Path, max_unpacked_bytes: int
) -> tuple[Detected, str] | None:
    """What a packed file holds, and its name; ``None`` for a file that is not packed."""
    head = _head(outer.path, 16)
    compression = compression_of(head)
    if compression:
        path = unpack(outer.path, compression, target, max_unpacked_bytes, outer.packed)
        name = Path(filename).stem
        known = outer.compression or compression
        return replace(outer, path=path, suffix=_suffix(name), compression=known), name
    if (binary_format(head) or ("", ""))[0] != "archive":
        return None
    if open_workbook_container(outer.path, outer.packed, max_unpacked_bytes):
        return None
    options = outer.options
    wanted = {"table": options.table, "sheet": options.sheet}
    names = {option: name for option, name in wanted.items() if isinstance(name, str)}
    chosen = choose_member(outer.path, target, names, outer.packed, max_unpacked_bytes)
    if chosen.named == "table":
        options = replace(options, table=None)
    elif chosen.named:
        options = replace(options, sheet=None)
    inner = replace(
        outer,
        path=chosen.path,
        suffix=_suffix(chosen.name),
        compression=outer.compression or "zip",
        member=chosen.name,
        options=options,
        findings=(*outer.findings, *chosen.findings),
    )
    return inner, chosen.name


def _detected(file: Detected, max_unpacked_bytes: int) -> Detected:
    head = _head(file.path, HEAD_BYTES)
    if not head:
        raise BadTable("The file is empty.", hint="Send a file with a header and rows.")
    known = binary_format(head)
    if known and known[0] == "archive":
        name = open_workbook_container(file.path, file.packed, max_unpacked_bytes)
        return replace(file, reader="excel", format=name or "xlsx")
    if known:
        return replace(file, reader=known[0], format=known[1])
    name = no_table(head)
    if name:
        raise UnsupportedFormat(f"This is {name}, not a table UAM reads. {READABLE}")
    name = foreign_table(head)
    if name:
        raise UnsupportedFormat(f"This is {name}, {SAVE_ANEW} {READABLE}")
    return _text_reader(head, file)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _text_reader(head: bytes, file: Detected) -> Detected:
    encoding = file.options.encoding
    if encoding:
        reason = "given by the caller"
    else:
        encoding, reason = detect_encoding(head)
    text = decode_head(head, encoding)
    _refuse_binary(text)
    if not text.strip("\ufeff \t\r\n\0"):
        raise BadTable("The file holds only white space.", hint="Send a file with rows.")
    if _MARKUP.match(text):
        name = foreign_markup(text)
        if name:
            raise UnsupportedFormat(f"This is {name}, {SAVE_ANEW} {READABLE}")
        raise UnsupportedFormat(f"This is a web page or XML, not a table UAM reads. {READABLE}")
    json_like = text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")
    reader: Reader = (
        "json" if json_like and (file.suffix in _JSON_NAMES or _opens_json(text)) else "delimited"
    )
    name = "json" if reader == "json" else "csv"
    mended = with_mistaken_controls(text, encoding) if reader == "delimited" else None
    if mended and not file.options.encoding:
        encoding = mended
        reason = "controls stand where Windows-1252 has quotes, dashes and the like"
    return replace(file, reader=reader, format=name, encoding=encoding, encoding_reason=reason)


_JSON_NAMES = frozenset({"json", "ndjson", "jsonl", "geojson"})
# The beginning of an object with a key, or of an array of JSON values.
_JSON_OPENING = re.compile(
    r'\s*(?:\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})|\[\s*(?:[\[{"\]]|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*[,\]]|null|true|false))'
)


def _opens_json(text: str) -> bool:
    return _JSON_OPENING.match(text.lstrip("\ufeff")) is not None


_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19]")


def _refuse_binary(text: str) -> None:
    """Text has next to no control characters; bytes of a program or an image are full of them."""
    head = text[:65536]
    controls = len(_CONTROL.findall(head))
    if controls > max(2, 0.05 * len(head)):
        raise UnsupportedFormat(f"This is a binary file, not a table UAM reads. {READABLE}")
