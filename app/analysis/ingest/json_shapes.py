"""JSON as a table: records, NDJSON, columns, rows with a header, or one of these inside an object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from app.analysis.errors import BadTable
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.encodings import is_plain_utf8, to_utf8
from app.analysis.ingest.findings import Finding, listing, quoted
from app.analysis.ingest.json_records import Records, require_record
from app.analysis.ingest.json_stream import JsonStream, Literal
from app.analysis.ingest.limits import check_columns
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.parts import PartWriter
from app.analysis.ingest.table import Table

_NO_TABLE = "The JSON file holds no table."
_HINT = "Send a list of objects with the same keys."


def open_json(detected: Detected, scratch: Path) -> Table:
    """Open a JSON file as a table.

    Raises :class:`BadTable` with the line where it is not JSON, or when it holds no table.
    """
    path, encoding = detected.path, detected.encoding or "utf-8"
    if not is_plain_utf8(encoding):
        path, _ = to_utf8(path, encoding, scratch / "text")
    with path.open(encoding="utf-8-sig") as file, PartWriter(scratch) as parts:
        reading = _Reading(JsonStream(file), Records(parts))
        shape = reading.read()
        # Columns may be declared and have no rows.
        parts.widen(len(reading.names()))
    if not reading.names():
        raise BadTable(_NO_TABLE, hint=_HINT)
    names, repaired = repair_names(reading.names())
    return Table(
        names=names,
        relation=parts.relation(),
        kinds=reading.records.kinds(),
        read={
            "format": "ndjson" if shape == "ndjson" else "json",
            "shape": shape,
            "encoding": encoding,
        },
        row_bytes=parts.row_bytes,
        findings=[*reading.findings, *reading.records.findings(), *repaired],
    )


class _Reading:
    """One pass over a JSON file."""

    def __init__(self, stream: JsonStream, records: Records) -> None:
        self.stream = stream
        self.records = records
        self.findings: list[Finding] = []
        self._declared: list[str] = []

    def names(self) -> list[str]:
        """The columns' names: as declared beside the rows, else as found in the records."""
        found = self.records.names
        return [*self._declared[: len(found)], *found[len(self._declared) :]]

    def read(self) -> str:
        """Take the table in, whatever its shape; returns the shape's name."""
        if self.stream.peek() == "[":
            shape = self._take_list(self.stream.items())
            if self.stream.peek():
                line = self.stream.line
                raise BadTable(f"After its list, the JSON file goes on in line {line}.", row=line)
            return shape
        if self.stream.is_followed_by("{"):
            self._take_records(self.stream.values())
            return "ndjson"
        return self._read_object()

    def _take_list(self, items: Iterator[Any]) -> str:
        first = next(items, None)
        if isinstance(first, list):
            rows: Iterator[Any] = items
            if first and all(isinstance(v, str) and not isinstance(v, Literal) for v in first):
                self.records.declare(map(str, first))
            else:
                rows = chain([first], items)
            self._take_records(rows)
            return "rows"
        if isinstance(first, dict):
            self._take_records(chain([first], items))
            return "records"
        if first is not None:
            self.records.declare(["value"])
            for value in chain([first], items):
                self.records.add_list([value])
            return "values"
        return "records"

    def _take_records(self, values: Iterable[Any]) -> None:
        for number, value in enumerate(values, start=1):
            if isinstance(require_record(value, number), dict):
                self.records.add_object(value)
            else:
                self.records.add_list(value)

    def _read_object(self) -> str:
        """One object: the table under a key, a list a column, or a single record."""
        shape, plain, lists = "", dict[str, Any](), dict[str, list[Any]]()
        for key in self.stream.members():
            if self.stream.peek() != "[":
                plain[key] = self.stream.value()
            elif not shape and self.stream.opens_list_of("{["):
                shape = self._take_list(self.stream.items())
            else:
                lists[key] = self.stream.value()
                check_columns(len(lists))
        if self.stream.peek():
            line = self.stream.line
            raise BadTable(f"After its object, the JSON file goes on in line {line}.", row=line)
        if shape:
            self._tell_left_out([*plain, *(key for key in lists if key != "columns")])
            self._declared = [str(name) for name in lists.get("columns", [])]
            return f"{shape} under a key"
        return self._take_whole(plain, lists)

    def _take_whole(self, plain: dict[str, Any], lists: dict[str, list[Any]]) -> str:
        if (
            lists
            and len({len(column) for column in lists.values()}) == 1
            and len(lists) >= len(plain)
        ):
            self._tell_left_out(list(plain))
            self._take_columns(lists)
            return "columns"
        inner = list(plain.values())
        if inner and not lists and all(isinstance(value, dict) and value for value in inner):
            if all(key.isdecimal() for value in inner for key in value):
                index = dict.fromkeys(key for value in inner for key in value)
                self._take_columns({k: [v.get(i) for i in index] for k, v in plain.items()})
                return "columns by index"
            for key, value in plain.items():
                self.records.add_object({"key": key, **value})
            return "records by key"
        if lists and not plain:
            lengths = ", ".join(f"{quoted(k)} has {len(v):,}" for k, v in list(lists.items())[:3])
            raise BadTable(f"The columns of the JSON file differ in length: {lengths}.", hint=_HINT)
        self.records.add_object({**plain, **lists})
        return "one record"

    def _take_columns(self, columns: dict[str, list[Any]]) -> None:
        self.records.declare(columns)
        for values in zip(*columns.values(), strict=True):
            self.records.add_list(values)

    def _tell_left_out(self, keys: list[str]) -> None:
        if keys:
            names = listing([quoted(key) for key in keys])
            self.findings.append(Finding("left_out", f"Beside the table the file has {names}."))
