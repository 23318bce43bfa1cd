"""The grammar of what is most common, and of the few largest values."""

from __future__ import annotations

from collections.abc import Iterator

from app.analysis.questions.plan import Key, Measure
from app.analysis.questions.reader import Reader
from app.analysis.questions.request import Builder, Request
from app.analysis.questions.subjects import (
    Subject,
    limits,
    named,
    orderable,
    ranked_builder,
    rows_builder,
)
from app.analysis.questions.vocabulary import (
    BOTTOM,
    HAS,
    HIGHEST,
    LEAST_COMMON,
    LOWEST,
    MOST_COMMON,
    OCCURS_MOST,
    TOP,
    WHICH,
    phrases,
)

_MODE = phrases("mode of", "mode")
_VALUE = phrases("value of", "value in", "value for", "values of", "values in", "value", "values")


def commonest(reader: Reader, at: int) -> Iterator[Request]:
    """``most common cut``, ``the 3 least frequent colors``, ``which cut occurs most often``."""
    for start, limit in _limits_of_top(reader, at):
        for descending, table in ((True, MOST_COMMON), (False, LEAST_COMMON)):
            for end in reader.phrase(start, table):
                for begin in reader.optional(end, _VALUE):
                    for last, key, score in _keys_only(reader, begin):
                        yield last, _counted(key, limit, descending=descending), score
    for end in reader.phrase(at, _MODE):
        for last, key, score in _keys_only(reader, end):
            yield last, _counted(key, 1, descending=True), score
    for start in reader.optional(at, WHICH):
        for end, key, score in _keys_only(reader, start):
            for last, descending in _verdicts(reader, end):
                yield last, _counted(key, 1, descending=descending), score


def _verdicts(reader: Reader, at: int) -> Iterator[tuple[int, bool]]:
    """``is the most common``, ``occurs most often``."""
    for end in reader.phrase(at, OCCURS_MOST):
        yield end, True
    for start in reader.phrase(at, HAS):
        for end in reader.phrase(start, MOST_COMMON):
            yield end, True
        for end in reader.phrase(start, LEAST_COMMON):
            yield end, False


def _limits_of_top(reader: Reader, at: int) -> Iterator[tuple[int, int]]:
    for start in reader.optional(at, TOP):
        yield from limits(reader, start)


def _keys_only(reader: Reader, at: int) -> Iterator[tuple[int, Key, float]]:
    for end, key, score in named(reader, at):
        if key is not None:
            yield end, key, score


def _counted(key: Key, limit: int, *, descending: bool) -> Builder:
    return ranked_builder(Subject(key, (), limit), Measure("rows"), descending=descending)


def top_values(reader: Reader, at: int) -> Iterator[Request]:
    """``the 3 highest prices``, ``top 5 fares``."""
    for start, descending, limit in _several(reader, at):
        for begin in reader.optional(start, _VALUE):
            for mention in reader.columns(begin, orderable):
                select = (mention.column.name,)
                subject = Subject(limit=limit)
                build = rows_builder(subject, select, select[0], descending=descending)
                yield mention.end, build, mention.score


def _several(reader: Reader, at: int) -> Iterator[tuple[int, bool, int]]:
    """``top 5``, ``3 highest``, ``five lowest``: where it ends, downwards or not, how many."""
    for descending, tables in ((True, (TOP, HIGHEST)), (False, (BOTTOM, LOWEST))):
        for start in reader.phrase(at, tables[0]):
            for end, limit in limits(reader, start):
                if end > start:
                    yield end, descending, limit
                    for last in reader.phrase(end, tables[1]):
                        yield last, descending, limit
        for start, limit in limits(reader, at):
            if start > at:
                for end in reader.phrase(start, tables[1]):
                    yield end, descending, limit
