"""A table as series on one calendar: read, put in order, its gaps filled, and all of that told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.features.table import as_floats, first_cell
from app.analysis.automl.forecasting.grid import Grid, find_grid
from app.analysis.automl.forecasting.spelling import read_times
from app.analysis.errors import BadOption, HopelessTable
from app.analysis.schema import NUMERIC_TYPES, Column

Array = npt.NDArray[Any]

LEAST_TIMES = 8
"""A series of fewer times says nothing of what comes."""
MOST_CELLS = 20_000_000
"""Series × times that are held in memory."""
MOST_UNREADABLE = 0.05
"""Of the rows, so many may hold no readable time and be left out; more are a mistake."""
MOST_REPEATED = 0.2
"""Of the rows, so many may repeat a time of their series before a series column is asked for."""


@dataclass(frozen=True, slots=True)
class KnownColumn:
    """A column known in advance: ``categories`` are its codes 0, 1 …; none for numbers."""

    name: str
    type: str
    categories: tuple[str, ...] = ()


@dataclass(slots=True)
class Panel:
    """``y`` (series, times): the target on the calendar, its gaps filled; NaN before a series
    starts and from its end on. ``seen`` says which values the table held. Of series ``i`` the
    first value stands at ``start[i]``, the last before ``end[i]``.

    ``known`` (columns, series, times and those to come): what is known in advance, NaN where
    nothing is.
    """

    grid: Grid
    names: tuple[str, ...]
    y: Array
    seen: Array
    start: Array
    end: Array
    known_columns: tuple[KnownColumn, ...] = ()
    known: Array = field(default_factory=lambda: np.empty((0, 0, 0)))
    notes: list[str] = field(default_factory=list)

    @property
    def series(self) -> int:
        """How many series there are."""
        return int(self.y.shape[0])

    @property
    def times(self) -> int:
        """How many times the calendar has."""
        return int(self.y.shape[1])

    def until(self, cut: int) -> Panel:
        """The same as a table would have told it that ended before the time ``cut``, but for what
        is known in advance: gaps, too, are filled from what was seen by then."""
        seen = self.seen[:, :cut]
        y = np.where(seen, self.y[:, :cut], np.nan)
        panel = Panel(self.grid, self.names, y, seen, *_ends(y), self.known_columns, self.known)
        _fill(panel)
        return panel

    def carried(self, cut: int) -> Array:
        """(series, cut) what was known of each series before the time ``cut``, its last value
        carried on to there; NaN where it had not begun."""
        known = self.until(cut)
        if (known.end == cut).all():
            return known.y
        last = known.y[np.arange(self.series), known.end - 1]
        over = np.arange(cut) >= known.end[:, None]
        return np.where(over, last[:, None], known.y)


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column holds the target, the times, the names of series, and what is known ahead."""

    target: str
    time: str
    series: str | None
    known: tuple[Column, ...]


def read_panel(frame: pd.DataFrame, roles: Roles) -> Panel:
    """The series of a table.

    Raises ``BadOption`` for a column of times that holds none, for a target that holds something
    else than numbers, and where rows of one time need a series column; ``HopelessTable`` where the
    series are too short or too many.
    """
    notes: list[str] = []
    frame, times, style = _timed(frame, roles, notes)
    names, codes = _series(frame, roles, notes)
    grid = find_grid([np.unique(times[codes == k]) for k in _some(codes)], style)
    places = grid.positions(times)
    _tell_strays(grid, times, places, roles, notes)
    first = int(places.min())
    places = (places - first).astype(np.int64)
    grid = _moved(grid, first)
    values = _amounts(frame[roles.target], roles.target)
    told = np.isfinite(values)
    if not told.any():
        raise HopelessTable(f"The target {roles.target!r} holds no number.")
    _check_repeated(frame, roles, places[told], codes[told])
    last = int(places[told].max()) + 1
    if len(names) * last > MOST_CELLS:
        raise HopelessTable(
            f"{len(names):,} series on a calendar of {last:,} times are more than can be held."
        )
    y, repeated = _averaged(places[told], codes[told], values[told], (len(names), last))
    if repeated:
        notes.append(
            f"{repeated:,} rows repeat a time of their series; the mean of such rows was taken."
        )
    known_columns, known = _known(frame, roles, places, codes, len(names), notes)
    return _finished(Panel(grid, names, y, np.isfinite(y), *_ends(y), known_columns, known), notes)


