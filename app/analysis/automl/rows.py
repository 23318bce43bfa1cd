"""Rows to predict, as JSON gives them, checked and made into arrays without a data frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.analysis.automl.bundle import Bundle
from app.analysis.automl.cells import BadCell, as_moment, as_number, as_string, is_missing
from app.analysis.automl.features.table import MISSING, UNSEEN, RawTable
from app.analysis.automl.features.text import hash_texts
from app.analysis.errors import BadRows
from app.analysis.ingest.applied import apply_steps
from app.analysis.schema import Column

MOST_ERRORS = 50
MOST_NAMED = 5
"""Categories that a warning names."""

Row = Mapping[str, Any]


def read_rows(rows: Sequence[Row], bundle: Bundle) -> tuple[RawTable, list[dict[str, Any]]]:
    """The rows as a table, and warnings ``{kind, message, column, rows?, values?}``.

    Kinds: ``missing_column`` (an optional one), ``missing_value`` (in a column that always had
    one), ``unseen_category``, ``extra_column``. Raises ``BadRows`` naming rows and columns for
    no rows, a missing required column, or a value that cannot be its column's type.
    """
    if not rows:
        raise BadRows("There are no rows to predict.")
    reader = _Reader(_cleaned(rows, bundle), bundle)
    layout = bundle.layout
    numbers = reader.block(layout.numbers, np.float64, np.nan, as_number)
    dates = reader.block(layout.dates, np.float64, np.nan, lambda value, _: as_moment(value))
    tokens = np.empty((len(rows), len(layout.tokens)), dtype=np.int32)
    for j, name in enumerate(layout.tokens):
        tokens[:, j] = reader.ids(name)
    texts = tuple(hash_texts(reader.strings(name)) for name in layout.texts)
    reader.check_extra()
    if reader.errors:
        raise BadRows(_summary(reader.errors), errors=reader.errors[:MOST_ERRORS])
    return RawTable(numbers, dates, tokens, texts), reader.warnings


def _cleaned(rows: Sequence[Row], bundle: Bundle) -> Sequence[Row]:
    """The rows with the training table's cleaning done to their strings (no row is dropped)."""
    texts = {*bundle.layout.tokens, *bundle.layout.texts}
    steps = [step for step in bundle.cleaning_steps if step["column"] in texts]
    if not steps or not all(isinstance(row, Mapping) for row in rows):
        return rows
    names = dict.fromkeys(step["column"] for step in steps)
    cells = {name: [row.get(name) for row in rows] for name in names}
    frame = apply_steps(pd.DataFrame(cells, dtype=object), steps, keep_rows=True)
    cleaned = frame.to_dict("records")
    return [
        {**row, **{str(name): value for name, value in new.items() if name in row}}
        for row, new in zip(rows, cleaned, strict=True)
    ]


