"""The grammar of rankings: which key has the most, the top five by something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analysis.questions.measures import figure
from app.analysis.questions.plan import Key, Measure, Plan, Records
from app.analysis.questions.reader import Reader
from app.analysis.questions.request import Builder, Request
from app.analysis.questions.selection import Selection, is_row_word, row_names
from app.analysis.questions.subjects import (
    Subject,
    orderable,
    ranked_builder,
    rows_builder,
    shown_of,
    subjects,
)
from app.analysis.questions.vocabulary import (
    BOTTOM,
    HAS,
    HIGHEST,
    LOWEST,
    RANKED_BY,
    TOP,
    WHICH,
)


def rankings(reader: Reader, at: int) -> Iterator[Request]:
    """Every request for the keys with the most or the least of something."""
    yield from _with_most(reader, at)
    yield from _top(reader, at)


def _with_most(reader: Reader, at: int) -> Iterator[Request]:
    """``which airline has the highest average delay``, ``month with the most flights``."""
    for start in reader.optional(at, WHICH):
        for end, subject, score in subjects(reader, start):
            for has in reader.phrase(end, HAS):
                for last, build, sure in extremes(reader, has, subject):
                    yield last, build, score * sure


def extremes(reader: Reader, at: int, subject: Subject) -> Iterator[Request]:
    """``highest average delay``, ``fewest flights``: the extremes of ``subject``."""
    for descending, table in ((True, HIGHEST), (False, LOWEST)):
        for end in reader.phrase(at, table):
            yield from _targets(reader, end, subject, descending=descending)


def _targets(reader: Reader, at: int, subject: Subject, *, descending: bool) -> Iterator[Request]:
    """What the ranking goes by: a figure of each key, a count, or a column of single rows."""
    if subject.key is not None:
        for end, measure, score in figure(reader, at):
            yield end, ranked_builder(subject, measure, descending=descending), score
        for end, guessed, score in row_names(reader, at):
            if not guessed:
                yield end, ranked_builder(subject, Measure("rows"), descending=descending), score
        yield from _variety(reader, at, subject, descending=descending)
    for mention in reader.columns(at, orderable):
        build = rows_builder(
            subject, shown_of(reader, subject), mention.column.name, descending=descending
        )
        if subject.key is not None and not _is_unique(reader, subject.key):
            build = _once_each(reader, mention.end, subject.key, build)
        yield mention.end, build, mention.score * 0.97


def _variety(reader: Reader, at: int, subject: Subject, *, descending: bool) -> Iterator[Request]:
    """``the most destinations``: how many different ones, said with "most" and "fewest" only."""
    if reader.tokens[at - 1].folded not in ("most", "fewest"):
        return
    for mention in reader.columns(at, lambda column: column.key_like and column.flag is None):
        other = subject.key is None or mention.column.name != subject.key.column
        if other and not is_row_word(reader, mention.column):
            measure = Measure("distinct", mention.column.name)
            build = ranked_builder(subject, measure, descending=descending)
            yield mention.end, build, mention.score * 0.95


def _is_unique(reader: Reader, key: Key) -> bool:
    return key.part is None and reader.catalog.columns[key.column].unique


def _once_each(reader: Reader, at: int, key: Key, build: Builder) -> Builder:
    """A key with many rows has no one value, unless the conditions leave one row of each."""
    name = key.part or key.column

    def rebuilt(lead: Selection, trail: Selection) -> Plan | None:
        plan = build(lead, trail)
        if isinstance(plan, Records) and plan.where and key.part is None:
            return replace(plan, once_each=key.column)
        reader.complain(at, f"Each {name} has many rows: say average, total, highest or number of.")
        return None

    return rebuilt


def _top(reader: Reader, at: int) -> Iterator[Request]:
    """``top 5 airlines by number of flights``, ``bottom 3 cuts by average price``."""
    for descending, table in ((True, TOP), (False, BOTTOM)):
        for start in reader.phrase(at, table):
            for end, subject, score in subjects(reader, start):
                for by in reader.phrase(end, RANKED_BY):
                    turned = [(by, descending)]
                    turned += [(last, True) for last in reader.phrase(by, HIGHEST)]
                    turned += [(last, False) for last in reader.phrase(by, LOWEST)]
                    for begin, down in turned:
                        for last, build, sure in _targets(reader, begin, subject, descending=down):
                            yield last, build, score * sure
