"""The typed schema of a dataset: what every room of the analyst calls a column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

ColumnType = Literal[
    "integer", "number", "boolean", "datetime", "categorical", "text", "id", "constant"
]
COLUMN_TYPES: tuple[ColumnType, ...] = get_args(ColumnType)

SensitiveKind = Literal["email", "phone", "payment_card", "iban", "national_id"]
SENSITIVE_KINDS: tuple[SensitiveKind, ...] = get_args(SensitiveKind)
SENSITIVE_WORDS: Mapping[str, str] = {
    "email": "e-mail addresses",
    "phone": "telephone numbers",
    "payment_card": "payment card numbers",
    "iban": "bank account numbers (IBAN)",
    "national_id": "national identity numbers",
}
"""What a sensitive column holds, in the plural."""

NUMERIC_TYPES: frozenset[ColumnType] = frozenset({"integer", "number"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name as in the file, its type, and why it was given that type.

    ``sensitive`` is the kind of personal data that its values look like, if any, and
    ``sensitive_reason`` what was seen. It is a flag: no value is changed for it.
    """

    name: str
    type: ColumnType
    nullable: bool = True
    reason: str = ""
    sensitive: SensitiveKind | None = None
    sensitive_reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The column as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Column:
        """The inverse of :meth:`to_json`; unknown keys are ignored. Raises ``ValueError``."""
        kind = str(value["type"])
        if kind not in COLUMN_TYPES:
            raise ValueError(f"{kind!r} is not one of {', '.join(COLUMN_TYPES)}")
        flags: dict[Any, SensitiveKind] = {flag: flag for flag in SENSITIVE_KINDS}
        return cls(
            name=str(value["name"]),
            type=kind,
            nullable=bool(value.get("nullable", True)),
            reason=str(value.get("reason", "")),
            sensitive=flags.get(value.get("sensitive")),
            sensitive_reason=str(value.get("sensitive_reason", "")),
        )


def columns_from_json(values: Iterable[Mapping[str, Any]]) -> list[Column]:
    """Columns from the JSON list that a dataset stores."""
    return [Column.from_json(value) for value in values]


def columns_to_json(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """The JSON list that a dataset stores."""
    return [column.to_json() for column in columns]