class _Reader:
    """Goes through the rows column by column, collecting errors and warnings."""

    def __init__(self, rows: Sequence[Row], bundle: Bundle) -> None:
        self.rows = rows
        self.bundle = bundle
        self.errors: list[dict[str, Any]] = []
        self.warnings: list[dict[str, Any]] = []
        self._columns: dict[str, Column] = {c.name: c for c in bundle.columns}
        self._required = {i["name"] for i in bundle.input_schema if i["required"]}
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping):
                self._error(index, "", "a row must be an object")
        if self.errors:
            raise BadRows("Every row must be an object.", errors=self.errors[:MOST_ERRORS])

    def block(self, names: Sequence[str], kind: Any, missing: Any, convert: Any) -> Any:
        """(n, columns) converted cells of the columns named."""
        out = np.full((len(self.rows), len(names)), missing, dtype=kind)
        for j, name in enumerate(names):
            column = self._columns[name]
            for i, value in self._cells(name):
                out[i, j] = self._converted(i, name, convert, value, column.type)
        return out

    def ids(self, name: str) -> Any:
        """(n,) interned ids of a token column; unseen ones are warned of, with their count."""
        vocabulary = self.bundle.layout.vocabulary[name]
        out = np.full(len(self.rows), MISSING, dtype=np.int32)
        unseen: dict[str, int] = {}
        for i, value in self._cells(name):
            text = self._converted(i, name, lambda v, _: as_string(v), value, "categorical")
            out[i] = vocabulary.get(text, UNSEEN) if isinstance(text, str) else MISSING
            if out[i] == UNSEEN:
                unseen[text] = unseen.get(text, 0) + 1
        if unseen:
            self.warnings.append(unseen_warning(name, list(unseen), sum(unseen.values())))
        return out

    def strings(self, name: str) -> list[str | None]:
        """The texts of a column."""
        out: list[str | None] = [None] * len(self.rows)
        for i, value in self._cells(name):
            text = self._converted(i, name, lambda v, _: as_string(v), value, "text")
            out[i] = text if isinstance(text, str) else None
        return out

    def check_extra(self) -> None:
        """Warn of columns that the model has never heard of."""
        known = {*self._columns, *self.bundle.ignored}
        extra = dict.fromkeys(name for row in self.rows for name in row if name not in known)
        self.warnings += [extra_warning(str(name)) for name in extra]

    def _cells(self, name: str) -> list[tuple[int, Any]]:
        """The cells of a column that hold a value; tells of those that do not."""
        absent = [i for i, row in enumerate(self.rows) if name not in row]
        cells = [(i, row[name]) for i, row in enumerate(self.rows) if not is_missing(row.get(name))]
        if name in self._required:
            for i in absent:
                self._error(i, name, f"the required column {name!r} is missing")
            empty = len(self.rows) - len(absent) - len(cells)
            if empty:
                self.warnings.append(missing_value_warning(name, empty))
        elif absent:
            self.warnings.append(missing_column_warning(name))
        return cells

    def _converted(self, i: int, name: str, convert: Any, value: Any, kind: str) -> Any:
        try:
            return convert(value, kind)
        except BadCell as error:
            self._error(i, name, f"{error} (column {name!r} is {kind})")
            return np.nan

    def _error(self, row: int, column: str, message: str) -> None:
        self.errors.append({"row": row, "column": column, "message": message})


def missing_column_warning(name: str) -> dict[str, Any]:
    """An optional column is not there."""
    return {
        "kind": "missing_column",
        "column": name,
        "message": f"Column {name!r} is missing; its values count as unknown.",
    }


def missing_value_warning(name: str, rows: int) -> dict[str, Any]:
    """Rows lack a value that every training row had."""
    what = "1 row has" if rows == 1 else f"{rows:,} rows have"
    return {
        "kind": "missing_value",
        "column": name,
        "rows": rows,
        "message": f"{what} no value in {name!r}, which no training row lacked.",
    }


def unseen_warning(name: str, values: list[str], rows: int) -> dict[str, Any]:
    """Rows hold categories that training did not, of which the first few are named."""
    named = [value[:60] for value in values[: MOST_NAMED + 1]]
    shown = ", ".join(map(repr, named[:MOST_NAMED])) + (" …" if len(named) > MOST_NAMED else "")
    return {
        "kind": "unseen_category",
        "column": name,
        "rows": rows,
        "values": named,
        "message": f"Column {name!r} holds categories that training did not: {shown}.",
    }


def extra_warning(name: str) -> dict[str, Any]:
    """A column that the model does not know."""
    return {
        "kind": "extra_column",
        "column": name,
        "message": f"Column {name!r} is unknown to the model and was not used.",
    }


def together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two warnings of the same kind and column, of different rows, as one."""
    if "rows" not in one:
        return one
    kind, column, rows = one["kind"], one.get("column", ""), one["rows"] + other["rows"]
    if kind == "missing_value":
        return missing_value_warning(column, rows)
    if kind != "unseen_category":
        return {**one, "rows": rows}
    values = list(dict.fromkeys([*one["values"], *other["values"]]))
    both = unseen_warning(column, values, rows)
    # What a forecast adds stays.
    before = unseen_warning(column, one["values"], one["rows"])["message"]
    return {**both, "message": both["message"] + one["message"].removeprefix(before)}


def _summary(errors: list[dict[str, Any]]) -> str:
    first = errors[0]
    more = f" ({len(errors):,} such cells)" if len(errors) > 1 else ""
    return f"Row {first['row']}: {first['message']}{more}."
