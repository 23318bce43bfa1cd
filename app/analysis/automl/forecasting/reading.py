"""Rows to foretell, read: their times, their series, and what is known of them in advance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.bundle import Bundle
from app.analysis.automl.cells import BadCell, as_number, as_string, is_missing
from app.analysis.automl.forecasting.model import ForecastModel, Future
from app.analysis.automl.forecasting.panel import KnownColumn, spelled
from app.analysis.automl.forecasting.spelling import read_cells, read_times
from app.analysis.automl.rows import (
    MOST_ERRORS,
    Row,
    extra_warning,
    missing_column_warning,
    unseen_warning,
)
from app.analysis.errors import BadRows
from app.analysis.ingest.applied import apply_steps

Array = npt.NDArray[Any]

Warnings = list[dict[str, Any]]


def read_future_rows(rows: Sequence[Row], bundle: Bundle) -> tuple[Future, Warnings]:
    """Rows of JSON. Raises ``BadRows`` naming rows and columns, as ``rows.read_rows`` does."""
    if not rows:
        raise BadRows("There are no rows to predict.")
    wrong = [i for i, row in enumerate(rows) if not isinstance(row, Mapping)]
    if wrong:
        errors = [{"row": i, "column": "", "message": "a row must be an object"} for i in wrong]
        raise BadRows("Every row must be an object.", errors=errors[:MOST_ERRORS])
    names = dict.fromkeys(str(name) for row in rows for name in row)
    cells = {name: [row.get(name) for row in rows] for name in names}
    frame = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in cells.items()})
    return read_future(frame.reset_index(drop=True), bundle, len(rows))


def read_future(
    frame: pd.DataFrame, bundle: Bundle, rows: int | None = None
) -> tuple[Future, Warnings]:
    """A frame's rows. Raises ``BadRows`` for a missing or unreadable time or series, for a time
    beyond the model's reach, and for cells that are not of their column's type."""
    count = len(frame) if rows is None else rows
    if not count:
        raise BadRows("There are no rows to predict.")
    reader = _Reader(apply_steps(frame, bundle.cleaning_steps, keep_rows=True), bundle, count)
    when = reader.positions()
    series = reader.series()
    known = reader.known(series, when)
    reader.check_reach(Future(series, when, known))
    if reader.errors:
        first, many = reader.errors[0], len(reader.errors)
        more = f" ({many:,} such cells)" if many > 1 else ""
        raise BadRows(
            f"Row {first['row']}: {first['message']}{more}.", errors=reader.errors[:MOST_ERRORS]
        )
    reader.check_extra()
    return Future(series, when, known), reader.warnings


class _Reader:
    """Goes through the columns, collecting errors and warnings."""

    def __init__(self, frame: pd.DataFrame, bundle: Bundle, rows: int) -> None:
        self.frame = frame
        self.bundle = bundle
        self.model = cast(ForecastModel, bundle.model)
        self.rows = rows
        self.errors: list[dict[str, Any]] = []
        self.warnings: Warnings = []
        self.time = bundle.recipe["time_column"]
        self.label = bundle.recipe["series_column"]

    def positions(self) -> Array:
        """(rows,) positions on the calendar; 0 where there is none, which is an error."""
        if self.time not in self.frame:
            self._missing(self.time)
            return np.zeros(self.rows, dtype=np.int64)
        column, style = self.frame[self.time], self.model.grid.style
        if pd.api.types.is_datetime64_any_dtype(column):
            times, _, _ = read_times(column)
        else:
            times, _, _ = read_cells(column.tolist(), style)
        for row in np.flatnonzero(~np.isfinite(times)).tolist():
            cell = column.iloc[row]
            what = "there is no time" if is_missing(cell) or pd.isna(cell) else None
            what = what or f"{str(cell)[:60]!r} names no time"
            self._error(row, self.time, f"{what} (column {self.time!r})")
        known = np.where(np.isfinite(times), times, self.model.grid.times(np.zeros(1))[0])
        return self.model.grid.positions(known).astype(np.int64)

    def series(self) -> Array:
        """(rows,) the number of each row's series, −1 for one that training did not hold."""
        if self.label is None:
            return np.zeros(self.rows, dtype=np.int64)
        if self.label not in self.frame:
            self._missing(self.label)
            return np.zeros(self.rows, dtype=np.int64)
        place = {name: i for i, name in enumerate(self.model.names)}
        out = np.empty(self.rows, dtype=np.int64)
        unseen: dict[str, int] = {}
        for row, cell in enumerate(self.frame[self.label].tolist()):
            name = "" if is_missing(cell) else spelled(cell)
            out[row] = place.get(name, -1)
            if out[row] < 0:
                unseen[name] = unseen.get(name, 0) + 1
        if unseen:
            warning = unseen_warning(self.label, list(unseen), sum(unseen.values()))
            told = f"{warning['message']} They are foretold the mean of all series."
            self.warnings.append({**warning, "message": told})
        return out

    def known(self, series: Array, when: Array) -> Array:
        """(rows, columns) what is known in advance; where rows do not say, what the table held."""
        out = self.model.known_of(series, when)
        for k, column in enumerate(self.model.known_columns):
            if column.name not in self.frame:
                self.warnings.append(missing_column_warning(column.name))
                continue
            given = self._known_cells(column)
            out[:, k] = np.where(np.isfinite(given), given, out[:, k])
        return out

    def check_reach(self, future: Future) -> None:
        """Errors for what lies too far ahead; warnings for the past, and beyond the horizon."""
        model = self.model
        step = model.steps(future)
        for row in np.flatnonzero(step > model.reach).tolist():
            self._error(
                row,
                self.time,
                f"{model.grid.spelled(int(future.when[row]))} lies {int(step[row]):,} steps after "
                f"the last known time; the model foretells {model.reach:,} (it was made for "
                f"{model.horizon:,})",
            )
        past, over = int((step <= 0).sum()), int((step > model.horizon).sum())
        if past:
            rows = "1 row lies" if past == 1 else f"{past:,} rows lie"
            self._warn("past_time", past, f"{rows} in the past: answered by what was.")
        if over:
            rows = "1 row lies" if over == 1 else f"{over:,} rows lie"
            self._warn(
                "beyond_horizon",
                over,
                f"{rows} beyond the {model.horizon:,} steps that the model was made and judged for.",
            )

    def check_extra(self) -> None:
        """Warn of columns that the model does not know."""
        used = {self.time, self.label, *(c.name for c in self.model.known_columns)}
        known = {*used, *self.bundle.ignored, self.bundle.target}
        self.warnings += [extra_warning(str(n)) for n in self.frame.columns if n not in known]

    def _known_cells(self, column: KnownColumn) -> Array:
        out = np.full(self.rows, np.nan)
        codes = {word: code for code, word in enumerate(column.categories)}
        unseen: dict[str, int] = {}
        for row, cell in enumerate(self.frame[column.name].tolist()):
            if is_missing(cell) or pd.isna(cell):
                continue
            try:
                if not codes:
                    out[row] = as_number(cell, column.type)  # type: ignore[arg-type]
                    continue
                text = as_string(cell)
            except BadCell as error:
                self._error(row, column.name, f"{error} (column {column.name!r} is {column.type})")
                continue
            if text in codes:
                out[row] = codes[text]
            else:
                unseen[text] = unseen.get(text, 0) + 1
        if unseen:
            self.warnings.append(unseen_warning(column.name, list(unseen), sum(unseen.values())))
        return out

    def _warn(self, kind: str, rows: int, message: str) -> None:
        self.warnings.append({"kind": kind, "column": self.time, "rows": rows, "message": message})

    def _missing(self, name: str) -> None:
        for row in range(min(self.rows, MOST_ERRORS)):
            self._error(row, name, f"the required column {name!r} is missing")

    def _error(self, row: int, column: str, message: str) -> None:
        self.errors.append({"row": row, "column": column, "message": message})
