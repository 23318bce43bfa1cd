"""Zip containers: a workbook, or an archive of which one member is the table."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.analysis.errors import BadTable, UnsupportedFormat
from app.analysis.ingest.findings import Finding, listing, quoted
from app.analysis.ingest.foreign import SAVE_ANEW
from app.analysis.ingest.signatures import READABLE
from app.analysis.ingest.unpack import check_members, unpack_member, zip_members

_TABLES = frozenset(
    [
        "csv",
        "tsv",
        "tab",
        "txt",
        "dat",
        "psv",
        "json",
        "ndjson",
        "jsonl",
        "geojson",
        "xlsx",
        "xlsm",
        "xltx",
        "xltm",
        "xls",
        "xlsb",
        "ods",
        "parquet",
        "pq",
        "feather",
        "arrow",
        "arrows",
        "ipc",
        "orc",
        "db",
        "sqlite",
        "sqlite3",
        "sav",
        "zsav",
        "por",
        "dta",
        "sas7bdat",
        "xpt",
    ]
)
_PACKED = frozenset({"gz", "bz2", "xz", "zst"})
# Text that lies beside tables in archives and describes them.
_ABOUT = re.compile(r"(?:read_?me|licen[cs]e|notice|changelog|metadata|schema|datapackage)\b", re.I)
_MARKUP = re.compile(r"\.(?:xml|html?|svg|rels)$", re.I)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The member of an archive that is the table, unpacked at ``path``.

    ``named`` says which of the options chose it, if one did.
    """

    path: Path
    name: str
    named: str | None
    findings: tuple[Finding, ...]


def workbook_format(members: list[zipfile.ZipInfo]) -> str | None:
    """``xlsx``, ``xlsb`` or ``ods`` for the members of a workbook, else ``None``."""
    names = {member.filename for member in members}
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(name.startswith("xl/") and name.endswith("workbook.xml") for name in names):
        return "xlsx"
    return "ods" if "content.xml" in names and "mimetype" in names else None


def open_workbook_container(path: Path, packed: int, max_unpacked_bytes: int) -> str | None:
    """The format of the workbook that the zip container is, its declared sizes checked.

    ``None`` for another archive. Raises :class:`TooLarge` and :class:`BadTable`.
    """
    members = zip_members(path)
    found = workbook_format(members)
    if found:
        check_members(members, packed, max_unpacked_bytes)
    return found


def choose_member(
    path: Path, target: Path, wanted: dict[str, str], packed: int, max_unpacked_bytes: int
) -> Chosen:
    """Unpack the one table of an archive; ``wanted`` maps options to the names they give.

    Raises :class:`UnsupportedFormat` for an archive without a table, :class:`BadTable` for one
    with several of which none is named, :class:`TooLarge` for a bomb.
    """
    files = [member for member in zip_members(path) if _is_file(member.filename)]
    if any(member.filename.endswith((".iwa", "Index.zip")) for member in files):
        message = f"This is a Numbers, Pages or Keynote document, {SAVE_ANEW} {READABLE}"
        raise UnsupportedFormat(message)
    if _is_document({member.filename for member in files}):
        raise UnsupportedFormat(f"This is an office document or a program, not a table. {READABLE}")
    tables = [member for member in files if _is_table(member.filename)]
    if not tables and len(files) == 1 and not _MARKUP.search(files[0].filename):
        tables = files
    if not tables:
        raise UnsupportedFormat(f"This zip archive holds no table. {READABLE}")
    # In an archive of one table the options are about what is inside that table.
    member, option = _named(tables, wanted) if len(tables) > 1 else (None, None)
    member = member or _only(tables)
    names = [quoted(item.filename) for item in tables]
    if member is None:
        raise BadTable(
            f"The zip archive holds {len(tables):,} tables: {listing(names, 10)}.",
            hint="Name one of them with 'table', or send each by itself.",
        )
    findings = []
    if len(tables) > 1:
        others = listing([quoted(t.filename) for t in tables if t is not member])
        message = f"{quoted(member.filename)} was read; the archive also has {others}."
        findings.append(Finding("archive", message))
    unpack_member(path, member, target, max_unpacked_bytes, packed)
    name = PurePosixPath(member.filename.replace("\\", "/")).name
    return Chosen(target, name, option, tuple(findings))


def _is_file(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.endswith("/") or not parts:
        return False
    return "__MACOSX" not in parts and not parts[-1].startswith(".")


def _is_document(names: set[str]) -> bool:
    """Whether these are the parts of a text document, a presentation or a Java program."""
    return bool(names & {"[Content_Types].xml", "META-INF/MANIFEST.MF", "mimetype", "content.xml"})


def _is_table(name: str) -> bool:
    suffixes = [suffix.lstrip(".") for suffix in PurePosixPath(name.lower()).suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _TABLES


def _named(
    tables: list[zipfile.ZipInfo], wanted: dict[str, str]
) -> tuple[zipfile.ZipInfo | None, str | None]:
    """The member that an option names: by its whole name, its last part, or that without suffix."""
    for option, name in wanted.items():
        for spelled in (str, _last, _stem):
            found = [member for member in tables if spelled(member.filename) == name]
            if len(found) == 1:
                return found[0], option
    return None, None


def _last(name: str) -> str:
    return PurePosixPath(name).name


def _stem(name: str) -> str:
    return PurePosixPath(name).name.partition(".")[0]


def _only(tables: list[zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """The only table, or the only one that is not a note about the others."""
    if len(tables) == 1:
        return tables[0]
    plain = [member for member in tables if not _ABOUT.match(_last(member.filename))]
    return plain[0] if len(plain) == 1 else None
