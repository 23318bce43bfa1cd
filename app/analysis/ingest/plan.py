"""The decision about one column: its type, the SQL of its values, and the reason."""

from __future__ import annotations

from dataclasses import dataclass

from app.analysis.schema import Column, ColumnType, SensitiveKind


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How a column of the relation becomes a column of the dataset.

    ``sql`` is over ``c0, c1 …`` and gives the physical type that the contract names.
    """

    name: str
    type: ColumnType
    sql: str
    nullable: bool
    reason: str
    # How the file spells false and true, where it does so in one way.
    words: tuple[str, str] | None = None
    sensitive: SensitiveKind | None = None
    sensitive_reason: str = ""

    def column(self) -> Column:
        """The column as the dataset's schema tells it."""
        return Column(
            self.name,
            self.type,
            self.nullable,
            self.reason,
            self.sensitive,
            self.sensitive_reason,
        )
