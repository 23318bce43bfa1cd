"""One cell of a row to predict, as its column's type wants it; or the reason why it cannot be."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

from app.analysis.schema import ColumnType

_TRUE = frozenset({"true", "yes", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "0", "f", "n"})


class BadCell(Exception):
    """A value that cannot be its column's type; the message says what was expected."""


def is_missing(value: Any) -> bool:
    """``null``, an empty string, or a number that is none."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def as_number(value: Any, kind: ColumnType) -> float:
    """A number (whole for ``integer``), or 0 and 1 for ``boolean``. Raises :class:`BadCell`."""
    if kind == "boolean":
        return _as_boolean(value)
    number = _as_float(value)
    if kind == "integer" and number != math.floor(number):
        raise BadCell(f"{value!r} is not a whole number")
    return number


def _as_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadCell(f"{_shown(value)} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise BadCell(f"{_shown(value)} is not a number") from None
    if not math.isfinite(number):
        raise BadCell(f"{_shown(value)} is not a finite number")
    return number


def _as_boolean(value: Any) -> float:
    if isinstance(value, bool):
        return float(value)
    word = str(value).strip().lower() if isinstance(value, (int, str)) else ""
    if word in _TRUE or word in _FALSE:
        return float(word in _TRUE)
    raise BadCell(f"{_shown(value)} is neither true nor false")


def as_moment(value: Any) -> float:
    """Seconds since 1970 in UTC of an ISO 8601 date or time (UTC where none is named).

    Raises :class:`BadCell`.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise BadCell(f"{_shown(value)} is not an ISO 8601 date or time") from None
    else:
        raise BadCell(f"{_shown(value)} is not a date")
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment.timestamp()


def as_string(value: Any) -> str:
    """A string as the training file would spell it. Raises :class:`BadCell` for a list or object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == math.floor(value):
        return str(int(value))
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadCell(f"{_shown(value)} is not a text")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
