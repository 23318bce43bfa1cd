"""A plan as SQL: built as a syntax tree, never pasted together from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlglot import exp

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
    Scalar,
    Share,
    Values,
)

TABLE = "dataset"
"""The one table that a question can reach."""

MAX_ROWS = 1_000
"""Rows that an answer holds at most."""

Names = Mapping[str, str]
"""Column of the dataset → its name in the engine, which has no case clashes."""

_WORDS = {
    "avg": "average", "sum": "total", "min": "minimum", "max": "maximum",
    "std": "standard deviation", "var": "variance",
}  # fmt: skip


def build(plan: Plan, names: Names, total_columns: int = 0) -> exp.Select:
    """The SELECT that answers ``plan``; its columns come in the order of the answer's."""
    if isinstance(plan, Figures):
        return _figures(plan, names, total_columns)
    if isinstance(plan, Grouped):
        return _grouped(plan, names)
    if isinstance(plan, Ranked):
        return ranked(plan, names, with_measure=False)
    if isinstance(plan, Records):
        return _records(plan, names)
    if isinstance(plan, Values):
        return _values(plan, names)
    if isinstance(plan, Share):
        return _share(plan, names)
    return _group_share(plan, names)


def count_rows(where: Sequence[Filter], names: Names, column: str | None = None) -> exp.Select:
    """How many rows fit ``where`` and, with ``column``, how many of them hold a value there."""
    counted = [exp.Count(this=exp.Star())]
    if column is not None:
        counted.append(exp.Count(this=column_of(column, names)))
    return _from(counted, where, names)


def ranked(plan: Ranked, names: Names, *, with_measure: bool) -> exp.Select:
    """The keys of a ranking, and with ``with_measure`` the figure that ranks each."""
    key, figure = _key(plan.key, names), _measure(plan.measure, names)
    rank = exp.Window(
        this=exp.Rank(),
        order=exp.Order(expressions=[exp.Ordered(this=figure.copy(), desc=plan.descending)]),
    )
    shown = [_named(key, key_label(plan.key), names)]
    if with_measure:
        shown.append(_named(figure, measure_label(plan.measure), names))
    select = _from(shown, plan.where, names, present=key)
    select = select.group_by(key.copy()).having(_present(figure))
    select.set("qualify", exp.Qualify(this=exp.LTE(this=rank, expression=exp.convert(plan.limit))))
    order = exp.Ordered(this=figure.copy(), desc=plan.descending, nulls_first=False)
    return select.order_by(order, _ascending(key)).limit(MAX_ROWS)


def measure_label(measure: Measure) -> str:
    """What a figure is called as a column of an answer."""
    if measure.function in ("rows", "columns"):
        return measure.function
    if measure.function == "missing":
        return f"missing {measure.column}" if measure.column else "missing values"
    return f"{_WORDS.get(measure.function, measure.function)} {measure.column}"


def share_label(scale: int) -> str:
    """What a share is called as a column of an answer."""
    return "percent" if scale == 100 else "fraction"


def labels(plan: Plan) -> list[str]:
    """The columns of the answer to ``plan``, in the order of its SELECT."""
    if isinstance(plan, Figures):
        return [measure_label(measure) for measure in plan.measures]
    if isinstance(plan, Records):
        return list(plan.select)
    if isinstance(plan, Values):
        return [plan.column]
    key = [] if plan.key is None else [key_label(plan.key)]
    if isinstance(plan, Grouped):
        return [*key, measure_label(plan.measure)]
    if isinstance(plan, Ranked):
        return key
    return [*key, share_label(plan.scale if isinstance(plan, Share) else 100)]


def column_of(name: str, names: Names) -> exp.Column:
    """The column, its name quoted whatever it holds."""
    return exp.column(exp.to_identifier(names[name], quoted=True))


def _figures(plan: Figures, names: Names, total_columns: int) -> exp.Select:
    if any(measure.function == "columns" for measure in plan.measures):
        return exp.select(_named(exp.convert(total_columns), "columns", names))
    shown = [_named(_measure(m, names), measure_label(m), names) for m in plan.measures]
    return _from(shown, plan.where, names)


def _grouped(plan: Grouped, names: Names) -> exp.Select:
    key, figure = _key(plan.key, names), _measure(plan.measure, names)
    shown = [
        _named(key, key_label(plan.key), names),
        _named(figure, measure_label(plan.measure), names),
    ]
    select = _from(shown, plan.where, names, present=key).group_by(key.copy())
    return select.order_by(_ascending(key)).limit(MAX_ROWS)


