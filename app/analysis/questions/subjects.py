"""What is ranked, and how a ranking becomes a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.analysis.questions.catalog import CatalogColumn
from app.analysis.questions.plan import Filter, Key, Measure, Plan, Ranked, Records
from app.analysis.questions.reader import Reader
from app.analysis.questions.request import Builder
from app.analysis.questions.selection import Selection, is_row_word, keys, row_names, selections
from app.analysis.questions.vocabulary import (
    PLAIN_CONNECTORS,
    WHO,
)

_MAX_TOP = 1_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What is ranked: the values of a key, or the rows themselves."""

    key: Key | None = None
    where: tuple[Filter, ...] = ()
    limit: int = 1


def subjects(reader: Reader, at: int) -> Iterator[tuple[int, Subject, float]]:
    """``3 airlines from JFK``: how many, of what, and which of them."""
    for start, limit in limits(reader, at):
        for end, key, score in named(reader, start):
            readings = selections(reader, end, connectors=PLAIN_CONNECTORS, groups=False)
            for last, selection, sure in readings:
                if not selection.named:
                    yield last, Subject(key, selection.filters, limit), score * sure


def limits(reader: Reader, at: int) -> Iterator[tuple[int, int]]:
    """One, or the number that stands at ``at``."""
    yield at, 1
    for end, number in reader.number(at):
        if isinstance(number, int) and 0 < number <= _MAX_TOP:
            yield end, number


def named(reader: Reader, at: int) -> Iterator[tuple[int, Key | None, float]]:
    """A key, or ``None`` for the rows."""
    for end, key, score in keys(reader, at):
        if key.part is not None or not is_row_word(reader, reader.catalog.columns[key.column]):
            yield end, key, score
    for end, guessed, score in row_names(reader, at):
        if not guessed:
            yield end, None, score
    for end in reader.phrase(at, WHO):
        yield end, None, 0.9


def shown_of(reader: Reader, subject: Subject) -> tuple[str, ...]:
    """What to show of extreme rows: the key that was asked for, or what tells rows apart."""
    if subject.key is None or subject.key.part is not None:
        return reader.catalog.labels()
    return (subject.key.column,)


def ranked_builder(subject: Subject, measure: Measure, *, descending: bool) -> Builder:
    """Makes the plan that ranks the keys of ``subject`` by ``measure``."""

    def build(lead: Selection, trail: Selection) -> Plan | None:
        if subject.key is None or lead.key or trail.key:
            return None
        where = (*lead.filters, *subject.where, *trail.filters)
        return Ranked(subject.key, measure, where, descending, subject.limit)

    return build


def rows_builder(
    subject: Subject, select: tuple[str, ...], order: str, *, descending: bool
) -> Builder:
    """Makes the plan that shows ``select`` of the rows with the extremes of ``order``."""

    def build(lead: Selection, trail: Selection) -> Plan | None:
        if lead.key or trail.key:
            return None
        where = (*lead.filters, *subject.where, *trail.filters)
        return Records(select, where, order, descending, subject.limit)

    return build


def orderable(column: CatalogColumn) -> bool:
    """Whether more and less mean something for the values of ``column``."""
    return column.numeric or column.type == "datetime"
