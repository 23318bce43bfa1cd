"""The rhythm of a column of times: what its own frequency leaves out, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.analysis.calendar import MONTHS, WEEKDAYS
from app.analysis.profile.ordered import Ordered
from app.analysis.profile.source import SLICE, Array

_SECOND = 1_000_000
_UNITS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_AT_LEAST = {"year": 365 * 86_400, "month": 28 * 86_400, **_UNITS}
_MONDAY = 3 * 86_400 * _SECOND  # 1 January 1970 was a Thursday: weeks are counted from Monday
UNITS = ("year", "month", *_UNITS)
HOURS = [f"{hour:02}:00" for hour in range(24)]

FEWEST_MOMENTS = 10
MOST_MOMENTS = 2_000_000
"""Different moments of a column that are searched for a frequency."""

STEADY = 0.7
"""The share of steps that are as long as the most frequent one, from which on a column has a
frequency of its own."""

DENSE = 10
"""Rows on a day, on average, from which on a day without any is a gap: by chance that happens
once in 20,000 days."""

CHANCE, SWING = 0.001, 0.1
"""A cycle is told when its p-value is lower, and its parts differ by more than this share of
the mean."""

MOST_PERIODS = 1_000_000


def rhythm(ordered: Ordered) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The :func:`gaps` and the :func:`seasonality` of sorted microseconds since 1970."""
    moments = _different(ordered)
    steady = None if moments is None else _steady(moments)
    apart_s = 0 if steady is None else steady.step * _AT_LEAST[steady.unit]
    return _gaps(ordered, moments, steady), _seasonality(ordered, apart_s)


def gaps(ordered: Ordered) -> dict[str, Any] | None:
    """The periods without a row, at the column's own frequency; ``None`` where it has none.

    ``{unit, step, periods, missing, stretches, longest: {from, to, periods}, never}``: of
    ``periods`` that are due, every ``step`` ``unit`` from the first to the last, ``missing``
    have no row, in so many ``stretches``. Weekdays or hours on which nothing ever happens are
    not due; ``never`` names them.
    """
    return rhythm(ordered)[0]


def _gaps(
    ordered: Ordered, moments: Array | None, steady: _Frequency | None
) -> dict[str, Any] | None:
    found = steady
    if found is None and moments is not None:
        found = _daily(moments, len(ordered))
    if found is None:
        return None
    unit, step, steps = found.unit, found.step, found.steps
    count = int(steps[-1] - steps[0]) // step + 1
    if count > MOST_PERIODS:
        return None
    due = steps[0] + step * np.arange(count)
    never, idle = _never(unit, steps, due) if step == 1 else ([], np.zeros(count, bool))
    due = due[~idle]
    empty = ~np.isin(due, steps)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]])))
    starts, ends = edges[::2], edges[1::2]
    longest = None
    if len(starts):
        place = int((ends - starts).argmax())
        longest = {
            "from": _start(unit, due[starts[place]]),
            "to": _start(unit, due[ends[place] - 1]),
            "periods": int(ends[place] - starts[place]),
        }
    return {
        "unit": unit,
        "step": step,
        "periods": len(due),
        "missing": int(empty.sum()),
        "stretches": len(starts),
        "longest": longest,
        "never": never,
    }


def seasonality(ordered: Ordered) -> list[dict[str, Any]]:
    """The cycles in the number of rows: of the day, the week, the year; the strongest first.

    ``{cycle, parts: [{value, mean}], strength, p_value}``: the mean number of rows an hour, day
    or month in each part of the cycle. The test is that of Kruskal and Wallis (1952, "Use of
    ranks in one-criterion variance analysis") on the counts of whole periods, empty ones
    included, and ``strength`` the share of their ranks' variance that lies between the parts:
    a few crowded periods make no cycle. At least 14 cycles are needed (of years 2). Moments
    that follow each other at a steady distance make none in hours, days or months shorter than it.
    """
    return rhythm(ordered)[1]


def _seasonality(ordered: Ordered, apart_s: int) -> list[dict[str, Any]]:
    found = [cycle for cycle in _cycles(ordered, apart_s) if cycle is not None]
    return sorted(found, key=lambda cycle: -cycle["strength"])


def _different(ordered: Ordered) -> Array | None:
    """The different moments, unless there are too few or too many of them."""
    parts, count, last = [], 0, None
    for start in range(0, len(ordered), SLICE):
        part = np.unique(np.asarray(ordered[start : start + SLICE]))
        part = part[1:] if last is not None and part[0] == last else part
        last = ordered[min(start + SLICE, len(ordered)) - 1]
        parts.append(part)
        count += len(part)
        if count > MOST_MOMENTS:
            return None
    return np.concatenate(parts) if count >= FEWEST_MOMENTS else None


