"""The ways people write numbers, truth values and dates: a pattern and a cast for each.

A pattern is written in what Python's ``re`` and DuckDB's RE2 share, so that the sample is
judged in Python and every cell of the table in SQL by the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from app.analysis.ingest.engine import literal, trimmed
from app.analysis.schema import ColumnType

# Cells that mean "no value" in a column whose other cells are numbers, dates or truth values
# (compared without case and surrounding blanks).
MISSING_IN_TYPED: tuple[str, ...] = (
    "", "na", "n/a", "n.a.", "#n/a", "<na>", "null", "(null)", "nil", "none", "nan", "nat",
    "-", "--", "—", "–", "?", ".", "\\n", "#null!", "#div/0!", "#value!", "#ref!",
)  # fmt: skip
# In a column of text only these, spelled exactly so, are missing. NA is not among them: it is
# a country and a name; see ``typing_rules`` for when the file itself shows that it is missing.
MISSING_IN_TEXT: tuple[str, ...] = (
    "null", "NULL", "Null", "(null)", "\\N", "<NA>", "#N/A", "N/A", "n/a", "NaN", "nan",
)  # fmt: skip

# Past 15 digits spreadsheets and JavaScript round, so such integers are kept as text.
EXACT_DIGITS = 15

CURRENCIES: tuple[str, ...] = (
    "€", "$", "£", "¥", "₹", "₽", "₺", "₩", "zł", "Kč", "kr", "R$", "US$", "CHF", "EUR", "USD",
    "GBP", "JPY", "CNY", "INR", "AUD", "CAD", "SEK", "NOK", "DKK", "PLN", "CZK", "BRL", "MXN",
)  # fmt: skip

_CELL = "{c}"
_BLANKS = literal(" \u00a0\u202f")


@dataclass(frozen=True, slots=True)
class Notation:
    """One way to write values of a type.

    ``pattern`` matches a whole trimmed cell; ``cast`` is SQL with ``{c}`` for that cell and
    gives NULL where the cell is no such value after all (31 February).
    """

    type: ColumnType
    pattern: str
    cast: str
    reason: str
    decimal: str | None = None
    order: str | None = None
    finding: str | None = None
    unit: str = ""

    def matches(self, cell: str) -> bool:
        """Whether a trimmed cell is written so (a date may still not be in the calendar)."""
        return _compiled(self.pattern).fullmatch(cell) is not None

    def matches_all(self, cells: Iterable[str]) -> bool:
        """Whether every one of trimmed cells is written so."""
        return all(map(_compiled(self.pattern).fullmatch, cells))

    def misses(self, cells: Iterable[str]) -> Iterator[str]:
        """Those of trimmed cells that are not written so."""
        matched = _compiled(self.pattern).fullmatch
        return (cell for cell in cells if not matched(cell))

    def value_sql(self, raw: str) -> str:
        """SQL for the value of a raw cell known to match once it is trimmed."""
        value = self.cast.replace(_CELL, trimmed(raw))
        if self.unit:
            return value
        # Few cells are padded: the others are cast as they stand, which is much faster. Inside
        # CASE the engine computes nothing before it is needed; what repeats elsewhere, it does.
        return (
            f"coalesce({self.cast.replace(_CELL, raw)}, "
            f"CASE WHEN {raw} IS NOT NULL THEN {value} END)"
        )

    def checked_sql(self, raw: str) -> str:
        """SQL for the value of any raw cell, NULL where it is not written so."""
        pattern, bare = literal(self.pattern), trimmed(raw)
        value = self.cast.replace(_CELL, raw)
        return (
            f"CASE WHEN regexp_full_match({raw}, {pattern}) THEN {value} "
            f"WHEN regexp_full_match({bare}, {pattern}) THEN {self.cast.replace(_CELL, bare)} END"
        )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


BOOLEAN = Notation(
    "boolean",
    "(?i:true|false)",
    "CASE lower({c}) WHEN 'true' THEN true WHEN 'false' THEN false END",
    "every value is true or false",
)
# How a caller's booleans may say yes; every other spelling says no.
TRUE_WORDS = ("true", "yes", "y", "t", "1", "on", "ja", "j", "oui", "si", "sí")
# What a caller may call boolean, though it is not taken for it without being asked.
ASKED_BOOLEAN = Notation(
    "boolean",
    "(?i:true|false|yes|no|y|n|t|f|1|0|on|off|ja|nein|j|oui|non|si|sí)",
    f"CASE WHEN lower({{c}}) IN ({', '.join(map(repr, TRUE_WORDS))}) THEN true "
    "WHEN lower({c}) IN ('false','no','n','f','0','off','nein','non') THEN false END",
    "every value says yes or no",
)

_EXPONENT = "(?:[eE][-+]?[0-9]{1,3})?"
_INFINITE = "[-+]?(?:inf|Inf|INF|Infinity|infinity)"


def _digits(group: str, limit: int) -> str:
    plain = f"(?:0|[1-9][0-9]{{0,{limit - 1}}})"
    if not group:
        return plain
    mark = re.escape(group) if group != " " else "[ \u00a0\u202f]"
    grouped = f"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+"
    return f"(?:{grouped}|{plain})"


@cache
def number(
    *,
    decimal: str = ".",
    group: str = "",
    unit: str = "",
    whole: bool = False,
    digits: int = EXACT_DIGITS,
) -> Notation:
    """Numbers with this decimal mark, thousands mark and unit (``%`` or a currency).

    ``whole`` numbers are integers of at most ``digits`` digits. A leading zero or a plus before
    a long row of digits is no number: it is a code or a telephone.
    """
    point = re.escape(decimal)
    integer = _digits(group, digits)
    if whole:
        body, short = integer, "[0-9]{1,6}"
    else:
        long = _digits(group, 400)
        fraction = f"(?:{long}{point}[0-9]*|{integer}|{point}[0-9]+)"
        body = f"{fraction}{_EXPONENT}"
        short = f"[0-9]{{1,6}}(?:{point}[0-9]*)?{_EXPONENT}"
    core = f"(?:[-−]?{body}|\\+{short})"
    pattern = _with_unit(core, body, unit)
    if not whole and not unit:
        pattern = f"(?:{pattern}|{_INFINITE})"
    return Notation(
        "integer" if whole else "number",
        pattern,
        _number_cast(decimal, group, unit, whole),
        _number_reason(decimal, group, unit, whole),
        decimal=decimal,
        unit=unit,
    )


def _with_unit(core: str, body: str, unit: str) -> str:
    if not unit:
        return core
    if unit == "%":
        return f"{core}[ \u00a0\u202f]?%"
    mark, blank = re.escape(unit), "[ \u00a0\u202f]?"
    forms = [
        core,
        f"{core}{blank}{mark}",
        f"{mark}{blank}{core}",
        f"[-−]{mark}{blank}{body}",
        f"\\((?:{mark}{blank})?{body}(?:{blank}{mark})?\\)",
    ]
    return f"(?:{'|'.join(forms)})"


def _number_cast(decimal: str, group: str, unit: str, whole: bool) -> str:
    cell = _CELL
    kind = "BIGINT" if whole else "DOUBLE"
    if unit:
        cell = f"replace({cell}, {literal(unit)}, '')"
    if unit or group == " ":
        cell = f"translate({cell}, {_BLANKS}, '')"
    if group and group != " ":
        cell = f"replace({cell}, {literal(group)}, '')"
    if decimal == "," and not whole:
        cell = f"replace({cell}, ',', '.')"
    if unit and unit != "%":
        bare = f"translate({cell}, '−()', '-')"
        sign = f"CASE WHEN starts_with({_CELL}, '(') THEN -1 ELSE 1 END"
        return f"({sign} * TRY_CAST({bare} AS {kind}))"
    # The typographic minus is rare, so it is looked for only where the plain cast fails.
    minus = f"CASE WHEN {_CELL} IS NOT NULL THEN TRY_CAST(replace({cell}, '−', '-') AS {kind}) END"
    cast = f"coalesce(TRY_CAST({cell} AS {kind}), {minus})"
    # NaN is a spelling of "missing", never a number.
    return cast if whole else f"nullif({cast}, 'nan'::DOUBLE)"


def _number_reason(decimal: str, group: str, unit: str, whole: bool) -> str:
    kind = "a whole number" if whole else "a number"
    details = []
    if decimal == "," and not whole:
        details.append("a decimal comma")
    if group:
        marks = {",": "commas", ".": "points", " ": "blanks", "'": "apostrophes"}
        details.append(f"{marks[group]} between thousands")
    if unit:
        details.append("a percent sign" if unit == "%" else f"the currency {unit}")
    return f"every value is {kind}" + (f" with {' and '.join(details)}" if details else "")
