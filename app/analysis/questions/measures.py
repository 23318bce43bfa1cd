"""The grammar of figures: averages, totals, extremes, counts, and what they are taken of."""

from __future__ import annotations

from collections.abc import Iterator

from app.analysis.questions.catalog import CatalogColumn
from app.analysis.questions.plan import Function, Measure
from app.analysis.questions.reader import Reader
from app.analysis.questions.selection import is_row_word, row_names
from app.analysis.questions.vocabulary import (
    AGGREGATES,
    AND,
    COUNTING,
    DISTINCT,
    FIRST_TIME,
    LAST_TIME,
    OF,
    RANGE,
    VALUES_TAIL,
    Phrases,
    phrases,
)

Reading = tuple[int, Measure, float]

_VALUE_OF = phrases("value", "values", "value of", "values of")
_NUMBER_OF = phrases("number of", "amount of")
_MOMENT = phrases("date", "time", "day", "timestamp")
_EXTREMES: tuple[Function, ...] = ("min", "max")


def figures(reader: Reader, at: int) -> Iterator[tuple[int, tuple[Measure, ...], float]]:
    """One figure, or a few: ``average price``, ``min and max price``, ``range of price``."""
    for end, measure, score in figure(reader, at):
        yield end, (measure,), score
        for after in reader.phrase(end, AND):
            for last, more, sure in figure(reader, after):
                if more != measure:
                    yield last, (measure, more), score * sure
        for last, more, sure in _same_of_another(reader, end, measure):
            yield last, (measure, more), score * sure
    yield from _two_of_one(reader, at)
    yield from _range(reader, at)


def figure(reader: Reader, at: int) -> Iterator[Reading]:
    """One figure."""
    yield from aggregate(reader, at)
    yield from _behind(reader, at)
    yield from _counted(reader, at)
    yield from _time_extreme(reader, at)


def aggregate(reader: Reader, at: int) -> Iterator[Reading]:
    """``average price``, ``total of the fares``, ``highest value of carat``."""
    for function, table in AGGREGATES.items():
        for end in reader.phrase(at, table):
            for start in reader.optional(end, OF):
                for mention in reader.columns(start):
                    if fits(reader, function, mention.column, mention.end):
                        found = Measure(function, mention.column.name)
                        yield mention.end, found, mention.score
            for start in reader.phrase(end, _NUMBER_OF):
                for mention in reader.columns(start, lambda column: column.numeric):
                    if not is_row_word(reader, mention.column):
                        found = Measure(function, mention.column.name)
                        yield mention.end, found, mention.score * 0.97


def fits(reader: Reader, function: Function, column: CatalogColumn, at: int) -> bool:
    """Whether ``function`` of ``column`` means something; else the reason is remembered."""
    if column.numeric:
        return True
    if column.type == "datetime" and function in _EXTREMES:
        return True
    what = {"id": "keys", "datetime": "times", "boolean": "yes or no"}.get(column.type, "text")
    reader.complain(at, f"The column “{column.name}” holds {what}, so this figure has no meaning.")
    return False


def _behind(reader: Reader, at: int) -> Iterator[Reading]:
    """``price average``: the figure named after its column."""
    for mention in reader.columns(at, lambda column: column.numeric):
        for function, table in AGGREGATES.items():
            for end in reader.phrase(mention.end, table):
                yield end, Measure(function, mention.column.name), mention.score * 0.97


def _counted(reader: Reader, at: int) -> Iterator[Reading]:
    """``number of flights``, ``number of distinct carriers``, ``count``."""
    for end in reader.phrase(at, COUNTING):
        for last, guessed, score in row_names(reader, end):
            if not guessed:
                yield last, Measure("rows"), score
        for start in reader.phrase(end, DISTINCT):
            for mention in reader.columns(start):
                for last in reader.optional(mention.end, VALUES_TAIL):
                    yield last, Measure("distinct", mention.column.name), mention.score
        for mention in reader.columns(end, lambda c: c.key_like and c.flag is None):
            if not is_row_word(reader, mention.column):
                yield mention.end, Measure("distinct", mention.column.name), mention.score * 0.97


def _time_extreme(reader: Reader, at: int) -> Iterator[Reading]:
    """``earliest order date``, ``latest date``."""
    tables: tuple[tuple[Function, Phrases], ...] = (("min", FIRST_TIME), ("max", LAST_TIME))
    for function, table in tables:
        for end in reader.phrase(at, table):
            for mention in reader.columns(end, lambda column: column.type == "datetime"):
                for last in reader.optional(mention.end, _MOMENT):
                    yield last, Measure(function, mention.column.name), mention.score
            for last in reader.phrase(end, _MOMENT):
                if len(reader.catalog.times) == 1:
                    yield last, Measure(function, reader.catalog.times[0]), 0.95


def _two_of_one(reader: Reader, at: int) -> Iterator[tuple[int, tuple[Measure, ...], float]]:
    """``average and median price``: two functions of one column."""
    for first, table in AGGREGATES.items():
        for end in reader.phrase(at, table):
            for middle in reader.phrase(end, AND):
                for last, second, score in aggregate(reader, middle):
                    if second.function != first and second.column is not None:
                        column = reader.catalog.columns[second.column]
                        if fits(reader, first, column, last):
                            yield last, (Measure(first, second.column), second), score


def _same_of_another(reader: Reader, at: int, first: Measure) -> Iterator[Reading]:
    """``average price and carat``: one function of two columns."""
    if first.column is None or first.function not in AGGREGATES:
        return
    for middle in reader.phrase(at, AND):
        for mention in reader.columns(middle, lambda column: column.numeric):
            if mention.column.name != first.column:
                yield mention.end, Measure(first.function, mention.column.name), mention.score


def _range(reader: Reader, at: int) -> Iterator[tuple[int, tuple[Measure, ...], float]]:
    """``range of price``, ``price range``: the least and the largest."""
    for end in reader.phrase(at, RANGE):
        for start in reader.optional(end, OF):
            for mention in reader.columns(start):
                if fits(reader, "min", mention.column, mention.end):
                    yield mention.end, _ends(mention.column.name), mention.score
    for mention in reader.columns(at):
        for end in reader.phrase(mention.end, phrases("range")):
            if fits(reader, "min", mention.column, end):
                yield end, _ends(mention.column.name), mention.score


def _ends(column: str) -> tuple[Measure, ...]:
    return (Measure("min", column), Measure("max", column))