@dataclass(frozen=True, slots=True)
class _Frequency:
    """Every ``step`` of ``unit`` a moment; ``steps`` are the moments in whole units since 1970."""

    unit: str
    step: int
    steps: Array


def _steady(moments: Array) -> _Frequency | None:
    """The frequency that most moments keep to: the unit is the longest in which no two of them
    fall together."""
    for unit in UNITS:
        steps = _steps(unit, moments)
        distances = np.diff(steps)
        if not distances.all():
            continue
        lengths, counts = np.unique(distances, return_counts=True)
        if counts.max() < STEADY * len(distances):
            return None
        return _Frequency(unit, int(lengths[counts.argmax()]), steps)
    return None


def _daily(moments: Array, rows: int) -> _Frequency | None:
    """Days, for moments without an order of their own, if rows are so many that each day should
    have one."""
    days = np.unique(_steps("day", moments))
    return _Frequency("day", 1, days) if FEWEST_MOMENTS <= len(days) <= rows / DENSE else None


def _steps(unit: str, moments: Array) -> Array:
    """The number of whole units since 1970."""
    if unit in ("year", "month"):
        code = "Y" if unit == "year" else "M"
        steps: Array = moments.view("datetime64[us]").astype(f"datetime64[{code}]")
        return steps.astype(np.int64)
    offset = _MONDAY if unit == "week" else 0
    counted: Array = (moments + offset) // (_UNITS[unit] * _SECOND)
    return counted


def _start(unit: str, step: Any) -> str:
    """When a period begins, as ISO text: the day, and the time where it is shorter than one."""
    if unit in ("year", "month"):
        return str(np.datetime64(int(step), "Y" if unit == "year" else "M").astype("datetime64[D]"))
    moment = int(step) * _UNITS[unit] - (_MONDAY // _SECOND if unit == "week" else 0)
    text = str(np.datetime64(moment, "s"))
    return text[:10] if unit in ("week", "day") else text


def _never(unit: str, steps: Array, due: Array) -> tuple[list[str], Array]:
    """Weekdays or hours that never occur in three weeks or more, and which periods they are."""
    cycle = {"day": (7, 3, WEEKDAYS), "hour": (24, 0, HOURS)}.get(unit)
    if cycle is None or len(due) < 21 * (1 if unit == "day" else 24):
        return [], np.zeros(len(due), bool)
    length, offset, names = cycle
    absent = np.bincount((steps + offset) % length, minlength=length) == 0
    return [names[i] for i in np.flatnonzero(absent).tolist()], absent[(due + offset) % length]


def _cycles(ordered: Ordered, apart_s: int) -> Iterator[dict[str, Any] | None]:
    if len(ordered) == 0:
        return
    for cycle, unit, length, offset, names, fewest in (
        ("day", "hour", 24, 0, HOURS, 14 * 24),
        ("week", "day", 7, 3, WEEKDAYS, 14 * 7),
        ("year", "month", 12, 0, MONTHS, 2 * 12),
    ):
        if apart_s > _AT_LEAST[unit]:
            continue  # the empty periods between are no rhythm
        first, last = (int(step) for step in _steps(unit, np.array([ordered[0], ordered[-1]])))
        if not fewest < last - first <= MOST_PERIODS:
            continue
        periods = np.arange(first + 1, last)  # the first and the last are seldom whole
        edges = _edges(unit, np.append(periods, last))
        counts = np.diff(ordered.searchsorted(edges))
        yield _cycle(cycle, counts, (periods + offset) % length, names)


def _edges(unit: str, steps: Array) -> Array:
    """When the periods begin, in microseconds since 1970."""
    if unit == "month":
        return steps.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    begins: Array = steps * (_UNITS[unit] * _SECOND)
    return begins


def _cycle(name: str, counts: Array, parts: Array, names: Any) -> dict[str, Any] | None:
    from scipy.special import chdtrc

    _, places, often = np.unique(counts, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(often) - (often - 1) / 2)[places]
    ranks -= ranks.mean()
    total = float((ranks**2).sum())
    sizes = np.bincount(parts, minlength=len(names))
    filled = np.count_nonzero(np.bincount(parts, weights=counts))
    # One part alone is no rhythm but how the moments are written: days, all at midnight.
    if total == 0 or not sizes.all() or filled < 2:
        return None
    between = float((np.bincount(parts, weights=ranks) ** 2 / sizes).sum())
    strength = between / total
    p_value = float(chdtrc(len(names) - 1, (len(counts) - 1) * strength))
    means = np.bincount(parts, weights=counts) / sizes
    if p_value >= CHANCE or np.ptp(means) < SWING * means.mean():
        return None
    shown = [{"value": n, "mean": float(m)} for n, m in zip(names, means, strict=True)]
    return {"cycle": name, "parts": shown, "strength": min(1.0, strength), "p_value": p_value}
