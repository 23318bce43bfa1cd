"""From a sample of a column's cells to the notation they share, and from the file to its habits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from app.analysis.ingest.dates import ASKED_DATES, DATES, ISO
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.notations import (
    ASKED_BOOLEAN,
    BOOLEAN,
    CURRENCIES,
    MISSING_IN_TYPED,
    Notation,
    number,
)
from app.analysis.schema import ColumnType

_MISSING = frozenset(MISSING_IN_TYPED)
_GROUPS = {".": ("", ",", " ", "'"), ",": ("", ".", " ", "'")}
_BARE_EXPONENT = re.compile(r"[-+]?[0-9]+[eE][0-9]+")
_TELLING_DECIMAL = re.compile(r"[.,][0-9]*[eE]|[eE][-+]|[0-9][.,][0-9]")
# Names of codes that are made of digits and still are no quantities.
CODE_NAME = re.compile(
    r"(?:^|[^a-z])(?:phone|telephone|telefon|tel|mobile|handy|fax|zip|zipcode|zip_code|plz|postal"
    r"|postcode|post_code|postal_code|iban|ssn|vat|ean|gtin|isbn)(?:$|[^a-z])",
    re.IGNORECASE,
)

_OF_NUMBERS = "-−+() \u00a0\u202f0123456789.,'"


@dataclass(frozen=True, slots=True)
class Habits:
    """What the file's unambiguous columns (or the caller) say about its ambiguous ones."""

    decimal: str | None = None
    day_first: bool | None = None
    delimiter: str = ","


def present(cells: Iterable[str]) -> list[str]:
    """The trimmed cells of a sample that are values, whatever the column's type turns out."""
    trimmed = (cell.strip(WHITE) for cell in cells)
    return [cell for cell in trimmed if cell.lower() not in _MISSING]


def readings(values: Sequence[str], *, name: str = "", native: bool = False) -> list[Notation]:
    """Every notation that all ``values`` share, best first; none means text.

    ``native`` says that the file's own format wrote these as numbers, so codes need no guard.
    """
    if not values:
        return []
    if BOOLEAN.matches_all(values):
        return [BOOLEAN]
    found = _number_readings(values, native)
    if native:
        # Such numbers have a decimal point, whatever mark the texts beside them have.
        found = [notation for notation in found if notation.decimal in (None, ".")]
    if found:
        return [] if not native and CODE_NAME.search(name) else found
    return _date_readings(values)


def asked_readings(values: Sequence[str], kind: ColumnType) -> list[Notation]:
    """Like :func:`readings`, for a caller who said that these are of type ``kind``."""
    if not values:
        return []
    if kind == "boolean":
        return [n for n in (BOOLEAN, ASKED_BOOLEAN) if _all(values, n)]
    if kind == "datetime":
        return _date_readings(values) or [n for n in ASKED_DATES if _all(values, n)]
    found = _number_readings(values, native=True)
    if not found:
        # Leading zeros and long plus signs: the caller knows that they are quantities.
        digits = "TRY_CAST({c} AS BIGINT)"
        loose = Notation("integer", "[-+]?[0-9]{1,19}", digits, "the caller says whole numbers")
        found = [loose] if _all(values, loose) else []
    if kind == "integer":
        return [n if n.type == "integer" else _made_whole(n) for n in found]
    return [n if n.type == "number" else _made_number(n) for n in found]


def _all(values: Sequence[str], notation: Notation) -> bool:
    return notation.matches_all(values)


def _made_whole(notation: Notation) -> Notation:
    value = notation.cast
    whole = f"(CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS BIGINT) END)"
    return Notation("integer", notation.pattern, whole, notation.reason, notation.decimal)


def _made_number(notation: Notation) -> Notation:
    cast = f"CAST({notation.cast} AS DOUBLE)"
    return Notation("number", notation.pattern, cast, notation.reason, notation.decimal)


def _number_readings(values: Sequence[str], native: bool) -> list[Notation]:
    if not any(char in "0123456789" for char in values[0]):
        return []
    digits = 18 if native else 15
    plain = number(whole=True, digits=digits)
    if _all(values, plain):
        return [replace(plain, decimal=None)]
    unit = _unit(values)
    if unit is None:
        return []
    marked = any("." in value or "," in value for value in values)
    found = []
    for decimal in (".", ",") if marked else (".",):
        match = _number_reading(values, decimal, unit, digits)
        if match is not None:
            found.append(match if marked else replace(match, decimal=None))
    return [] if _only_codes(values) else found


