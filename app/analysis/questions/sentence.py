"""Answers and plans in plain words."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any

from app.analysis.calendar import MONTHS
from app.analysis.charts.style import year
from app.analysis.questions.plan import (
    Figures,
    Filter,
    Grouped,
    GroupShare,
    Key,
    Measure,
    Plan,
    Ranked,
    Records,
    Share,
    Values,
)
from app.analysis.questions.sql import MAX_ROWS

_SHOWN = 5
"""Values that a sentence lists before it says how many more there are."""

_LONGEST = 80
_CALLED = {
    "avg": "average", "sum": "total", "min": "lowest", "max": "highest", "median": "median",
    "std": "standard deviation of", "var": "variance of",
}  # fmt: skip
_OF_TIME = {"min": "earliest", "max": "latest"}
_TESTS = {
    "eq": "is", "ne": "is not", "lt": "is below", "le": "is at most", "gt": "is above",
    "ge": "is at least", "contains": "contains", "starts": "starts with", "ends": "ends with",
    "weekday": "falls on a",
}  # fmt: skip


def sentence(plan: Plan, rows: list[list[Any]], facts: Facts) -> str:
    """One sentence that answers, with its figures, sensibly rounded."""
    if isinstance(plan, Figures):
        return _figures(plan, rows, facts)
    if not rows:
        return f"There is nothing to show: no row fits{where(plan.where)}."
    if isinstance(plan, Grouped):
        return _grouped(plan, rows, facts)
    if isinstance(plan, Ranked):
        return _ranked(plan, rows, facts)
    if isinstance(plan, Records):
        return _records(plan, rows, facts)
    if isinstance(plan, Values):
        return _values(plan, rows, facts)
    if isinstance(plan, Share):
        return _share(plan, rows, facts)
    return _grouped(plan, rows, facts)


class Facts:
    """What stands beside an answer: rows looked at, values in them, figures of a ranking; and
    the columns of which the values are years."""

    def __init__(
        self,
        rows: int = 0,
        filled: int | None = None,
        ranked: Sequence[Sequence[Any]] = (),
        years: Set[str] = frozenset(),
    ) -> None:
        self.rows = rows
        self.filled = filled
        self.ranked = ranked
        self.years = years

    def cell(self, column: str, value: Any) -> str:
        """A value of a column in words: 2013 where the column holds years."""
        return _year_text(value) if column in self.years else value_text(value)

    def key(self, key: Key, value: Any) -> str:
        """What rows are grouped by, in words."""
        if key.part is None:
            return self.cell(key.column, value)
        return _year_text(value) if key.part == "year" else value_text(value)

    def figure(self, measure: Measure | None, value: Any) -> str:
        """A figure in words; ``None``: a share."""
        return _year_text(value) if self.of_years(measure) else value_text(value)

    def of_years(self, measure: Measure | None) -> bool:
        """Whether a figure is itself a year, or a mean of years."""
        return (
            measure is not None
            and measure.column in self.years
            and measure.function in ("avg", "median", "min", "max")
        )


def value_text(value: Any) -> str:
    """One value as people write it: thousands apart, few digits, long text cut and told."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _number_text(value)
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def where(filters: Sequence[Filter]) -> str:
    """The conditions as a clause that begins with a space, or nothing."""
    if not filters:
        return ""
    return " where " + " and ".join(test(each) for each in filters)


def test(each: Filter) -> str:
    """One condition in words."""
    name = value_text(each.column)
    texts = [_bound_text(value) for value in each.values]
    if each.op == "missing":
        return f"{name} is missing"
    if each.op == "present":
        return f"{name} is known"
    if each.op in ("in", "not_in"):
        return f"{name} is {'not ' if each.op == 'not_in' else ''}one of {', '.join(texts)}"
    if each.op == "between":
        return f"{name} is between {texts[0]} and {texts[1]}"
    if each.op == "month":
        return f"{name} falls in {MONTHS[int(str(each.values[0])) - 1]}"
    if each.op in ("period", "not_period"):
        return f"{name} is {_period_text(each)}"
    return f"{name} {_TESTS[each.op]} {texts[0]}"


def called(measure: Measure, *, of_time: bool = False) -> str:
    """A figure's name in a sentence; ``of_time`` says that it is a moment."""
    if measure.function == "rows":
        return "number of rows"
    if measure.function == "columns":
        return "number of columns"
    if measure.column is None:
        return "number of missing values"
    name = value_text(measure.column)
    if of_time and measure.function in _OF_TIME:
        return f"{_OF_TIME[measure.function]} {name}"
    if measure.function == "distinct":
        return f"number of different values of {name}"
    if measure.function == "missing":
        return f"number of missing values of {name}"
    return f"{_CALLED[measure.function]} {name}"


def _figures(plan: Figures, rows: list[list[Any]], facts: Facts) -> str:
    clause = where(plan.where)
    values = rows[0]
    if all(value is None for value in values):
        return f"No row{clause} has a value of {value_text(plan.measures[0].column)}."
    if plan.measures[0].function == "rows" and len(values) == 1:
        noun = "row" if values[0] == 1 else "rows"
        verb = "is" if values[0] == 1 else "are"
        return f"There {verb} {value_text(values[0])} {noun}{clause}."
    parts = [
        f"the {called(measure, of_time=isinstance(value, str))} is {facts.figure(measure, value)}"
        for measure, value in zip(plan.measures, values, strict=True)
    ]
    text = " and ".join(parts)
    return f"{text[0].upper()}{text[1:]}{clause}{_basis(plan, facts)}."


def _basis(plan: Figures, facts: Facts) -> str:
    """Over how many rows a figure was taken, and how many had no value."""
    if facts.filled is None or plan.measures[0].function in ("missing", "columns", "distinct"):
        return ""
    gaps = facts.rows - facts.filled
    told = f"; {gaps:,} without a value are left out" if gaps else ""
    return f" ({facts.filled:,} {'row' if facts.filled == 1 else 'rows'}{told})"


