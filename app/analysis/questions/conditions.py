"""The grammar of conditions: which words say which rows are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from app.analysis.questions.catalog import CatalogColumn
from app.analysis.questions.names import head
from app.analysis.questions.naming import DIMENSIONS, MONEY, UNIT_NAMES
from app.analysis.questions.periods import period_conditions
from app.analysis.questions.plan import Filter, Operator, Scalar
from app.analysis.questions.reader import Reader, ValueMention
from app.analysis.questions.vocabulary import (
    AFTER_NUMBER,
    AGE_UNITS,
    BETWEEN,
    COMPARATIVES,
    COMPARISONS,
    CONTAINS,
    EQUALS,
    EQUALS_NUMBER,
    IS_MISSING,
    MISSING,
    MONEY_UNITS,
    NOT,
    OR,
    PRESENT,
    TO,
    UNEQUAL,
    VERBS,
    WITHOUT,
    phrases,
)
from app.analysis.questions.words import content, stem

Reading = tuple[int, Filter, float]
"""Where the words end, the condition they say, and how sure that is."""

_THAN = phrases("than")
_OF = phrases("of", "in range", "value of")
_MAX_LISTED = 6


def condition(reader: Reader, at: int) -> Iterator[Reading]:
    """One condition that begins at ``at``."""
    yield from _named_column(reader, at)
    yield from _value_first(reader, at)
    yield from _number_first(reader, at)
    yield from _flag(reader, at)
    yield from _gap(reader, at)
    yield from _comparative(reader, at)
    yield from _verb(reader, at)
    yield from period_conditions(reader, at)


def _named_column(reader: Reader, at: int) -> Iterator[Reading]:
    """``cut is Ideal``, ``price above 500``, ``age is missing``, ``name contains "son"``."""
    for mention in reader.columns(at):
        column, score = mention.column, mention.score
        for end, op, values, sure in _after_column(reader, mention.end, column):
            yield end, Filter(column.name, op, values), score * sure


_Test = tuple[int, Operator, tuple[Scalar, ...], float]


def _after_column(reader: Reader, at: int, column: CatalogColumn) -> Iterator[_Test]:
    yield from _missing_after(reader, at)
    if column.numeric:
        yield from _number_tests(reader, at, column)
    if column.numeric or (column.type == "id" and not column.textual):
        yield from _number_equalities(reader, at, column)
    if column.textual:
        yield from _equalities(reader, at, column)
        for op, table in CONTAINS.items():
            for end in reader.phrase(at, table):
                for last, text in reader.text(end):
                    yield last, op, (text,), 1.0
    if column.flag is not None:
        yield from _flag_tests(reader, at, column)


def _equalities(reader: Reader, at: int, column: CatalogColumn) -> Iterator[_Test]:
    for end in reader.optional(at, EQUALS):
        for last, values, score in value_list(reader, end, column.name):
            yield last, "eq" if len(values) == 1 else "in", values, score
    for end in reader.phrase(at, UNEQUAL):
        for last, values, score in value_list(reader, end, column.name):
            yield last, "ne" if len(values) == 1 else "not_in", values, score


def value_list(
    reader: Reader, at: int, column: str, limit: int = _MAX_LISTED
) -> Iterator[tuple[int, tuple[Scalar, ...], float]]:
    """One value of ``column``, or several: ``Ideal, Premium or Good``."""
    for mention in reader.values(at, column):
        yield mention.end, mention.values, mention.score
        if limit > 1:
            for end in reader.phrase(mention.end, OR):
                for last, more, score in value_list(reader, end, column, limit - 1):
                    yield last, (*mention.values, *more), min(mention.score, score)


def _flag_tests(reader: Reader, at: int, column: CatalogColumn) -> Iterator[_Test]:
    """``churn is true``, ``churn = no``; a column of text answers to its own words already."""
    if column.flag is None or column.textual:
        return
    yes, no = column.flag
    for end in reader.optional(at, EQUALS):
        for last in reader.phrase(end, phrases("true", "yes")):
            yield last, "eq", (yes,), 1.0
        for last in reader.phrase(end, phrases("false", "no")):
            yield last, "eq", (no,), 1.0


def _number_tests(reader: Reader, at: int, column: CatalogColumn) -> Iterator[_Test]:
    for start in reader.optional(at, _OF):
        for end, op, values in _number_phrases(reader, start):
            for last in _unit(reader, end, column):
                yield last, op, values, 1.0


def _number_equalities(reader: Reader, at: int, column: CatalogColumn) -> Iterator[_Test]:
    """``year is 2007``, ``age 30 or more``; a key has no more and no less."""
    for end in reader.optional(at, EQUALS_NUMBER):
        for after, value in reader.number(end):
            if column.flag is not None and value not in column.flag:
                continue
            for last in _unit(reader, after, column):
                yield last, "eq", (value,), 1.0 if column.type != "number" else 0.95
                for op, table in AFTER_NUMBER.items() if column.numeric else ():
                    for far in reader.phrase(last, table):
                        yield far, op, (value,), 1.0
    for end in reader.phrase(at, UNEQUAL):
        for last, value in reader.number(end):
            yield last, "ne", (value,), 1.0


def _number_phrases(reader: Reader, at: int) -> Iterator[tuple[int, Operator, tuple[Scalar, ...]]]:
    """``above 5``, ``at least 5``, ``between 5 and 7``."""
    for op, table in COMPARISONS.items():
        for end in reader.phrase(at, table):
            for last, value in reader.number(end):
                yield last, op, (value,)
    for end in reader.phrase(at, BETWEEN):
        for middle, low in reader.number(end):
            for after in reader.phrase(middle, TO):
                for last, high in reader.number(after):
                    yield last, "between", (low, high)


def _unit(reader: Reader, at: int, column: CatalogColumn) -> Iterator[int]:
    """``at``, and the end of a unit there that the column's name or head allows."""
    yield at
    for end, token in reader.word(at):
        if UNIT_NAMES.get(token.folded, token.folded) in content(column.name):
            yield end
    if head(column.name) in {stem(word) for word in MONEY}:
        yield from reader.phrase(at, MONEY_UNITS)
    if head(column.name) == "age":
        yield from reader.phrase(at, AGE_UNITS)


