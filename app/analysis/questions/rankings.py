"""The grammar of extremes: which key has the most, the top five, the most common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.analysis.questions.catalog import CatalogColumn
from app.analysis.questions.conditions import dimension
from app.analysis.questions.measures import figure
from app.analysis.questions.naming import DIMENSIONS
from app.analysis.questions.plan import Filter, Key, Measure, Plan, Ranked, Records
from app.analysis.questions.reader import Reader
from app.analysis.questions.request import Builder, Request
from app.analysis.questions.selection import Selection, is_row_word, keys, row_names, selections
from app.analysis.questions.vocabulary import (
    BOTTOM,
    HAS,
    HIGHEST,
    LEAST_COMMON,
    LOWEST,
    MOST_COMMON,
    OCCURS_MOST,
    OF,
    PLAIN_CONNECTORS,
    RANKED_BY,
    SUPERLATIVES,
    TOP,
    WHICH,
    WHO,
    phrases,
)

_MODE = phrases("mode of", "mode")
_VALUE = phrases("value of", "value in", "value for", "values of", "values in", "value", "values")
_MAX_TOP = 1_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What is ranked: the values of a key, or the rows themselves."""

    key: Key | None = None
    where: tuple[Filter, ...] = ()
    limit: int = 1


def rankings(reader: Reader, at: int) -> Iterator[Request]:
    """Every request for the keys or rows with the most or the least of something."""
    yield from _with_most(reader, at)
    yield from _top(reader, at)
    yield from _common(reader, at)
    yield from _top_values(reader, at)
    yield from _column_of_extreme(reader, at)
    yield from _superlative(reader, at)


def _with_most(reader: Reader, at: int) -> Iterator[Request]:
    """``which airline has the highest average delay``, ``month with the most flights``."""
    for start in reader.optional(at, WHICH):
        for end, subject, score in _subjects(reader, start):
            for has in reader.phrase(end, HAS):
                for last, build, sure in _extreme(reader, has, subject):
                    yield last, build, score * sure


def _subjects(reader: Reader, at: int) -> Iterator[tuple[int, Subject, float]]:
    """``3 airlines from JFK``: how many, of what, and which of them."""
    for start, limit in _limits(reader, at):
        for end, key, score in _named(reader, start):
            readings = selections(reader, end, connectors=PLAIN_CONNECTORS, groups=False)
            for last, selection, sure in readings:
                if not selection.named:
                    yield last, Subject(key, selection.filters, limit), score * sure


def _limits(reader: Reader, at: int) -> Iterator[tuple[int, int]]:
    yield at, 1
    for end, number in reader.number(at):
        if isinstance(number, int) and 0 < number <= _MAX_TOP:
            yield end, number


def _named(reader: Reader, at: int) -> Iterator[tuple[int, Key | None, float]]:
    """A key, or ``None`` for the rows."""
    for end, key, score in keys(reader, at):
        if key.part is not None or not is_row_word(reader, reader.catalog.columns[key.column]):
            yield end, key, score
    for end, guessed, score in row_names(reader, at):
        if not guessed:
            yield end, None, score
    for end in reader.phrase(at, WHO):
        yield end, None, 0.9


def _extreme(reader: Reader, at: int, subject: Subject) -> Iterator[Request]:
    for descending, table in ((True, HIGHEST), (False, LOWEST)):
        for end in reader.phrase(at, table):
            yield from _targets(reader, end, subject, descending=descending)


