"""The parts of a plan as parts of a syntax tree: columns, conditions, figures, keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlglot import exp

from app.analysis.questions.plan import Filter, Key, Measure, Scalar

Names = Mapping[str, str]
"""Column of the dataset → its name in the engine, which has no case clashes."""


def column_of(name: str, names: Names) -> exp.Column:
    """The column, its name quoted whatever it holds."""
    return exp.column(exp.to_identifier(names[name], quoted=True))


def conditions(filters: Sequence[Filter], names: Names) -> exp.Expr:
    """All of ``filters`` at once; there must be at least one."""
    return exp.and_(*(_condition(each, names) for each in filters))


def _condition(each: Filter, names: Names) -> exp.Expr:
    column = column_of(each.column, names)
    values = [_literal(value) for value in each.values]
    return _CONDITIONS[each.op](column, values)


_Condition = Callable[[exp.Column, list[exp.Expr]], exp.Expr]


def _binary(kind: type[exp.Binary]) -> _Condition:
    return lambda column, values: kind(this=column, expression=values[0])


def _calls(function: str) -> _Condition:
    """A case-blind test of text with one of DuckDB's functions."""

    def condition(column: exp.Column, values: list[exp.Expr]) -> exp.Expr:
        return exp.Anonymous(
            this=function, expressions=[exp.Lower(this=column), exp.Lower(this=values[0])]
        )

    return condition


def _period(column: exp.Column, values: list[exp.Expr]) -> exp.Expr:
    return exp.and_(
        exp.GTE(this=column, expression=values[0]),
        exp.LT(this=column.copy(), expression=values[1]),
    )


def _not_period(column: exp.Column, values: list[exp.Expr]) -> exp.Expr:
    before = exp.LT(this=column, expression=values[0])
    return exp.paren(exp.or_(before, exp.GTE(this=column.copy(), expression=values[1])))


_CONDITIONS: Mapping[str, _Condition] = {
    "eq": _binary(exp.EQ),
    "ne": _binary(exp.NEQ),
    "lt": _binary(exp.LT),
    "le": _binary(exp.LTE),
    "gt": _binary(exp.GT),
    "ge": _binary(exp.GTE),
    "in": lambda column, values: exp.In(this=column, expressions=values),
    "not_in": lambda column, values: exp.not_(exp.In(this=column, expressions=values)),
    "between": lambda column, values: exp.Between(this=column, low=values[0], high=values[1]),
    "missing": lambda column, _: exp.Is(this=column, expression=exp.null()),
    "present": lambda column, _: present(column),
    "period": _period,
    "not_period": _not_period,
    "month": lambda column, values: exp.EQ(this=exp.Month(this=column), expression=values[0]),
    "weekday": lambda column, values: exp.EQ(this=_weekday(column), expression=values[0]),
    "contains": _calls("CONTAINS"),
    "starts": _calls("STARTS_WITH"),
    "ends": _calls("SUFFIX"),
}


def aggregate(measure: Measure, names: Names) -> exp.Expr:
    """The aggregate that a measure stands for."""
    star = exp.Count(this=exp.Star())
    if measure.function == "rows":
        return star
    if measure.column is None:
        return _missing_cells(names)
    column = column_of(measure.column, names)
    if measure.function == "missing":
        return _missing(measure.column, names)
    if measure.function == "distinct":
        return exp.Count(this=exp.Distinct(expressions=[column]))
    return _AGGREGATES[measure.function](this=column)


_AGGREGATES: Mapping[str, type[exp.AggFunc]] = {
    "avg": exp.Avg,
    "sum": exp.Sum,
    "min": exp.Min,
    "max": exp.Max,
    "median": exp.Median,
    "std": exp.Stddev,
    "var": exp.Variance,
}


def _missing_cells(names: Names) -> exp.Expr:
    """The missing cells of the whole table; the sum is balanced, as engines limit its depth."""
    terms: list[exp.Expr] = [exp.paren(_missing(name, names)) for name in names]
    while len(terms) > 1:
        pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
        terms = [exp.paren(exp.Add(this=p[0], expression=p[1])) if p[1:] else p[0] for p in pairs]
    return terms[0] if terms else exp.convert(0)


def _missing(name: str, names: Names) -> exp.Expr:
    return exp.Sub(
        this=exp.Count(this=exp.Star()), expression=exp.Count(this=column_of(name, names))
    )


def key_of(key: Key, names: Names) -> exp.Expr:
    """The column of a key, or the part of it that was asked for."""
    column = column_of(key.column, names)
    if key.part is None:
        return column
    return _PARTS[key.part](column)


_PARTS: Mapping[str, Callable[[exp.Column], exp.Expr]] = {
    "year": lambda column: exp.Year(this=column),
    "quarter": lambda column: exp.DPipe(
        this=exp.DPipe(this=exp.Year(this=column), expression=exp.Literal.string("-Q")),
        expression=exp.Quarter(this=column.copy()),
    ),
    "month": lambda column: exp.TimeToStr(this=column, format=exp.Literal.string("%Y-%m")),
    "day": lambda column: exp.cast(column, "DATE"),
    "weekday": lambda column: exp.Dayname(this=column),
    "hour": lambda column: exp.Hour(this=column),
}


def _weekday(column: exp.Column) -> exp.Expr:
    return exp.Dayname(this=column)


def present(value: exp.Expr) -> exp.Expr:
    """``value`` is not missing."""
    return exp.not_(exp.Is(this=value.copy(), expression=exp.null()))


def ascending(value: exp.Expr) -> exp.Ordered:
    """``value`` in rising order, missing last."""
    return exp.Ordered(this=value.copy(), desc=False, nulls_first=False)


def _literal(value: Scalar) -> exp.Expr:
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "TIMESTAMP")
    return exp.convert(value)