def _records(plan: Records, names: Names) -> exp.Select:
    shown: list[exp.Expr] = [column_of(name, names) for name in plan.select]
    if plan.order is None:
        select = _from(shown, plan.where, names)
        if plan.single:
            select = select.distinct()
        return select.limit(plan.limit or MAX_ROWS)
    order = column_of(plan.order, names)
    by = exp.Ordered(this=order.copy(), desc=plan.descending, nulls_first=False)
    select = _from(shown, plan.where, names, present=order)
    rank = exp.Window(this=exp.Rank(), order=exp.Order(expressions=[by.copy()]))
    limit = exp.convert(plan.limit or 1)
    select.set("qualify", exp.Qualify(this=exp.LTE(this=rank, expression=limit)))
    return select.order_by(by).limit(MAX_ROWS)


def _values(plan: Values, names: Names) -> exp.Select:
    column = column_of(plan.column, names)
    select = _from([column], plan.where, names, present=column)
    return select.distinct().order_by(_ascending(column)).limit(MAX_ROWS)


def _share(plan: Share, names: Names) -> exp.Select:
    part = exp.Filter(
        this=exp.Count(this=exp.Star()),
        expression=exp.Where(this=conditions(plan.of, names)),
    )
    return _ratio(part, plan.key, plan.where, names, plan.scale)


def _ratio(
    part: exp.Expr, key: Key | None, where: Sequence[Filter], names: Names, scale: int
) -> exp.Select:
    whole = exp.Nullif(this=exp.Count(this=exp.Star()), expression=exp.convert(0))
    scaled = exp.Mul(this=part, expression=exp.Literal.number(f"{scale}.0"))
    figure = _named(exp.Div(this=scaled, expression=whole), share_label(scale), names)
    if key is None:
        return _from([figure], where, names)
    by = _key(key, names)
    select = _from([_named(by, key_label(key), names), figure], where, names, present=by)
    return select.group_by(by.copy()).order_by(_ascending(by)).limit(MAX_ROWS)


def _group_share(plan: GroupShare, names: Names) -> exp.Select:
    key = _key(plan.key, names)
    count = exp.Count(this=exp.Star())
    whole = exp.Window(this=exp.Sum(this=count.copy()))
    figure = exp.Div(
        this=exp.Mul(this=count, expression=exp.Literal.number("100.0")), expression=whole
    )
    shown = [_named(key, key_label(plan.key), names), _named(figure, share_label(100), names)]
    select = _from(shown, plan.where, names).group_by(key.copy())
    return select.order_by(_ascending(key)).limit(MAX_ROWS)


def _from(
    shown: Sequence[exp.Expr],
    where: Sequence[Filter],
    names: Names,
    present: exp.Expr | None = None,
) -> exp.Select:
    select = exp.select(*shown).from_(exp.Table(this=exp.to_identifier(TABLE)))
    if where:
        select = select.where(conditions(where, names))
    return select.where(_present(present)) if present is not None else select


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
    "present": lambda column, _: _present(column),
    "period": _period,
    "not_period": _not_period,
    "month": lambda column, values: exp.EQ(this=exp.Month(this=column), expression=values[0]),
    "weekday": lambda column, values: exp.EQ(this=_weekday(column), expression=values[0]),
    "contains": _calls("CONTAINS"),
    "starts": _calls("STARTS_WITH"),
    "ends": _calls("SUFFIX"),
}


def _measure(measure: Measure, names: Names) -> exp.Expr:
    star = exp.Count(this=exp.Star())
    if measure.function == "rows":
        return star
    if measure.column is None:  # the missing cells of the whole table
        cells: exp.Expr = exp.convert(0)
        for name in names:
            cells = exp.Add(this=cells, expression=_missing(name, names))
        return cells
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


def _missing(name: str, names: Names) -> exp.Expr:
    return exp.Sub(
        this=exp.Count(this=exp.Star()), expression=exp.Count(this=column_of(name, names))
    )


def _key(key: Key, names: Names) -> exp.Expr:
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


def key_label(key: Key) -> str:
    """What a key is called as a column of an answer."""
    return key.part if key.part is not None else key.column


def _present(value: exp.Expr) -> exp.Expr:
    return exp.not_(exp.Is(this=value.copy(), expression=exp.null()))


def _ascending(value: exp.Expr) -> exp.Ordered:
    return exp.Ordered(this=value.copy(), desc=False, nulls_first=False)


def _named(value: exp.Expr, label: str, names: Names) -> exp.Expr:
    """``value`` under a readable name, unless a column has that name: ORDER BY would mix them up."""
    if label.casefold() in {name.casefold() for name in names.values()}:
        return value.copy()
    return exp.alias_(value.copy(), exp.to_identifier(label, quoted=True))


def _literal(value: Scalar) -> exp.Expr:
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "TIMESTAMP")
    return exp.convert(value)
