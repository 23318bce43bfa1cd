"""A plan as SQL: built as a syntax tree, never pasted together from text."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from app.analysis.questions.expressions import (
    Names,
    aggregate,
    ascending,
    column_of,
    conditions,
    key_of,
    present,
)
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

TABLE = "dataset"
"""The one table that a question can reach."""

MAX_ROWS = 1_000
"""Rows that an answer holds at most."""

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
    key, figure = key_of(plan.key, names), aggregate(plan.measure, names)
    rank = exp.Window(
        this=exp.Rank(),
        order=exp.Order(expressions=[exp.Ordered(this=figure.copy(), desc=plan.descending)]),
    )
    shown = [_named(key, key_label(plan.key), names)]
    if with_measure:
        shown.append(_named(figure, measure_label(plan.measure), names))
    select = _from(shown, plan.where, names, known=key)
    select = select.group_by(key.copy()).having(present(figure))
    select.set("qualify", exp.Qualify(this=exp.LTE(this=rank, expression=exp.convert(plan.limit))))
    order = exp.Ordered(this=figure.copy(), desc=plan.descending, nulls_first=False)
    return select.order_by(order, ascending(key)).limit(MAX_ROWS)


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


def _figures(plan: Figures, names: Names, total_columns: int) -> exp.Select:
    if any(measure.function == "columns" for measure in plan.measures):
        return exp.select(_named(exp.convert(total_columns), "columns", names))
    shown = [_named(aggregate(m, names), measure_label(m), names) for m in plan.measures]
    return _from(shown, plan.where, names)


def _grouped(plan: Grouped, names: Names) -> exp.Select:
    key, figure = key_of(plan.key, names), aggregate(plan.measure, names)
    shown = [
        _named(key, key_label(plan.key), names),
        _named(figure, measure_label(plan.measure), names),
    ]
    select = _from(shown, plan.where, names, known=key).group_by(key.copy())
    return select.order_by(ascending(key)).limit(MAX_ROWS)


def _records(plan: Records, names: Names) -> exp.Select:
    shown: list[exp.Expr] = [column_of(name, names) for name in plan.select]
    if plan.order is None:
        select = _from(shown, plan.where, names)
        if plan.single:
            select = select.distinct()
        return select.limit(plan.limit or MAX_ROWS)
    order = column_of(plan.order, names)
    by = exp.Ordered(this=order.copy(), desc=plan.descending, nulls_first=False)
    select = _from(shown, plan.where, names, known=order)
    rank = exp.Window(this=exp.Rank(), order=exp.Order(expressions=[by.copy()]))
    limit = exp.convert(plan.limit or 1)
    select.set("qualify", exp.Qualify(this=exp.LTE(this=rank, expression=limit)))
    return select.order_by(by).limit(MAX_ROWS)


def _values(plan: Values, names: Names) -> exp.Select:
    column = column_of(plan.column, names)
    select = _from([column], plan.where, names, known=column)
    return select.distinct().order_by(ascending(column)).limit(MAX_ROWS)


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
    by = key_of(key, names)
    select = _from([_named(by, key_label(key), names), figure], where, names, known=by)
    return select.group_by(by.copy()).order_by(ascending(by)).limit(MAX_ROWS)


def _group_share(plan: GroupShare, names: Names) -> exp.Select:
    key = key_of(plan.key, names)
    count = exp.Count(this=exp.Star())
    whole = exp.Window(this=exp.Sum(this=count.copy()))
    figure = exp.Div(
        this=exp.Mul(this=count, expression=exp.Literal.number("100.0")), expression=whole
    )
    shown = [_named(key, key_label(plan.key), names), _named(figure, share_label(100), names)]
    select = _from(shown, plan.where, names).group_by(key.copy())
    return select.order_by(ascending(key)).limit(MAX_ROWS)


def _from(
    shown: Sequence[exp.Expr],
    where: Sequence[Filter],
    names: Names,
    known: exp.Expr | None = None,
) -> exp.Select:
    select = exp.select(*shown).from_(exp.Table(this=exp.to_identifier(TABLE)))
    if where:
        select = select.where(conditions(where, names))
    return select.where(present(known)) if known is not None else select


def key_label(key: Key) -> str:
    """What a key is called as a column of an answer."""
    return key.part if key.part is not None else key.column


def _named(value: exp.Expr, label: str, names: Names) -> exp.Expr:
    """``value`` under a readable name, unless a column has that name: ORDER BY would mix them up."""
    if label.casefold() in {name.casefold() for name in names.values()}:
        return value.copy()
    return exp.alias_(value.copy(), exp.to_identifier(label, quoted=True))
