"""The ways people write dates and times."""

from __future__ import annotations

from app.analysis.ingest.engine import literal
from app.analysis.ingest.notations import Notation

_CLOCK = "[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?(?: ?[AaPp][Mm])?"
_CLOCK_FORMATS = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %I:%M%p",
    " %I:%M:%S%p",
)
_ISO_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_CLOCK = "[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,9})?)?"
_ZONE = "(?: ?(?:Z|z|UTC)|[-+][0-9]{2}(?::?[0-9]{2})?)"
_MONTH = "[A-Za-z]{3,9}"


def _formatted(
    pattern: str,
    formats: tuple[str, ...],
    reason: str,
    order: str | None = None,
    finding: str | None = None,
) -> Notation:
    spelled = ", ".join(literal(day + clock) for day in formats for clock in _CLOCK_FORMATS)
    return Notation(
        "datetime",
        f"{pattern}(?: {_CLOCK})?",
        f"try_strptime({{c}}, [{spelled}])",
        reason,
        order=order,
        finding=finding,
    )


ISO = Notation(
    "datetime",
    f"{_ISO_DAY}(?:[T ]{_ISO_CLOCK})?",
    "TRY_CAST({c} AS TIMESTAMP)",
    "every value is a date written year-month-day",
)
ISO_ZONED = Notation(
    "datetime",
    f"{_ISO_DAY}[T ]{_ISO_CLOCK}{_ZONE}",
    "make_timestamp(epoch_us(TRY_CAST(regexp_replace({c}, ' ?(z|UTC)$', 'Z') AS TIMESTAMPTZ)))",
    "every value is a date with a time zone, kept in UTC",
    finding="The times had time zones and are kept in UTC.",
)
MONTHS = Notation(
    "datetime",
    "(?:1[6-9]|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])",
    "TRY_CAST({c} || '-01' AS TIMESTAMP)",
    "every value is a month written year-month",
    finding="The values are months; each is kept as the first day of its month.",
)


def _numeric(order: str, mark: str, year: str) -> Notation:
    """Dates of three numbers in the order ``dmy``, ``mdy`` or ``ymd``."""
    directives = {"d": "%d", "m": "%m", "y": "%Y" if year == "Y" else "%y"}
    digits = {"d": "[0-9]{1,2}", "m": "[0-9]{1,2}", "y": "[0-9]{4}" if year == "Y" else "[0-9]{2}"}
    words = {"d": "day", "m": "month", "y": "year"}
    escaped = "[.]" if mark == "." else mark
    finding = None
    if year == "y":
        finding = "The years have two digits: 69 to 99 were read as 19.., 00 to 68 as 20..."
    return _formatted(
        escaped.join(digits[part] for part in order),
        (mark.join(directives[part] for part in order),),
        f"every value is a date written {mark.join(words[part] for part in order)}",
        order=order if mark != "." and order != "ymd" else None,
        finding=finding,
    )


_WRITTEN_OUT = (
    _formatted(
        f"[0-9]{{1,2}}[ -]{_MONTH}[ -][0-9]{{4}}",
        ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%d-%B-%Y"),
        "every value is a date with the month's name",
    ),
    _formatted(
        f"{_MONTH} [0-9]{{1,2}},? [0-9]{{4}}",
        ("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
        "every value is a date with the month's name",
    ),
)

# In order of preference; a column takes the first under which every cell is a date.
DATES: tuple[Notation, ...] = (
    ISO,
    ISO_ZONED,
    MONTHS,
    *(_numeric("ymd", mark, "Y") for mark in "/.-"),
    *(_numeric(order, mark, "Y") for mark in "/-" for order in ("mdy", "dmy")),
    _numeric("dmy", ".", "Y"),
    *(_numeric(order, "/", "y") for order in ("mdy", "dmy")),
    _numeric("dmy", ".", "y"),
    *_WRITTEN_OUT,
)
# Dates only for a caller who asks for them: without asking they are whole numbers.
ASKED_DATES: tuple[Notation, ...] = (
    Notation(
        "datetime",
        "(?:1[6-9]|20|21)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])",
        "try_strptime({c}, '%Y%m%d')",
        "every value is a date written yearmonthday",
    ),
    Notation(
        "datetime",
        "[0-9]{4}",
        "TRY_CAST({c} || '-01-01' AS TIMESTAMP)",
        "every value is a year, kept as its first day",
    ),
)
