"""The chart that shows what an alert says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.analysis.charts.spec import Chart
from app.analysis.profile import chart_columns, chart_overview, chart_target, chart_time
from app.analysis.profile.document import Profile
from app.analysis.profile.facts import Facts

FIRST = 10
"""Alerts that get a chart: those that a reader meets first."""


def pointed_at(found: Profile, worth: Mapping[str, Facts], *, seed: int) -> list[Chart]:
    """The charts of the first ten alerts, in their order; each of those names its chart.

    ``worth`` are the columns that may be charted: never an id, a constant or an empty column.
    An alert that no picture could make clearer, as that the table is small, gets none.
    """
    charts: dict[str, Chart] = {}
    for alert in found.document["alerts"][:FIRST]:
        chart = _chart(found, alert, worth, seed)
        if chart is not None:
            alert["chart"] = chart.name
            charts.setdefault(chart.name, chart)
    return list(charts.values())


def _chart(
    found: Profile, alert: Mapping[str, Any], worth: Mapping[str, Facts], seed: int
) -> Chart | None:
    kind = alert["kind"]
    if kind in _OF_TABLE:
        return _OF_TABLE[kind](found)
    columns = [worth[name] for name in alert["columns"] if name in worth]
    if kind in _OF_PAIR:
        return _pair(found, *columns[:2], seed=seed) if len(columns) > 1 else None
    if kind in _OF_COLUMN and columns:
        return _OF_COLUMN[kind](columns[0])
    if kind in _OVER_TIME and columns:
        return _OVER_TIME[kind](found, columns[0])
    return None


def _pair(found: Profile, a: Facts, b: Facts, *, seed: int) -> Chart | None:
    """Points, boxes or shares, as the two columns call for."""
    if a.groups() is not None and b.groups() is not None:
        return chart_overview.shares(found, a, b)
    if a.role == b.role == "numeric" and a.groups() is None and b.groups() is None:
        return chart_overview.scatter(found, a, b, seed=seed)
    number, by = (a, b) if a.groups() is None else (b, a)
    return chart_target.boxes(found, number, by)


def _spread(facts: Facts) -> Chart | None:
    return chart_columns.values(facts) if facts.role == "numeric" else None


def _categories(facts: Facts) -> Chart | None:
    return chart_columns.categories(facts) if "top" in facts.profile else None


_OF_TABLE: Mapping[str, Callable[[Profile], Chart | None]] = {
    "missing": chart_overview.missing_share,
    "target_missing": chart_overview.missing_share,
    "empty": chart_overview.missing_share,
    "missing_together": chart_overview.missingness,
}
_OF_PAIR = frozenset({"correlated", "same_columns", "decided", "nonlinear", "leakage"})
_OVER_TIME: Mapping[str, Callable[[Profile, Facts], Chart | None]] = {
    "drift": chart_time.change,
    "missing_over_time": chart_time.missing,
}
_OF_COLUMN: Mapping[str, Callable[[Facts], Chart | None]] = {
    "skewed": _spread,
    "outliers": _spread,
    "infinite": _spread,
    "high_cardinality": _categories,
    "lopsided": _categories,
    "odd_spelling": _categories,
    "imbalance": chart_target.distribution,
    "date_gaps": lambda f: chart_columns.timeline(f) if f.role == "time" else None,
    "seasonal": lambda f: chart_time.cycle(f) if f.role == "time" else None,
}
