"""The grammar of shares: what percentage of these rows are also those."""

from __future__ import annotations

from collections.abc import Iterator

from app.analysis.questions.conditions import condition
from app.analysis.questions.plan import Filter, GroupShare, Share
from app.analysis.questions.reader import Reader
from app.analysis.questions.request import Builder, Request
from app.analysis.questions.selection import Selection, selections
from app.analysis.questions.vocabulary import (
    FINITE,
    FRACTION,
    MISSING_CELLS,
    OF,
    PERCENT,
    PLAIN_CONNECTORS,
)


def shares(reader: Reader, at: int) -> Iterator[Request]:
    """``what percentage of female passengers survived``, ``share of rows with cut Ideal``."""
    for scale, table in ((100, PERCENT), (1, FRACTION)):
        for end in reader.phrase(at, table):
            yield from _part_of_whole(reader, end, scale)
            yield from _missing(reader, end, scale)


def _part_of_whole(reader: Reader, at: int, scale: int) -> Iterator[Request]:
    whole_readings = selections(reader, at, connectors=PLAIN_CONNECTORS, groups=False)
    for middle, whole, score in whole_readings:
        yield from _verbless(reader, middle, whole, score, scale)
        for start in reader.phrase(middle, FINITE):
            parts = selections(reader, start, connectors=PLAIN_CONNECTORS, groups=False)
            for end, part, sure in parts:
                if part.filters and not part.named:
                    yield end, _share(part.filters, whole.filters, scale), score * sure
        for end, flag, sure in _plain_flag(reader, middle):
            yield end, _share((flag,), whole.filters, scale), score * sure


def _verbless(
    reader: Reader, at: int, whole: Selection, score: float, scale: int
) -> Iterator[Request]:
    """``percentage of female passengers``: the one condition is the part, all rows the whole."""
    if len(whole.filters) == 1:
        yield at, _share(whole.filters, (), scale), score
    elif len(whole.filters) > 1:
        reader.complain(at, "Say which rows are the whole: “what percentage of … are …”.")
    elif scale == 100:
        yield at, _group_share, score


def _plain_flag(reader: Reader, at: int) -> Iterator[tuple[int, Filter, float]]:
    """``… survived``: a column that is its own condition needs no verb before it."""
    for end, found, score in condition(reader, at):
        column = reader.catalog.columns[found.column]
        if column.flag is not None and found.op == "eq" and found.values[0] in column.flag:
            yield end, found, score


def _missing(reader: Reader, at: int, scale: int) -> Iterator[Request]:
    """``percentage of missing values in age``."""
    for end in reader.phrase(at, MISSING_CELLS):
        for start in reader.phrase(end, OF):
            for mention in reader.columns(start):
                part = (Filter(mention.column.name, "missing"),)
                yield mention.end, _share(part, (), scale), mention.score


def _share(part: tuple[Filter, ...], whole: tuple[Filter, ...], scale: int) -> Builder:
    def build(lead: Selection, trail: Selection) -> Share | None:
        if trail.filters or trail.named:
            return None
        return Share(part, (*lead.filters, *whole), lead.key or trail.key, scale)

    return build


def _group_share(lead: Selection, trail: Selection) -> GroupShare | None:
    key = lead.key or trail.key
    if key is None or trail.filters:
        return None
    return GroupShare(key, lead.filters)