def _timed(frame: pd.DataFrame, roles: Roles, notes: list[str]) -> tuple[pd.DataFrame, Array, str]:
    """The rows with a time, and their times."""
    times, style, bad = read_times(frame[roles.time])
    empty = ~np.isfinite(times)
    unreadable = int(frame[roles.time].notna().to_numpy()[empty].sum())
    if bad and unreadable > MOST_UNREADABLE * len(frame):
        raise BadOption(
            f"Column {roles.time!r} holds {bad[0]!r}, which names no time; times are dates, "
            "months (2024-01, Jan 2024), quarters (2024Q1), ISO weeks (2024-W05), years or numbers.",
            option="time_column",
        )
    if bad:
        shown = ", ".join(repr(cell) for cell in bad[:3])
        notes.append(f"{unreadable:,} rows hold no readable time ({shown}) and were left out.")
    missing = int(empty.sum()) - unreadable
    if missing:
        notes.append(f"{missing:,} rows have no time in {roles.time!r} and were left out.")
    if empty.all():
        raise BadOption(f"Column {roles.time!r} holds no time.", option="time_column")
    if empty.any():
        frame, times = frame.loc[~empty].reset_index(drop=True), times[~empty]
    return frame, times, style


def _amounts(series: pd.Series[Any], name: str) -> Array:
    """(rows,) the target's numbers, NaN for none; keys and constants may be anything by type."""
    try:
        if pd.api.types.is_datetime64_any_dtype(series):
            raise TypeError
        values = as_floats(series)
    except (TypeError, ValueError):
        raise BadOption(
            f"Column {name!r} holds {first_cell(series)!r}; a forecast is made of numbers, so name "
            "a target that holds them.",
            option="target",
        ) from None
    return np.where(np.isfinite(values), values, np.nan)


def _series(frame: pd.DataFrame, roles: Roles, notes: list[str]) -> tuple[tuple[str, ...], Array]:
    """The names of the series in order, and the number of each row's."""
    if roles.series is None:
        return ("",), np.zeros(len(frame), dtype=np.int64)
    column = frame[roles.series]
    codes, values = pd.factorize(column, sort=False)
    names = [spelled(value) for value in values]
    nameless = int((codes < 0).sum())
    if nameless:
        codes = np.where(codes < 0, len(names), codes)
        names.append("")
        notes.append(
            f"{nameless:,} rows name no series in {roles.series!r}; they are one of their own."
        )
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    return tuple(names[i] for i in order), place[codes]


def spelled(value: Any) -> str:
    """The name of a series as text; whole numbers without a point."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return str(value)


def _some(codes: Array, most: int = 500) -> Array:
    """Some of the series, by which the calendar is found."""
    return np.unique(codes)[:most]


def _moved(grid: Grid, by: int) -> Grid:
    return Grid(grid.unit, grid.step, grid.origin + by * grid.step, grid.style, grid.day)


def _tell_strays(grid: Grid, times: Array, places: Array, roles: Roles, notes: list[str]) -> None:
    """Tell of times beside the calendar; months have no place within them."""
    notes.append(f"Column {roles.time!r} was read as a calendar: {grid.name}.")
    if grid.unit == "month":
        return
    strays = int((np.abs(grid.times(places) - times) > 1e-6 * max(1.0, grid.step)).sum())
    if grid.unit in ("day", "weekday"):
        strays = int((np.abs(grid.times(places) - times) >= 86_400).sum())
    if strays:
        notes.append(
            f"{strays:,} rows lie beside that calendar and were moved to its nearest time."
        )


def _check_repeated(frame: pd.DataFrame, roles: Roles, places: Array, codes: Array) -> None:
    """That rows of one time are an exception, or that no column could name their series."""
    rows = places.size
    apart = np.unique(places + codes * (places.max() + 1)).size
    if roles.series is not None or rows - apart <= MOST_REPEATED * rows:
        return
    taken = {roles.target, roles.time, *(c.name for c in roles.known)}
    for name in (str(c) for c in frame.columns if str(c) not in taken):
        other, values = pd.factorize(frame[name])
        if 1 < len(values) <= rows // 3 and len(frame) == rows:
            pairs = np.unique(places + (other + 1) * (places.max() + 1)).size
            if rows - pairs <= MOST_REPEATED * rows / 4:
                raise BadOption(
                    f"Each time occurs about {rows / apart:.0f} times: name the column that tells "
                    f"the series apart in 'series_column' (perhaps {name!r}).",
                    option="series_column",
                )


def _averaged(
    places: Array, codes: Array, values: Array, shape: tuple[int, int]
) -> tuple[Array, int]:
    """The mean value of each series at each time, and how many rows repeat another's time."""
    flat = codes * shape[1] + places
    sums = np.bincount(flat, weights=values, minlength=shape[0] * shape[1])
    counts = np.bincount(flat, minlength=shape[0] * shape[1])
    y = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return y.reshape(shape), int((counts - 1).clip(min=0).sum())


def _ends(y: Array) -> tuple[Array, Array]:
    """The first time of each series, and the one after its last; both 0 where it has none."""
    seen = np.isfinite(y)
    some = seen.any(axis=1)
    start = np.where(some, seen.argmax(axis=1), 0)
    end = np.where(some, y.shape[1] - seen[:, ::-1].argmax(axis=1), 0)
    return start, end


