"""Records of JSON as rows of text cells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.analysis.errors import BadTable
from app.analysis.ingest.findings import MAX_ROWS_NAMED, Finding, counted, listing, quoted
from app.analysis.ingest.json_stream import Literal, Repeated, too_deep
from app.analysis.ingest.limits import MAX_JSON_DEPTH, check_columns, check_filled
from app.analysis.ingest.parts import Cell, PartWriter
from app.analysis.ingest.table import Kind

_FLATTEN_DEPTH = 4


class Records:
    """Takes records (objects, or lists in one order), finds the columns as they come.

    A nested object becomes columns ``outer.inner``; a list stays one cell of JSON text.
    """

    def __init__(self, parts: PartWriter) -> None:
        self._parts = parts
        self._index: dict[str, int] = {}
        self._texts: set[int] = set()
        self._numbers: set[int] = set()
        self._flattened: set[str] = set()
        self._listed: set[str] = set()
        self._repeated: list[int] = []
        self._filled = 0

    @property
    def names(self) -> list[str]:
        """The columns so far, in the order of their first appearance."""
        return list(self._index)

    def add_object(self, record: Mapping[str, Any]) -> None:
        """One record by its keys."""
        if isinstance(record, Repeated):
            self._repeated.append(self._parts.rows + 1)
        cells: list[Cell] = [None] * len(self._index)
        before = len(cells)
        self._fill(record, "", cells, _FLATTEN_DEPTH)
        self._parts.append(cells)
        # A record that is nested holds more than its own keys: each of them counts for 100.
        self._filled += 100 * len(record) if self._flattened else len(record)
        if len(cells) > before:
            check_filled(self._parts.rows, len(cells), self._filled)

    def _fill(self, record: Mapping[str, Any], prefix: str, cells: list[Cell], depth: int) -> None:
        for key, value in record.items():
            name = prefix + key
            if isinstance(value, dict) and value and depth:
                self._flattened.add(name)
                self._fill(value, f"{name}.", cells, depth - 1)
                continue
            position = self._position(name, cells)
            cells[position] = self._cell(name, position, value)

    def _position(self, name: str, cells: list[Cell]) -> int:
        position = self._index.get(name)
        if position is None:
            position = self._index[name] = len(self._index)
            check_columns(len(self._index))
            cells.append(None)
        return position

    def add_list(self, values: Sequence[Any]) -> None:
        """One record by position; columns are called ``column_1`` … unless declared before."""
        cells: list[Cell] = [None] * len(self._index)
        for position, value in enumerate(values):
            if position >= len(self._index):
                self._position(f"column_{position + 1}", cells)
            cells[position] = self._cell(f"column_{position + 1}", position, value)
        self._parts.append(cells)

    def declare(self, names: Iterable[str]) -> None:
        """Name the columns of the lists that follow."""
        for name in names:
            unique, count = name, 1
            while unique in self._index:
                count += 1
                unique = f"{name}_{count}"
            self._position(unique, [])

    def _cell(self, name: str, position: int, value: Any) -> Cell:
        if value is None:
            return None
        if value is True or value is False:
            return "true" if value else "false"
        if isinstance(value, Literal):
            self._numbers.add(position)
            return str(value)
        self._texts.add(position)
        if isinstance(value, str):
            return value
        self._listed.add(name)
        return to_text(value)

    def kinds(self) -> list[Kind]:
        """``native`` for the columns in which only numbers, truth values and nulls stand."""
        return [
            "native" if i in self._numbers and i not in self._texts else "infer"
            for i in range(len(self._index))
        ]

    def findings(self) -> list[Finding]:
        """What was flattened, kept as JSON text, or stood twice."""
        told = []
        if self._flattened:
            names = listing([quoted(name) for name in sorted(self._flattened)])
            told.append(Finding("flattened", f"Nested objects were spread over columns: {names}."))
        if self._listed:
            names = listing([quoted(name) for name in sorted(self._listed)])
            told.append(Finding("nested", f"Lists were kept as JSON text in {names}."))
        if self._repeated:
            message = f"In {counted(len(self._repeated), 'record')} a key stands twice; the last value was kept."
            rows = tuple(self._repeated[:MAX_ROWS_NAMED])
            told.append(Finding("repeated_key", message, rows=rows))
        return told


def to_text(value: Any, depth: int = MAX_JSON_DEPTH) -> str:
    """A value as JSON text, its numbers spelled as they were.

    Raises :class:`BadTable` for what nests deeper than ``depth``.
    """
    if isinstance(value, Literal):
        return str(value)
    if not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if not depth:
        raise too_deep()
    if isinstance(value, list):
        return "[" + ", ".join(to_text(item, depth - 1) for item in value) + "]"
    pairs = (
        f"{json.dumps(key, ensure_ascii=False)}: {to_text(item, depth - 1)}"
        for key, item in value.items()
    )
    return "{" + ", ".join(pairs) + "}"


def require_record(value: Any, number: int) -> Any:
    """``value`` if it is an object or a list, as every record is. Raises :class:`BadTable`."""
    if isinstance(value, dict | list):
        return value
    raise BadTable(
        f"Record {number:,} of the JSON file is {quoted(to_text(value))}, not an object like the others.",
        row=number,
    )
