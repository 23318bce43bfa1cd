"""The last look at SQL before it runs: one SELECT over the one table, of known parts only.

The text is parsed anew, so that what is checked is what will run, whoever built it.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.analysis.questions.sql import TABLE

_CLAUSES = (
    exp.Select, exp.From, exp.Table, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order,
    exp.Ordered, exp.Limit, exp.Alias, exp.Distinct, exp.Star, exp.Window, exp.Filter,
)  # fmt: skip
_VALUES = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Neg, exp.Cast, exp.DataType,
)  # fmt: skip
_OPERATORS = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE,
    exp.Between, exp.In, exp.Is, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Nullif, exp.DPipe,
)  # fmt: skip
_FUNCTIONS = (
    exp.Count, exp.Avg, exp.Sum, exp.Min, exp.Max, exp.Median, exp.Stddev, exp.Variance, exp.Rank,
    exp.ApproxDistinct, exp.Lower, exp.Contains, exp.StartsWith, exp.Year, exp.Quarter,
    exp.Month, exp.Dayname, exp.Hour, exp.TimeToStr,
)  # fmt: skip
_ALLOWED = frozenset(_CLAUSES + _VALUES + _OPERATORS + _FUNCTIONS)
_ALLOWED_BY_NAME = frozenset({"SUFFIX"})
"""Functions that the parser knows by name only."""

_ALLOWED_TYPES = frozenset({exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ})
_PARTS_OF_A_TABLE = frozenset({"this"})
"""A table of another schema, database or alias, or a sample of it, has more parts."""


class Refused(Exception):
    """The SQL is not one plain SELECT over the dataset; never seen by a user."""


def check(sql: str, columns: Collection[str]) -> None:
    """Raise :class:`Refused` unless ``sql`` is one SELECT over the dataset and ``columns`` only."""
    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except SqlglotError as error:
        raise Refused("it does not parse") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise Refused("it is not one SELECT")
    if len(list(statements[0].find_all(exp.Select))) != 1:
        raise Refused("it holds a query within the query")
    known = {name.casefold() for name in columns}
    aliases = {alias.alias.casefold() for alias in statements[0].find_all(exp.Alias)}
    for node in statements[0].walk():
        _check_node(node, known | aliases)


def _check_node(node: exp.Expr, known: Collection[str]) -> None:
    if isinstance(node, exp.Anonymous):
        if node.name.upper() not in _ALLOWED_BY_NAME:
            raise Refused("it calls a function that is not on the list")
    elif type(node) not in _ALLOWED:
        raise Refused(f"{type(node).__name__} is not on the list")
    if isinstance(node, exp.Table):
        _check_table(node)
    if isinstance(node, exp.Column) and (node.table or node.name.casefold() not in known):
        raise Refused("it names a column that the dataset does not have")
    if isinstance(node, exp.DataType) and node.this not in _ALLOWED_TYPES:
        raise Refused("it casts to a type that is not on the list")


def _check_table(node: exp.Table) -> None:
    parts = {key for key, value in node.args.items() if value}
    if parts - _PARTS_OF_A_TABLE or not isinstance(node.this, exp.Identifier) or node.name != TABLE:
        raise Refused("it reads something else than the dataset")