def _value_first(reader: Reader, at: int) -> Iterator[Reading]:
    """``female``, ``not female``, ``Ideal cut``, ``JFK or LGA``."""
    for start, negated in _negations(reader, at):
        for first in reader.values(start):
            yield from _alone(reader, first, negated)
        yield from _value_then_column(reader, start, negated)


def _negations(reader: Reader, at: int) -> Iterator[tuple[int, bool]]:
    yield at, False
    for end in reader.phrase(at, NOT):
        yield end, True


def _alone(reader: Reader, first: ValueMention, negated: bool) -> Iterator[Reading]:
    name = first.column.name
    yield first.end, _equality(name, first.values, negated), first.score
    for end in reader.phrase(first.end, OR):
        for last, more, score in value_list(reader, end, name, _MAX_LISTED - 1):
            values = (*first.values, *more)
            yield last, _equality(name, values, negated), min(first.score, score)


def _value_then_column(reader: Reader, at: int, negated: bool) -> Iterator[Reading]:
    for column in reader.catalog.columns.values():
        if not column.textual:
            continue
        for end, values, score in value_list(reader, at, column.name):
            for mention in reader.columns(end):
                if mention.column is column:
                    test = _equality(column.name, values, negated)
                    yield mention.end, test, score * mention.score


def _equality(column: str, values: tuple[Scalar, ...], negated: bool) -> Filter:
    if len(values) == 1:
        return Filter(column, "ne" if negated else "eq", values)
    return Filter(column, "not_in" if negated else "in", values)


def _number_first(reader: Reader, at: int) -> Iterator[Reading]:
    """``more than 4 cylinders``, ``4 cylinders``: a number, then what it counts."""
    for end, op, values in _number_phrases(reader, at):
        for mention in reader.columns(end, _countable(reader)):
            yield mention.end, Filter(mention.column.name, op, values), mention.score * 0.98
    for end, value in reader.number(at):
        for mention in reader.columns(end, _countable(reader)):
            if mention.column.type == "integer":
                filter_ = Filter(mention.column.name, "eq", (value,))
                yield mention.end, filter_, mention.score * 0.95


