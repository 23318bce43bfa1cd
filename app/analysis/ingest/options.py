"""How a caller may override what would otherwise be detected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from app.analysis.errors import BadOption
from app.analysis.ingest.encodings import find_encoding
from app.analysis.schema import COLUMN_TYPES, ColumnType

_SPELLED_DELIMITERS = {
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "space": " ",
    "colon": ":",
}
# What each reader can use; anything else given for it is refused, never ignored.
_USABLE = {
    "delimited": {"delimiter", "encoding", "header_row", "decimal"},
    "json": {"encoding", "decimal"},
    "excel": {"sheet", "header_row", "decimal"},
    "parquet": set[str](),
    "arrow": set[str](),
    "orc": set[str](),
    "sqlite": {"table", "decimal"},
    "statistics": {"encoding"},
}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The reading options of an upload, checked; ``None`` means "detect it".

    ``header_row`` counts lines (records) from 1, and 0 says that there is no header.
    ``types`` must fit or the table is refused; ``known_types`` are remembered from an earlier
    file with these columns: used where they fit, told where they do not.
    """

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | int | None = None
    table: str | None = None
    header_row: int | None = None
    decimal: str | None = None
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    known_types: Mapping[str, ColumnType] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ReadOptions:
        """Check and build the options. Raises :class:`BadOption` naming the option."""
        unknown = set(values) - set(cls.__slots__)
        if unknown:
            name = min(unknown)
            raise BadOption(f"There is no reading option called {name!r}.", option=name)
        given = {name: value for name, value in values.items() if value not in (None, "")}
        checks: dict[str, Callable[[Any, str], Any]] = {
            "delimiter": _delimiter,
            "encoding": _encoding,
            "sheet": _sheet,
            "table": _text,
            "header_row": _header_row,
            "decimal": _decimal,
            "types": _types,
            "known_types": _types,
        }
        return cls(**{name: checks[name](value, name) for name, value in given.items()})

    def check_usable(self, reader: str) -> None:
        """Refuse an option that ``reader`` has no use for. Raises :class:`BadOption`."""
        for name in ("delimiter", "encoding", "sheet", "table", "header_row", "decimal"):
            if getattr(self, name) is not None and name not in _USABLE[reader]:
                raise BadOption(f"{name!r} means nothing for a {reader} file.", option=name)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadOption(f"{name!r} must be a text.", option=name)
    return value


def _delimiter(value: Any, name: str) -> str:
    text = _SPELLED_DELIMITERS.get(_text(value, name).lower(), _text(value, name))
    if len(text) != 1 or text in '\r\n"\0' or text.isalnum():
        raise BadOption("The delimiter must be one character such as , ; | or tab.", option=name)
    return text


def _encoding(value: Any, name: str) -> str:
    try:
        return find_encoding(_text(value, name))
    except LookupError:
        raise BadOption(f"There is no encoding called {value!r}.", option=name) from None


def _sheet(value: Any, name: str) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadOption("'sheet' must be a sheet's name, or its number from 1.", option=name)
    return value


def _header_row(value: Any, name: str) -> int:
    try:
        row = int(value) if not isinstance(value, bool | float) else -1
    except (TypeError, ValueError):
        row = -1
    if not 0 <= row <= 1000:
        raise BadOption(
            "'header_row' must be a whole number from 0 (no header) to 1000.", option=name
        )
    return row


def _decimal(value: Any, name: str) -> str:
    if value not in (".", ","):
        raise BadOption("'decimal' must be '.' or ','.", option=name)
    return cast(str, value)


def _types(value: Any, name: str) -> dict[str, ColumnType]:
    if not isinstance(value, Mapping):
        raise BadOption(f"{name!r} must map column names to types.", option=name)
    for column, kind in value.items():
        if kind not in COLUMN_TYPES:
            raise BadOption(
                f"Column {column!r} cannot have the type {kind!r}: "
                f"the types are {', '.join(COLUMN_TYPES)}.",
                option=name,
            )
    return dict(value)
