"""The grammar of whole questions."""

from __future__ import annotations

from collections.abc import Iterator

from app.analysis.questions.catalog import CatalogColumn
from app.analysis.questions.commonest import commonest, top_values
from app.analysis.questions.conditions import condition
from app.analysis.questions.measures import figures
from app.analysis.questions.plan import (
    Figures,
    Filter,
    Grouped,
    Measure,
    Plan,
    Records,
    Values,
)
from app.analysis.questions.rankings import rankings
from app.analysis.questions.reader import Reader
from app.analysis.questions.request import Builder, Request
from app.analysis.questions.selection import MAX_FILTERS, Selection, is_row_word, keys, selections
from app.analysis.questions.shares import shares
from app.analysis.questions.superlatives import column_of_extreme, superlatives
from app.analysis.questions.vocabulary import (
    COLUMNS,
    COUNTING,
    COVERS,
    DISTINCT,
    DISTRIBUTION,
    EXISTS,
    LISTING,
    MISSING_CELLS,
    OCCUR,
    OF,
    PREFACE,
    TIME_RANGE,
    TIMES,
    VALUES_TAIL,
    WHICH,
    phrases,
)

_LISTED_OPS = frozenset({"eq", "in", "ne", "not_in"})
_LEAD = 0.98
_MOST_LISTED = 100
_WHAT_ARE = phrases("what are", "what were")
_ARE_MISSING = phrases(
    "missing", "are missing", "is missing", "null", "are null", "empty", "are empty"
)


def readings(reader: Reader) -> Iterator[tuple[Plan, float]]:
    """Every plan that explains each word of the question, with how sure it is."""
    for start, lead, certainty in _leads(reader):
        for begin in _prefaces(reader, start):
            for end, build, score in _requests(reader, begin):
                for last, trail, sure in selections(reader, end):
                    if reader.done(last):
                        plan = build(lead, trail)
                        if plan is not None and len(plan.where) <= MAX_FILTERS:
                            yield plan, certainty * score * sure


def _leads(reader: Reader) -> Iterator[tuple[int, Selection, float]]:
    """``For each cut, …``, ``Among female passengers, …``: rows named before the request."""
    for end, selection, score in selections(reader, 0):
        yield end, selection, 1.0 if end == 0 else score * _LEAD


def _prefaces(reader: Reader, at: int) -> Iterator[int]:
    yield at
    for end in reader.phrase(at, PREFACE):
        yield end
        yield from reader.phrase(end, PREFACE)


def _requests(reader: Reader, at: int) -> Iterator[Request]:
    yield from _figures(reader, at)
    yield from _how_many(reader, at)
    yield from _missing(reader, at)
    yield from _table_facts(reader, at)
    yield from shares(reader, at)
    yield from rankings(reader, at)
    yield from superlatives(reader, at)
    yield from column_of_extreme(reader, at)
    yield from commonest(reader, at)
    yield from top_values(reader, at)
    yield from _values(reader, at)
    yield from _lookup(reader, at)
    yield from _possessive(reader, at)
    yield from _records(reader, at)


def _figures(reader: Reader, at: int) -> Iterator[Request]:
    """``average price``, then perhaps ``by cut`` and ``of Ideal diamonds``."""
    for end, measures, score in figures(reader, at):
        yield end, _figures_builder(measures), score
    for end in reader.phrase(at, DISTRIBUTION):
        for last, key, score in keys(reader, end):
            yield last, _figures_builder((Measure("rows"),), Selection(key=key)), score


def _figures_builder(
    measures: tuple[Measure, ...],
    always: Selection = Selection(),  # noqa: B008 (frozen)
) -> Builder:
    def build(lead: Selection, trail: Selection) -> Plan | None:
        wanted = [key for key in (lead.key, trail.key, always.key) if key is not None]
        where = (*lead.filters, *trail.filters)
        if not wanted:
            return Figures(measures, where)
        if len(wanted) > 1 or len(measures) > 1:
            return None
        return Grouped(wanted[0], measures[0], where)

    return build


def _how_many(reader: Reader, at: int) -> Iterator[Request]:
    """``how many`` before anything that says which rows: ``how many females are there``."""
    for end in reader.phrase(at, COUNTING):
        for mention in reader.columns(end, lambda column: column.numeric and column.flag is None):
            name = mention.column.name
            if not is_row_word(reader, mention.column):
                reader.complain(mention.end, f"Say “total {name}” or “number of different {name}”.")
        yield end, _count, 1.0
    for start in reader.phrase(at, TIMES):
        for middle, selection, score in selections(reader, start, groups=False):
            for end in reader.phrase(middle, OCCUR) if selection.filters else ():
                yield end, _counter(selection), score


def _counter(selection: Selection) -> Builder:
    """Rows of ``selection``, which stood before the end of the request."""

    def build(lead: Selection, trail: Selection) -> Plan | None:
        if lead.filters or trail.filters:
            return None
        return Figures((Measure("rows"),), selection.filters)

    return build


def _count(lead: Selection, trail: Selection) -> Plan | None:
    if not (trail.named or trail.filters or trail.key):
        return None
    return _figures_builder((Measure("rows"),))(lead, trail)


