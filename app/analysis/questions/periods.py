"""The grammar of time: years, months, days and spans, and the columns they speak of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.analysis.questions.plan import Filter, Operator, Scalar
from app.analysis.questions.reader import Reader
from app.analysis.questions.vocabulary import (
    AFTER,
    BEFORE,
    BETWEEN,
    DURING,
    MONTHS,
    QUARTERS,
    SINCE,
    TO,
    UP_TO,
    WEEKDAYS,
    Phrases,
    phrases,
)

_QUARTER = phrases("quarter", "quarter of")
_OF = phrases("of", "in")
_YEARS = range(1000, 3000)
_FIRST = datetime(1, 1, 1)  # noqa: DTZ001 (the data hold naive UTC times)
_LAST = datetime(9999, 12, 31)  # noqa: DTZ001


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time [start, end)."""

    start: datetime
    end: datetime


Reading = tuple[int, Filter, float]


def period_conditions(reader: Reader, at: int) -> Iterator[Reading]:
    """``in March 2013``, ``before 2013-02-01``, ``order date since 2020``, ``on Mondays``."""
    for start, column, sure in _time_columns(reader, at):
        for end, first, last in _spans(reader, start):
            yield end, Filter(column, "period", (first, last)), sure
        for end in reader.optional(start, DURING):
            for after, word in reader.word(end):
                if word.folded in WEEKDAYS:
                    yield after, Filter(column, "weekday", (WEEKDAYS[word.folded],)), sure
                if word.folded in MONTHS and (end > start or word.text[:1].isupper()):
                    yield after, Filter(column, "month", (MONTHS[word.folded],)), sure * 0.9
    yield from _calendar_columns(reader, at)


def _time_columns(reader: Reader, at: int) -> Iterator[tuple[int, str, float]]:
    """The datetime column named here, or the dataset's only one without a name."""
    for mention in reader.columns(at, lambda column: column.type == "datetime"):
        yield mention.end, mention.column.name, mention.score
    times = reader.catalog.times
    if len(times) == 1:
        yield at, times[0], 0.97
    elif len(times) > 1:
        for end, _ in _periods(reader, at):
            reader.complain(end, f"Say which time is meant: {' or '.join(times[:4])}.")


def _calendar_columns(reader: Reader, at: int) -> Iterator[Reading]:
    """``in 2007`` and ``in March`` where a column of numbers is called year or month."""
    for name, column in reader.catalog.columns.items():
        if column.type != "integer" or name.casefold() not in ("year", "month"):
            continue
        for end in reader.phrase(at, DURING):
            for last, value in _calendar_values(reader, end, name.casefold()):
                yield last, Filter(name, "eq", (value,)), 1.0
    years = [n for n, c in reader.catalog.columns.items() if n.casefold() == "year" and c.numeric]
    if len(years) == 1:
        for table, op in _YEAR_TESTS:
            for end in reader.phrase(at, table):
                for last, value in _calendar_values(reader, end, "year"):
                    yield last, Filter(years[0], op, (value,)), 1.0


_YEAR_TESTS: tuple[tuple[Phrases, Operator], ...] = ((BEFORE, "lt"), (AFTER, "gt"), (SINCE, "ge"))


def _calendar_values(reader: Reader, at: int, unit: str) -> Iterator[tuple[int, Scalar]]:
    for end, word in reader.word(at):
        if unit == "month" and word.folded in MONTHS:
            yield end, MONTHS[word.folded]
        if unit == "year" and isinstance(word.number, int) and word.number in _YEARS:
            yield end, word.number


def _spans(reader: Reader, at: int) -> Iterator[tuple[int, datetime, datetime]]:
    """Where the words end, and the half-open interval that they mean."""
    for end in reader.optional(at, DURING):
        for last, period in _periods(reader, end):
            if end > at or not _bare_year(period, reader, end):
                yield last, period.start, period.end
    for end in reader.phrase(at, BETWEEN):
        for middle, first in _periods(reader, end):
            for after in reader.phrase(middle, TO):
                for last, second in _periods(reader, after):
                    if first.start < second.end:
                        yield last, first.start, second.end
    for table, bounds in _OPEN_SPANS:
        for end in reader.phrase(at, table):
            for last, period in _periods(reader, end):
                yield last, *bounds(period)