def _targets(reader: Reader, at: int, subject: Subject, *, descending: bool) -> Iterator[Request]:
    """What the ranking goes by: a figure of each key, a count, or a column of single rows."""
    if subject.key is not None:
        for end, measure, score in figure(reader, at):
            yield end, _ranked(subject, measure, descending=descending), score
        for end, guessed, score in row_names(reader, at):
            if not guessed:
                yield end, _ranked(subject, Measure("rows"), descending=descending), score
        yield from _variety(reader, at, subject, descending=descending)
    for mention in reader.columns(at, _orderable):
        build = _extreme_rows(
            subject, _shown(reader, subject), mention.column.name, descending=descending
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
            build = _ranked(subject, measure, descending=descending)
            yield mention.end, build, mention.score * 0.95


def _orderable(column: CatalogColumn) -> bool:
    return column.numeric or column.type == "datetime"


def _shown(reader: Reader, subject: Subject) -> tuple[str, ...]:
    """What to show of extreme rows: the key that was asked for, or what tells rows apart."""
    if subject.key is None or subject.key.part is not None:
        return reader.catalog.labels()
    return (subject.key.column,)


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


def _ranked(subject: Subject, measure: Measure, *, descending: bool) -> Builder:
    def build(lead: Selection, trail: Selection) -> Plan | None:
        if subject.key is None or lead.key or trail.key:
            return None
        where = (*lead.filters, *subject.where, *trail.filters)
        return Ranked(subject.key, measure, where, descending, subject.limit)

    return build


def _extreme_rows(
    subject: Subject, select: tuple[str, ...], order: str, *, descending: bool
) -> Builder:
    def build(lead: Selection, trail: Selection) -> Plan | None:
        if lead.key or trail.key:
            return None
        where = (*lead.filters, *subject.where, *trail.filters)
        return Records(select, where, order, descending, subject.limit)

    return build


def _top(reader: Reader, at: int) -> Iterator[Request]:
    """``top 5 airlines by number of flights``, ``bottom 3 cuts by average price``."""
    for descending, table in ((True, TOP), (False, BOTTOM)):
        for start in reader.phrase(at, table):
            for end, subject, score in _subjects(reader, start):
                for by in reader.phrase(end, RANKED_BY):
                    turned = [(by, descending)]
                    turned += [(last, True) for last in reader.phrase(by, HIGHEST)]
                    turned += [(last, False) for last in reader.phrase(by, LOWEST)]
                    for begin, down in turned:
                        for last, build, sure in _targets(reader, begin, subject, descending=down):
                            yield last, build, score * sure


def _common(reader: Reader, at: int) -> Iterator[Request]:
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
        yield from _limits(reader, start)


def _keys_only(reader: Reader, at: int) -> Iterator[tuple[int, Key, float]]:
    for end, key, score in _named(reader, at):
        if key is not None:
            yield end, key, score


def _counted(key: Key, limit: int, *, descending: bool) -> Builder:
    return _ranked(Subject(key, (), limit), Measure("rows"), descending=descending)


def _top_values(reader: Reader, at: int) -> Iterator[Request]:
    """``the 3 highest prices``, ``top 5 fares``."""
    for start, descending, limit in _several(reader, at):
        for begin in reader.optional(start, _VALUE):
            for mention in reader.columns(begin, _orderable):
                select = (mention.column.name,)
                subject = Subject(limit=limit)
                build = _extreme_rows(subject, select, select[0], descending=descending)
                yield mention.end, build, mention.score


def _several(reader: Reader, at: int) -> Iterator[tuple[int, bool, int]]:
    """``top 5``, ``3 highest``, ``five lowest``: where it ends, downwards or not, how many."""
    for descending, tables in ((True, (TOP, HIGHEST)), (False, (BOTTOM, LOWEST))):
        for start in reader.phrase(at, tables[0]):
            for end, limit in _limits(reader, start):
                if end > start:
                    yield end, descending, limit
                    for last in reader.phrase(end, tables[1]):
                        yield last, descending, limit
        for start, limit in _limits(reader, at):
            if start > at:
                for end in reader.phrase(start, tables[1]):
                    yield end, descending, limit


def _column_of_extreme(reader: Reader, at: int) -> Iterator[Request]:
    """``the airline of the flight with the longest delay``: one column of the extreme row."""
    for mention in reader.columns(at):
        for start in reader.phrase(mention.end, OF):
            for last, build, score in _extreme_row(reader, start):
                yield last, _showing(build, mention.column.name), mention.score * score


def _extreme_row(reader: Reader, at: int) -> Iterator[Request]:
    """``the flight with the longest delay``, ``the oldest passenger``."""
    for end, guessed, score in row_names(reader, at):
        for has in () if guessed else reader.phrase(end, HAS):
            for last, build, sure in _extreme(reader, has, Subject()):
                yield last, build, score * sure
    for end, adjective in _adjectives(reader, at):
        for last, _, score in row_names(reader, end):
            yield from _most_adjective(reader, last, adjective, score)


def _showing(build: Builder, column: str) -> Builder:
    def rebuilt(lead: Selection, trail: Selection) -> Plan | None:
        plan = build(lead, trail)
        return replace(plan, select=(column,)) if isinstance(plan, Records) else None

    return rebuilt


def _superlative(reader: Reader, at: int) -> Iterator[Request]:
    """``the oldest passenger``, ``which diamond is the most expensive``, ``who is the oldest``."""
    for start in reader.optional(at, WHICH):
        for end, adjective in _adjectives(reader, start):
            for last, _, score in row_names(reader, end):
                yield from _most_adjective(reader, last, adjective, score)
        for end, subject, score in _subjects(reader, start):
            for middle in reader.phrase(end, HAS) if subject.key is None else ():
                for last, adjective in _adjectives(reader, middle):
                    yield from _most_adjective(reader, last, adjective, score)
    for adjective in DIMENSIONS:
        for start in reader.phrase(at, phrases(f"how {adjective} is", f"how {adjective} was")):
            for end, superlative in _adjectives(reader, start):
                yield from _its_value(reader, end, superlative)


def _adjectives(reader: Reader, at: int) -> Iterator[tuple[int, str]]:
    for end, word in reader.word(at):
        if word.folded in SUPERLATIVES:
            yield end, SUPERLATIVES[word.folded][0]
    for adjective in DIMENSIONS:
        for end in reader.phrase(at, phrases(f"most {adjective}")):
            yield end, adjective


def _most_adjective(reader: Reader, at: int, adjective: str, score: float) -> Iterator[Request]:
    column = dimension(reader, adjective)
    if column is None:
        reader.complain(at, f"No one column says how {adjective} a row is.")
        return
    descending = DIMENSIONS[adjective][1]
    select = reader.catalog.labels()
    yield at, _extreme_rows(Subject(), select, column.name, descending=descending), score * 0.93


def _its_value(reader: Reader, at: int, adjective: str) -> Iterator[Request]:
    """``how old is the oldest passenger``: the extreme itself."""
    column = dimension(reader, adjective)
    if column is None:
        return
    descending = DIMENSIONS[adjective][1]
    for end, _, score in row_names(reader, at):
        select = (column.name,)
        yield end, _extreme_rows(Subject(), select, column.name, descending=descending), score * 0.9