def _missing(reader: Reader, at: int) -> Iterator[Request]:
    """``how many missing values are in age``, ``missing values by column`` is not read."""
    for start in reader.optional(at, COUNTING):
        for end in reader.phrase(start, MISSING_CELLS):
            yield end, _figures_builder((Measure("missing"),)), 1.0
            for middle in [*reader.phrase(end, EXISTS), end]:
                yield from _missing_of(reader, middle)
        for mention in reader.columns(start):
            for end in reader.phrase(mention.end, VALUES_TAIL):
                for last in reader.phrase(end, _ARE_MISSING):
                    yield last, _missing_builder(mention.column.name), mention.score
            for end in reader.phrase(mention.end, MISSING_CELLS):
                yield end, _missing_builder(mention.column.name), mention.score


def _missing_of(reader: Reader, at: int) -> Iterator[Request]:
    for start in reader.phrase(at, OF):
        for mention in reader.columns(start):
            for end in reader.optional(mention.end, COLUMNS):
                yield end, _missing_builder(mention.column.name), mention.score
    for mention in reader.columns(at):
        for end in reader.phrase(mention.end, VALUES_TAIL):
            yield end, _missing_builder(mention.column.name), mention.score


def _missing_builder(column: str) -> Builder:
    return _figures_builder((Measure("missing", column),))


def _table_facts(reader: Reader, at: int) -> Iterator[Request]:
    """``how many columns``, ``what period does the data cover``."""
    for start in reader.phrase(at, COUNTING):
        for end in reader.phrase(start, COLUMNS):
            yield end, _columns, 1.0
    for start in reader.phrase(at, TIME_RANGE):
        times = reader.catalog.times
        for end in reader.optional(start, COVERS):
            if len(times) == 1:
                ends = (Measure("min", times[0]), Measure("max", times[0]))
                yield end, _figures_builder(ends), 0.95


def _columns(lead: Selection, trail: Selection) -> Plan | None:
    if not lead.empty or not trail.empty:
        return None
    return Figures((Measure("columns"),))


def _values(reader: Reader, at: int) -> Iterator[Request]:
    """``what are the different cuts``, ``which airlines are there``, ``list all airlines``."""
    for start in [
        *reader.optional(at, LISTING),
        *reader.phrase(at, WHICH),
        *reader.phrase(at, _WHAT_ARE),
    ]:
        for end in reader.phrase(start, DISTINCT):
            for mention in reader.columns(end):
                for last in reader.optional(mention.end, VALUES_TAIL):
                    for tail in reader.optional(last, EXISTS):
                        yield tail, _values_builder(mention.column.name), mention.score
        for mention in reader.columns(start, _listable):
            build = _values_builder(mention.column.name)
            if start > at:
                yield mention.end, build, mention.score * 0.93
            for tail in reader.phrase(mention.end, EXISTS):
                yield tail, build, mention.score * 0.97


def _listable(column: CatalogColumn) -> bool:
    return column.key_like or (column.type == "integer" and column.distinct <= _MOST_LISTED)


def _values_builder(column: str) -> Builder:
    def build(lead: Selection, trail: Selection) -> Plan | None:
        where = (*lead.filters, *trail.filters)
        plain = all(_is_plain(each, column) for each in where)
        if lead.key or trail.key or not plain:
            return None
        return Values(column, where)

    return build


def _is_plain(each: Filter, column: str) -> bool:
    """Of many rows of one value, some may pass a threshold and some not: only values are plain."""
    return each.op in _LISTED_OPS and each.column != column


def _lookup(reader: Reader, at: int) -> Iterator[Request]:
    """``the population of Berlin``: one cell, if the rows agree on it."""
    for mention in reader.columns(at):
        yield mention.end, _lookup_builder(mention.column.name), mention.score * 0.9


def _possessive(reader: Reader, at: int) -> Iterator[Request]:
    """``Berlin's population``: the value first, then the column of its row."""
    for middle, found, score in condition(reader, at):
        if found.op != "eq":
            continue
        for mention in reader.columns(middle):
            if mention.column.name != found.column:
                build = _fixed(Records((mention.column.name,), (found,), single=True))
                yield mention.end, build, score * mention.score * 0.88


def _fixed(plan: Plan) -> Builder:
    """The plan as it is; nothing more may be said."""
    return lambda lead, trail: plan if lead.empty and trail.empty else None


def _lookup_builder(column: str) -> Builder:
    def build(lead: Selection, trail: Selection) -> Plan | None:
        if trail.key or not lead.empty or not trail.filters:
            return None
        if any(each.column == column for each in trail.filters):
            return None
        return Records((column,), trail.filters, single=True)

    return build


def _records(reader: Reader, at: int) -> Iterator[Request]:
    """``list passengers older than 70``: the rows themselves."""
    for end in reader.phrase(at, LISTING):
        labels = reader.catalog.labels()

        def build(
            lead: Selection, trail: Selection, labels: tuple[str, ...] = labels
        ) -> Plan | None:
            if lead.key or trail.key or not (trail.named and trail.filters):
                return None
            return Records(labels, (*lead.filters, *trail.filters))

        yield end, build, 0.95
