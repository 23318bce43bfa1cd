"""Cells of a sheet gathered by column: numbers, dates and truth values as such, the rest as text.

A column that holds cells of one such kind and empty ones, and nothing else, keeps its values: they
need no reading. Any other is text of which nothing is lost, as :mod:`.cells` writes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from app.analysis.ingest.cells import Seen, cell_text
from app.analysis.ingest.parts import are_whole, text_array, value_array
from app.analysis.ingest.table import Kind

Form = Literal["number", "boolean", "datetime", "text"]

_Array = np.ndarray[Any, Any]

_ARROW: dict[Form, pa.DataType] = {"number": pa.float64(), "datetime": pa.timestamp("us")}
_NUMPY: dict[Form, Any] = {
    "number": np.float64,
    "boolean": np.bool_,
    "datetime": "datetime64[us]",
}
_FORMS: dict[type, Form] = {
    float: "number",
    int: "number",
    bool: "boolean",
    dt.datetime: "datetime",
    dt.date: "datetime",
}
_EXACT_INTEGER = 2**53
# How many bytes a value counts for beside the characters of texts.
_VALUE_BYTES = 8


@dataclass(slots=True)
class SheetColumn:
    """One column, taken slice by slice and handed on batch by batch.

    What its cells are shows as they come. Where batches turn out to differ (:meth:`is_split`),
    the sheet is to be gone through again with :meth:`decided`.
    """

    form: Form | None = None
    settled: bool = False
    seen: Seen = field(default_factory=Seen)
    size: int = 0
    _whole: bool = True
    _found: set[Form] = field(default_factory=set)
    _began_empty: bool = False
    _slices: list[tuple[Form | None, Any]] = field(default_factory=list)

    def take(self, cells: Sequence[Any]) -> None:
        """Add cells as calamine gives them, where an empty one is an empty text."""
        types = set(map(type, cells))
        if str in types and len(types) > 1:
            cells = [None if cell == "" else cell for cell in cells]
            types = set(map(type, cells))
        types.discard(NoneType)
        forms = {_FORMS.get(kind, "text") for kind in types}
        form = forms.pop() if len(forms) == 1 else "text"
        if not types or (types == {str} and not any(cells)):
            self._slices.append((None, len(cells)))
        elif form == "text" or (self.settled and self.form == "text"):
            self._take_texts(cells, types)
        else:
            self._take_values(cells, form)

    def _take_texts(self, cells: Sequence[Any], types: set[type]) -> None:
        if types == {str}:
            texts = [cell or None for cell in cells]
            self.seen.texts += len(texts) - texts.count(None)
        else:
            texts = [cell_text(cell) for cell in cells]
            for cell, text in zip(cells, texts, strict=True):
                if text is not None:
                    self.seen.note(cell)
        array = text_array(texts)
        self.size += array.nbytes
        self._slices.append(("text", array))

    def _take_values(self, cells: Sequence[Any], form: Form) -> None:
        values: _Array
        if form == "number":
            values = np.array(cells, dtype=np.float64)
            there = ~np.isnan(values)
            self._look(cells, values[there])
        elif form == "datetime":
            values = np.array(cells, dtype="datetime64[us]")
            there = ~np.isnat(values)
        else:
            there = np.array([cell is not None for cell in cells])
            values = np.array(cells, dtype=np.bool_)
        self.seen.others += int(np.count_nonzero(there))
        self.size += _VALUE_BYTES * len(cells)
        self._slices.append((form, (values, there)))

    def _look(self, cells: Sequence[Any], values: _Array) -> None:
        """See whether numbers are whole, and whether a double holds each."""
        large = np.abs(values) >= _EXACT_INTEGER
        if large.any() and any(type(cell) is int for cell in cells):
            # Integers that a double may round: to be kept as they are written.
            self._found |= {"number", "text"}
        self._whole = self._whole and are_whole(values)

    def batch(self) -> pa.Array:
        """What was taken since the last batch, of the form that the column has until now."""
        self._found |= {form for form, _ in self._slices if form is not None}
        if self.form is None and self._found:
            self.form = next(iter(self._found)) if len(self._found) == 1 else "text"
        self._began_empty |= self.form is None
        slices, self._slices = self._slices, []
        if self.form is None or self.form == "text":
            return pa.concat_arrays([_texts(form, held) for form, held in slices])
        parts = [_values(self.form, form, held) for form, held in slices]
        values = np.concatenate([values for values, _ in parts])
        there = np.concatenate([there for _, there in parts])
        if self.form == "boolean":
            return value_array(np.packbits(values, bitorder="little"), there, pa.bool_())
        if self.kind() == "integer":
            # Once a column shows a fraction its batches are doubles, and the engine reads all so.
            values = np.where(there, values, 0).astype(np.int64)
            return value_array(values, there, pa.int64())
        return value_array(values, there, _ARROW[self.form])

    def is_split(self) -> bool:
        """Whether some batch was not of the form that the column has as a whole."""
        if self.settled:
            return False
        return len(self._found) > 1 or (self._began_empty and self.form not in (None, "text"))

    def decided(self) -> SheetColumn:
        """A column to take the same cells again, now that it is known what they are."""
        return SheetColumn("text" if len(self._found) > 1 else self.form, settled=True)

    def kind(self) -> Kind:
        """What the column is as one of a table."""
        if self.form is None or self.form == "text":
            return self.seen.kind()
        return "integer" if self.form == "number" and self._whole else self.form


def _texts(form: Form | None, held: Any) -> pa.Array:
    """A slice of a column of text: cells of another kind are missing, until it is taken again."""
    if form == "text":
        return held
    return pa.nulls(held if form is None else len(held[1]), pa.string())


def _values(wanted: Form, form: Form | None, held: Any) -> tuple[_Array, _Array]:
    """A slice of a column of values, and which are there; likewise."""
    if form == wanted:
        values, there = held
        return values, there
    count = held if form is None else len(held[1] if form != "text" else held)
    return np.zeros(count, _NUMPY[wanted]), np.zeros(count, np.bool_)
