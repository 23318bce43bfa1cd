"""The grammar of extreme rows: the oldest passenger, the price of the heaviest diamond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analysis.questions.conditions import dimension
from app.analysis.questions.naming import DIMENSIONS
from app.analysis.questions.plan import Plan, Records
from app.analysis.questions.rankings import extremes
from app.analysis.questions.reader import Reader
from app.analysis.questions.request import Builder, Request
from app.analysis.questions.selection import Selection, row_names
from app.analysis.questions.subjects import (
    Subject,
    rows_builder,
    subjects,
)
from app.analysis.questions.vocabulary import (
    HAS,
    OF,
    SUPERLATIVES,
    WHICH,
    phrases,
)


def column_of_extreme(reader: Reader, at: int) -> Iterator[Request]:
    """``the airline of the flight with the longest delay``: one column of the extreme row."""
    for mention in reader.columns(at):
        for start in reader.phrase(mention.end, OF):
            for last, build, score in _extreme_row(reader, start):
                yield last, _showing(build, mention.column.name), mention.score * score


def _extreme_row(reader: Reader, at: int) -> Iterator[Request]:
    """``the flight with the longest delay``, ``the oldest passenger``."""
    for end, guessed, score in row_names(reader, at):
        for has in () if guessed else reader.phrase(end, HAS):
            for last, build, sure in extremes(reader, has, Subject()):
                yield last, build, score * sure
    for end, adjective in _adjectives(reader, at):
        for last, _, score in row_names(reader, end):
            yield from _most_adjective(reader, last, adjective, score)


def _showing(build: Builder, column: str) -> Builder:
    def rebuilt(lead: Selection, trail: Selection) -> Plan | None:
        plan = build(lead, trail)
        return replace(plan, select=(column,)) if isinstance(plan, Records) else None

    return rebuilt


def superlatives(reader: Reader, at: int) -> Iterator[Request]:
    """``the oldest passenger``, ``which diamond is the most expensive``, ``who is the oldest``."""
    for start in reader.optional(at, WHICH):
        for end, adjective in _adjectives(reader, start):
            for last, _, score in row_names(reader, end):
                yield from _most_adjective(reader, last, adjective, score)
        for end, subject, score in subjects(reader, start):
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
    yield at, rows_builder(Subject(), select, column.name, descending=descending), score * 0.93


def _its_value(reader: Reader, at: int, adjective: str) -> Iterator[Request]:
    """``how old is the oldest passenger``: the extreme itself."""
    column = dimension(reader, adjective)
    if column is None:
        return
    descending = DIMENSIONS[adjective][1]
    for end, _, score in row_names(reader, at):
        select = (column.name,)
        yield end, rows_builder(Subject(), select, column.name, descending=descending), score * 0.9
