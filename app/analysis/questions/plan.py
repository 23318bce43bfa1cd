"""What a question asks for, as data: a plan names columns and values, never SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Scalar = str | int | float | bool | datetime
Function = Literal[
    "rows", "columns", "distinct", "missing", "avg", "sum", "min", "max", "median", "std", "var"
]
Part = Literal["year", "quarter", "month", "day", "weekday", "hour"]
Operator = Literal[
    "eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "between", "missing", "present",
    "period", "not_period", "month", "weekday", "contains", "starts", "ends",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one column.

    ``values`` holds one value, the values of a list, both ends of ``between`` (inclusive), the
    half-open interval [start, end) of a ``period``, or the number of a month (1–12).
    """

    column: str
    op: Operator
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure over some rows: a function and, where it needs one, its column.

    ``rows`` counts rows, ``columns`` the table's columns, ``missing`` the cells without a
    value (of the whole table when no column is named).
    """

    function: Function
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are grouped by: a column, or a part of a datetime column."""

    column: str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of figures."""

    measures: tuple[Measure, ...]
    where: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouped:
    """A figure for each value of a key; rows without a key are left out."""

    key: Key
    measure: Measure
    where: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranked:
    """The ``limit`` keys with the largest (or smallest) figure; with ``limit`` 1, all that tie."""

    key: Key
    measure: Measure
    where: tuple[Filter, ...] = ()
    descending: bool = True
    limit: int = 1


@dataclass(frozen=True, slots=True)
class Records:
    """Some columns of some rows: those with the extremes of ``order``, or all that fit ``where``.

    ``single`` asks for one value: it is an answer only when all rows agree on it.
    ``once_each`` names a column of which each value may have one such row only.
    """

    select: tuple[str, ...]
    where: tuple[Filter, ...] = ()
    order: str | None = None
    descending: bool = True
    limit: int | None = None
    single: bool = False
    once_each: str | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """The different values of a column, in order."""

    column: str
    where: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the rows in ``where`` that also fits ``of``, times ``scale`` (100 or 1)."""

    of: tuple[Filter, ...]
    where: tuple[Filter, ...] = ()
    key: Key | None = None
    scale: int = 100


@dataclass(frozen=True, slots=True)
class GroupShare:
    """The part of the rows that each value of a key holds, in percent."""

    key: Key
    where: tuple[Filter, ...] = ()


Plan = Figures | Grouped | Ranked | Records | Values | Share | GroupShare


def columns_of(plan: Plan) -> Iterator[str]:
    """Every column that a plan names, in no particular order, perhaps more than once."""
    for condition in plan.where:
        yield condition.column
    if isinstance(plan, (Grouped, Ranked, GroupShare, Share)) and plan.key is not None:
        yield plan.key.column
    if isinstance(plan, Share):
        yield from (condition.column for condition in plan.of)
    if isinstance(plan, Values):
        yield plan.column
    if isinstance(plan, Records):
        yield from plan.select
    for measure in measures_of(plan):
        if measure.column is not None:
            yield measure.column


def measures_of(plan: Plan) -> tuple[Measure, ...]:
    """The figures that a plan computes, shares aside."""
    if isinstance(plan, Figures):
        return plan.measures
    if isinstance(plan, (Grouped, Ranked)):
        return (plan.measure,)
    return ()
