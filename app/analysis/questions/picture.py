"""The chart of an answer, where there is something to see: a figure for each of a few keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.analysis.charts.bars import bar
from app.analysis.charts.curves import line
from app.analysis.charts.plotly_figure import render_plotly
from app.analysis.charts.spec import Chart
from app.analysis.questions.plan import Grouped, GroupShare, Key, Plan, Ranked, Share
from app.analysis.questions.sentence import Facts, called, test, where

_IN_ORDER = frozenset({"year", "quarter", "month", "day", "hour"})
_AS_LINE = frozenset({"month", "day"})
_MOST_BARS = 20


def picture(
    plan: Plan, rows: Sequence[Sequence[Any]], facts: Facts, *, ordered: bool
) -> dict[str, Any] | None:
    """A Plotly figure of ``rows`` (key, figure), or ``None`` where a chart would say nothing.

    ``ordered`` says that the keys are numbers, whose order is their own.
    """
    pairs = [(key, value) for key, value in rows if value is not None] if _drawn(plan) else []
    if len(pairs) < 2 or not isinstance(plan, (Grouped, Ranked, Share, GroupShare)):
        return None
    if plan.key is None or not all(isinstance(value, (int, float)) for _, value in pairs):
        return None
    measure = plan.measure if isinstance(plan, (Grouped, Ranked)) else None
    years = facts.of_years(measure)
    return render_plotly(_chart(plan.key, _what(plan), pairs, plan, ordered=ordered, years=years))


def _drawn(plan: Plan) -> bool:
    return isinstance(plan, (Grouped, Ranked, GroupShare)) or (
        isinstance(plan, Share) and plan.key is not None
    )


def _what(plan: Grouped | Ranked | Share | GroupShare) -> str:
    if isinstance(plan, (Grouped, Ranked)):
        return called(plan.measure)
    if isinstance(plan, Share):
        part = " and ".join(test(each) for each in plan.of)
        return f"{'percentage' if plan.scale == 100 else 'fraction'} of rows where {part}"
    return "percentage of rows"


def _chart(
    key: Key,
    what: str,
    pairs: list[tuple[Any, Any]],
    plan: Grouped | Ranked | Share | GroupShare,
    *,
    ordered: bool,
    years: bool,
) -> Chart:
    name = key.part or key.column
    title = f"{what[0].upper()}{what[1:]} by {name}{where(plan.where)}"
    labels, values = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    columns = [key.column]
    if key.part in _AS_LINE:
        return line(
            "answer", title, labels, {what: values},
            x_label=name, y_label=what, time=True, years=years, columns=columns,
        )  # fmt: skip
    in_order = ordered or key.part in _IN_ORDER
    return bar(
        "answer", title, labels, values,
        label_axis=name, value_axis=what, ordered=not in_order,
        top=_MOST_BARS, rest="drop", years=years, columns=columns,
    )  # fmt: skip