def _known(
    frame: pd.DataFrame, roles: Roles, places: Array, codes: Array, series: int, notes: list[str]
) -> tuple[tuple[KnownColumn, ...], Array]:
    """What is known in advance, on the calendar: numbers, and categories as codes."""
    reach = int(places.max()) + 1
    columns: list[KnownColumn] = []
    blocks = np.full((len(roles.known), series, reach), np.nan)
    for k, column in enumerate(roles.known):
        if column.type in NUMERIC_TYPES or column.type == "boolean":
            values, categories = as_floats(frame[column.name]), tuple[str, ...]()
        else:
            texts = frame[column.name].map(spelled, na_action="ignore")
            numbers, words = pd.factorize(texts, sort=True)
            values = np.where(numbers < 0, np.nan, numbers.astype(np.float64))
            categories = tuple(str(word) for word in words)
        blocks[k, codes, places] = values
        columns.append(KnownColumn(column.name, column.type, categories))
    if roles.known:
        names = ", ".join(repr(c.name) for c in roles.known)
        notes.append(f"Known in advance, so used at the time foretold: {names}.")
    return tuple(columns), blocks


def _finished(panel: Panel, notes: list[str]) -> Panel:
    """Short series left out, gaps filled."""
    length = panel.end - panel.start
    kept = np.flatnonzero(length >= LEAST_TIMES)
    if not kept.size:
        longest = int(length.max())
        raise HopelessTable(
            f"The longest series has {longest} times; at least {LEAST_TIMES} are needed to "
            "foretell what comes."
        )
    if kept.size < panel.series:
        gone = [panel.names[i] or "(none)" for i in np.setdiff1d(np.arange(panel.series), kept)]
        shown = ", ".join(repr(name) for name in gone[:5]) + (" …" if len(gone) > 5 else "")
        notes.append(
            f"{len(gone):,} series of fewer than {LEAST_TIMES} times were left out: {shown}."
        )
        times = int(panel.end[kept].max())
        panel = Panel(
            panel.grid,
            tuple(panel.names[i] for i in kept),
            panel.y[kept, :times],
            panel.seen[kept, :times],
            panel.start[kept],
            panel.end[kept],
            panel.known_columns,
            panel.known[:, kept],
        )
    filled = _fill(panel)
    if filled:
        notes.append(
            f"{filled:,} times are missing within the series; they were filled from their "
            "neighbours and judge nothing."
        )
    flat = int(
        sum(np.ptp(panel.y[i, panel.start[i] : panel.end[i]]) == 0 for i in range(panel.series))
    )
    if flat:
        which = "The series never changes" if panel.series == 1 else f"{flat:,} series never change"
        notes.append(f"{which}: its forecast is that value." if panel.series == 1 else f"{which}.")
    late = panel.end.max() - panel.end
    if (late > 0).any():
        notes.append(
            f"{int((late > 0).sum()):,} series end before the others, by up to {int(late.max()):,} "
            "steps; each is foretold from its own end."
        )
    panel.notes = notes
    return panel


def _fill(panel: Panel) -> int:
    """Fill the gaps within series: long ones a season away where there is one, else straight."""
    times = np.arange(panel.times)
    inside = (times >= panel.start[:, None]) & (times < panel.end[:, None])
    gaps = np.flatnonzero(inside & ~panel.seen)
    if not gaps.size:
        return 0
    # The values of all series stand one behind the other here, and a gap lies between two of its
    # own series.
    known = np.flatnonzero(panel.seen)
    after = np.searchsorted(known, gaps)
    left, right = known[after - 1], known[after]
    first, last = panel.y.take(left), panel.y.take(right)
    filled = first + (last - first) / (right - left) * (gaps - left)
    season = next((s for s in panel.grid.seasons), 0)
    if season > 1:
        long = 2 * (right - left - 1) > season
        near = _season_away(panel, gaps[long], season)
        filled[long] = np.where(np.isfinite(near), near, filled[long])
    panel.y.flat[gaps] = filled
    return int(gaps.size)


def _season_away(panel: Panel, cells: Array, season: int) -> Array:
    """(cells,) the mean of the values seen one season before and after; NaN where none was."""
    series, when = np.divmod(cells, panel.times)
    sums, counts = np.zeros(cells.size), np.zeros(cells.size)
    for at in (when - season, when + season):
        place = np.clip(at, 0, panel.times - 1)
        there = (place == at) & panel.seen[series, place]
        sums += np.where(there, panel.y[series, place], 0.0)
        counts += there
    out = np.full(cells.size, np.nan)
    return np.asarray(np.divide(sums, counts, out=out, where=counts > 0))