def _countable(reader: Reader) -> Callable[[CatalogColumn], bool]:
    """Numeric columns, but for one that is named like the rows themselves."""
    return lambda column: column.numeric and head(column.name) not in reader.catalog.row_words


def _flag(reader: Reader, at: int) -> Iterator[Reading]:
    """``survived``, ``did not survive``, ``without diabetes``: the column is its own condition."""
    for mention in reader.columns(at, lambda column: column.flag is not None):
        if mention.column.flag is not None:
            yield mention.end, _is(mention.column, 0), mention.score * 0.97
    for table in (NOT, WITHOUT):
        for end in reader.phrase(at, table):
            for mention in reader.columns(end, lambda column: column.flag is not None):
                yield mention.end, _is(mention.column, 1), mention.score * 0.97


def _is(column: CatalogColumn, which: int) -> Filter:
    values: tuple[Scalar, ...] = column.flag or ()
    return Filter(column.name, "eq", (values[which],))


def _gap(reader: Reader, at: int) -> Iterator[Reading]:
    """``missing age``, ``without a name``: a column before whose cells something is said."""
    for end in reader.phrase(at, MISSING):
        for mention in reader.columns(end):
            yield mention.end, Filter(mention.column.name, "missing"), mention.score * 0.98
    for end in reader.phrase(at, WITHOUT):
        for mention in reader.columns(end, lambda column: column.flag is None):
            if mention.column.reaches_zero:
                name = mention.column.name
                reader.complain(mention.end, f"Say “missing {name}” or “{name} is 0”.")
                continue
            yield mention.end, Filter(mention.column.name, "missing"), mention.score * 0.95
    for end in reader.phrase(at, PRESENT):
        for mention in reader.columns(end):
            yield mention.end, Filter(mention.column.name, "present"), mention.score * 0.95


def _missing_after(reader: Reader, at: int) -> Iterator[_Test]:
    for end in reader.optional(at, IS_MISSING):
        for last in reader.phrase(end, MISSING):
            yield last, "missing", (), 1.0
        for last in reader.phrase(end, PRESENT):
            yield last, "present", (), 1.0


def _comparative(reader: Reader, at: int) -> Iterator[Reading]:
    """``older than 30``: an adjective that speaks of just one column here."""
    for start in reader.optional(at, phrases("is", "are", "was", "were")):
        for end, adjective, up in _adjectives(reader, start):
            column = dimension(reader, adjective)
            for than in reader.phrase(end, _THAN):
                for after, value in reader.number(than):
                    if column is None:
                        reader.complain(after, f"No one column says how {adjective} a row is.")
                        continue
                    larger = up == DIMENSIONS[adjective][1]
                    for last in _unit(reader, after, column):
                        op: Operator = "gt" if larger else "lt"
                        yield last, Filter(column.name, op, (value,)), 0.93


def _verb(reader: Reader, at: int) -> Iterator[Reading]:
    """``cost more than 500``, ``weigh under 4``: a verb that speaks of just one column here."""
    for end, word in reader.word(at):
        column = dimension(reader, VERBS[word.folded]) if word.folded in VERBS else None
        if column is not None:
            tests = (_number_tests, _number_equalities)
            for last, op, values, score in chain(*(t(reader, end, column) for t in tests)):
                yield last, Filter(column.name, op, values), score * 0.93


def _adjectives(reader: Reader, at: int) -> Iterator[tuple[int, str, bool]]:
    for end, token in reader.word(at):
        if token.folded in COMPARATIVES:
            adjective, up = COMPARATIVES[token.folded]
            yield end, adjective, up
    for adjective in DIMENSIONS:
        for end in reader.phrase(at, phrases(f"more {adjective}")):
            yield end, adjective, True
        for end in reader.phrase(at, phrases(f"less {adjective}")):
            yield end, adjective, False


def dimension(reader: Reader, adjective: str) -> CatalogColumn | None:
    """The one numeric column that ``adjective`` speaks of, if there is just one."""
    heads = {stem(word) for word in DIMENSIONS[adjective][0]}
    found = [c for c in reader.catalog.columns.values() if c.numeric and head(c.name) in heads]
    return found[0] if len(found) == 1 else None