def _number_reading(values: Sequence[str], decimal: str, unit: str, digits: int) -> Notation | None:
    """The plainest notation with this decimal mark that all values share."""
    for group in _GROUPS[decimal]:
        for whole in (True, False):
            notation = number(decimal=decimal, group=group, unit=unit, whole=whole, digits=digits)
            if _all(values, notation):
                return notation
    return None


def _only_codes(values: Sequence[str]) -> bool:
    """Whether cells such as 12E4 stand alone: codes, unless a cell is plainly a decimal number."""
    return (
        "e" in "".join(values).lower()
        and any(_BARE_EXPONENT.fullmatch(v) for v in values)
        and not any(_TELLING_DECIMAL.search(v) for v in values)
    )


def _unit(values: Sequence[str]) -> str | None:
    """The one unit of the values: empty for none, ``None`` where several or only some have it."""
    if not "".join(values).strip(_OF_NUMBERS):
        return ""
    if all(value.endswith("%") for value in values):
        return "%"
    if any("%" in value for value in values):
        return None
    marks = {mark for value in values if (mark := _currency(value))}
    if len(marks) > 1:
        return None
    unit = marks.pop() if marks else ""
    if unit and sum(1 for value in values if _currency(value)) < 0.5 * len(values):
        return None
    return unit


def _currency(value: str) -> str:
    bare = value.strip(_OF_NUMBERS)
    return bare if bare in CURRENCIES else ""


def _date_readings(values: Sequence[str]) -> list[Notation]:
    if not any(char in "0123456789" for char in values[0]):
        return []
    return [n for n in DATES if n.matches_all(values) and all(_in_calendar(n, v) for v in values)]


def _in_calendar(notation: Notation, value: str) -> bool:
    """Whether the three numbers of a date are one, where that can be told without SQL."""
    if notation.order is None and notation is not ISO:
        return True
    parts = dict(
        zip(notation.order or "ymd", map(int, re.findall(r"[0-9]+", value)[:3]), strict=True)
    )
    year = parts["y"] if parts["y"] > 99 or notation is ISO else 2000 + parts["y"]
    try:
        date(year, parts["m"], parts["d"])
    except ValueError:
        return False
    return True


def habits(found: Sequence[Sequence[Notation]], decimal: str | None, delimiter: str) -> Habits:
    """What the columns with one reading only agree on; the caller's ``decimal`` goes first."""
    alone = [column[0] for column in found if len(column) == 1]
    decimals = {notation.decimal for notation in alone if notation.decimal}
    orders = {notation.order for notation in alone if notation.order}
    agreed = decimals.pop() if len(decimals) == 1 else None
    day_first = orders == {"dmy"} if len(orders) == 1 else None
    return Habits(decimal or agreed, day_first, delimiter)


def choose(found: Sequence[Notation], habit: Habits) -> tuple[Notation | None, str | None]:
    """The reading to go by, and a sentence where another one was possible."""
    if len(found) < 2:
        return (found[0] if found else None), None
    if found[0].type == "datetime":
        return _choose_date(found, habit)
    usual = "," if habit.delimiter == ";" else "."
    wanted = habit.decimal or usual
    chosen = next((n for n in found if n.decimal == wanted), found[0])
    # 1.234 in a file that shows no decimal comma is a plain decimal number, not worth a word.
    if habit.decimal or (wanted == "." and chosen.type == "number"):
        return chosen, None
    other = "a decimal comma" if chosen.decimal == "." else "a decimal point"
    return chosen, (
        f"The numbers could also be read with {other}; "
        "the option 'decimal' or the column's type decides otherwise."
    )


def _choose_date(found: Sequence[Notation], habit: Habits) -> tuple[Notation, str | None]:
    orders = {n.order for n in found if n.order}
    if len(orders) < 2:
        return found[0], None
    day_first = habit.day_first
    if day_first is None:
        day_first = habit.delimiter == ";" or habit.decimal == ","
    chosen = next(n for n in found if n.order == ("dmy" if day_first else "mdy"))
    if habit.day_first is not None:
        return chosen, None
    read, other = ("day", "month") if day_first else ("month", "day")
    return chosen, (
        "The dates could be read either way; "
        f"they were read with the {read} first, not the {other}."
    )