_OPEN_SPANS: tuple[tuple[Phrases, Callable[[Period], tuple[datetime, datetime]]], ...] = (
    (BEFORE, lambda period: (_FIRST, period.start)),
    (AFTER, lambda period: (period.end, _LAST)),
    (SINCE, lambda period: (period.start, _LAST)),
    (UP_TO, lambda period: (_FIRST, period.end)),
)


def _bare_year(period: Period, reader: Reader, at: int) -> bool:
    """A number alone is no year: ``2013`` needs an "in" before it."""
    return period.end - period.start > timedelta(days=364) and reader.tokens[at].number is not None


def _periods(reader: Reader, at: int) -> Iterator[tuple[int, Period]]:
    """A day, a month of a year, a quarter of a year, or a year."""
    for end, word in reader.word(at):
        if word.kind == "date":
            yield from _iso(word.text, end)
        elif isinstance(word.number, int) and word.number in _YEARS and word.text.isdigit():
            yield end, _month_span(word.number, 1, 12)
        elif word.folded in MONTHS:
            yield from _after_month(reader, end, MONTHS[word.folded])
        elif isinstance(word.number, int) and 1 <= word.number <= 31:
            yield from _day_first(reader, end, word.number)
        if word.folded in QUARTERS:
            yield from _quarter(reader, end, QUARTERS[word.folded], named=word.folded[0] == "q")


def _iso(text: str, end: int) -> Iterator[tuple[int, Period]]:
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 2 and 1 <= parts[1] <= 12:
        yield end, _month_span(parts[0], parts[1], parts[1])
    elif len(parts) == 3:
        yield from _day(end, parts[0], parts[1], parts[2])


def _after_month(reader: Reader, at: int, month: int) -> Iterator[tuple[int, Period]]:
    """``January 2013``, ``January of 2013``, ``January 5, 2013``, ``January 5th 2013``."""
    for start in reader.optional(at, _OF):
        for end, year in _year(reader, start):
            yield end, _month_span(year, month, month)
    for after, word in reader.word(at):
        day = _ordinal(word.folded)
        if day is not None:
            for end, year in _year(reader, after):
                yield from _day(end, year, month, day)


def _day_first(reader: Reader, at: int, day: int) -> Iterator[tuple[int, Period]]:
    """``5 January 2013``."""
    for after, word in reader.word(at):
        if word.folded in MONTHS:
            for end, year in _year(reader, after):
                yield from _day(end, year, MONTHS[word.folded], day)


def _quarter(reader: Reader, at: int, quarter: int, *, named: bool) -> Iterator[tuple[int, Period]]:
    """``Q1 2013``, ``first quarter of 2013``."""
    starts = reader.optional(at, _OF) if named else reader.phrase(at, _QUARTER)
    for start in starts:
        for end, year in _year(reader, start):
            yield end, _month_span(year, 3 * quarter - 2, 3 * quarter)


def _year(reader: Reader, at: int) -> Iterator[tuple[int, int]]:
    for end, word in reader.word(at):
        if isinstance(word.number, int) and word.number in _YEARS and word.text.isdigit():
            yield end, word.number


def _ordinal(folded: str) -> int | None:
    digits = folded.removesuffix("st").removesuffix("nd").removesuffix("rd").removesuffix("th")
    return int(digits) if digits.isdecimal() and 1 <= int(digits) <= 31 else None


def _month_span(year: int, first: int, last: int) -> Period:
    start = datetime(year, first, 1)  # noqa: DTZ001
    end = datetime(year + last // 12, last % 12 + 1, 1)  # noqa: DTZ001
    return Period(start, end)


def _day(end: int, year: int, month: int, day: int) -> Iterator[tuple[int, Period]]:
    try:
        start = datetime(year, month, day)  # noqa: DTZ001
    except ValueError:  # 30 February is no day
        return
    yield end, Period(start, start + timedelta(days=1))