def _grouped(plan: Grouped | Share | GroupShare, rows: list[list[Any]], facts: Facts) -> str:
    assert plan.key is not None
    key = plan.key
    measure = plan.measure if isinstance(plan, Grouped) else None

    def told(row: Sequence[Any]) -> tuple[str, str]:
        return facts.key(key, row[0]), facts.figure(measure, row[1])

    known = sorted((row for row in rows if row[1] is not None), key=lambda row: -_size(row[1]))
    by = f"{_grouped_what(plan)} for each {_key_text(key)}{where(plan.where)}"
    if not known:
        return f"{by}: no group has a value."
    if len(known) <= _SHOWN:
        return f"{by}: {', '.join(' '.join(told(row)) for row in known)}."
    top, low = told(known[0]), told(known[-1])
    more = " (the first 1,000 groups)" if len(rows) >= MAX_ROWS else ""
    return f"{by}: from {low[1]} ({low[0]}) to {top[1]} ({top[0]}), {len(rows):,} groups{more}."


def _grouped_what(plan: Grouped | Share | GroupShare) -> str:
    if isinstance(plan, Grouped):
        return f"The {called(plan.measure)}"
    if isinstance(plan, Share):
        unit = "percentage" if plan.scale == 100 else "fraction"
        return f"The {unit} of rows where {_of_text(plan)}"
    return "The share of rows in percent"


def _of_text(plan: Share) -> str:
    return " and ".join(test(each) for each in plan.of)


def _ranked(plan: Ranked, rows: list[list[Any]], facts: Facts) -> str:
    shown = [
        f"{facts.key(plan.key, k)} ({facts.figure(plan.measure, v)})"
        for k, v in facts.ranked[:_SHOWN]
    ]
    more = len(rows) - len(shown)
    listing = ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    side = "highest" if plan.descending else "lowest"
    what = f"{_key_text(plan.key)} with the {side} {called(plan.measure)}{where(plan.where)}"
    tie = f" {len(rows):,} share a place." if len(rows) > plan.limit else ""
    if plan.limit == 1:
        return f"The {what}: {listing}.{tie}"
    return f"The {plan.limit:,} values of {what}: {listing}.{tie}"


def _records(plan: Records, rows: list[list[Any]], facts: Facts) -> str:
    clause = where(plan.where)
    if plan.single:
        return (
            f"The {value_text(plan.select[0])}{clause} is {facts.cell(plan.select[0], rows[0][0])}."
        )
    if plan.order is not None:
        side = "highest" if plan.descending else "lowest"
        noun = "row" if len(rows) == 1 else f"{len(rows):,} rows"
        lead = f"The {noun} with the {side} {value_text(plan.order)}{clause}"
        return f"{lead}: {_listed(plan.select, rows, facts)}."
    more = " (the first 1,000)" if len(rows) >= MAX_ROWS else ""
    return f"{len(rows):,} rows fit{clause}{more}: {_listed(plan.select, rows, facts)}."


def _listed(select: tuple[str, ...], rows: list[list[Any]], facts: Facts) -> str:
    if len(select) == 1:
        shown = ", ".join(facts.cell(select[0], row[0]) for row in rows[:_SHOWN])
    else:
        pairs = zip(select[:_SHOWN], rows[0][:_SHOWN], strict=True)
        shown = ", ".join(f"{value_text(name)} {facts.cell(name, value)}" for name, value in pairs)
        return shown + (" …" if len(select) > _SHOWN or len(rows) > 1 else "")
    return shown + (f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else "")


def _values(plan: Values, rows: list[list[Any]], facts: Facts) -> str:
    count = f"{len(rows):,}" if len(rows) < MAX_ROWS else "at least 1,000"
    noun = "value" if len(rows) == 1 else "different values"
    listing = _listed((plan.column,), rows, facts)
    return f"{value_text(plan.column)} has {count} {noun}{where(plan.where)}: {listing}."


def _share(plan: Share, rows: list[list[Any]], facts: Facts) -> str:
    if plan.key is not None:
        return _grouped(plan, rows, facts)
    part = _of_text(plan)
    if rows[0][0] is None:
        return f"There is no share to give: no row fits{where(plan.where)}."
    percent = rows[0][0] * 100 / plan.scale
    share = f"{_number_text(percent)} %"
    if plan.scale == 1:
        share = f"a fraction of {_number_text(rows[0][0])} ({share})"
    gaps = facts.rows - (facts.rows if facts.filled is None else facts.filled)
    told = f" ({gaps:,} without a value count as not)" if gaps else ""
    return f"Of {facts.rows:,} rows{where(plan.where)}, {share} have this: {part}{told}."


def _key_text(key: Key) -> str:
    name = value_text(key.column)
    return f"{key.part} of {name}" if key.part is not None else name


def _number_text(value: float) -> str:
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.4g}"
    if value == int(value):
        return f"{int(value):,}"
    if size >= 1:
        return f"{value:,.2f}"
    return f"{value:.4g}"


def _year_text(value: Any) -> str:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool)
    return year(value) if whole else value_text(value)


def _size(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _bound_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 1000 <= value < 3000 else f"{value:,}"  # 2013 may be a year
    return value_text(value)


def _period_text(each: Filter) -> str:
    start, end = each.values
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        return "in this period"
    negated = "not " if each.op == "not_period" else ""
    if start.year == 1:
        return f"{negated}before {end.date().isoformat()}"
    if end.year == 9999:
        return f"{negated}on or after {start.date().isoformat()}"
    return f"{negated}from {start.date().isoformat()} and before {end.date().isoformat()}"
