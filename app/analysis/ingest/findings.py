"""What was decided, repaired or doubtful while a table was read, as values for the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_ROWS_NAMED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth telling: its kind, a plain sentence, and the column and rows it is about.

    ``rows`` count data rows from 1 (the row after the header), unless the sentence says lines.
    """

    kind: str
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The warning as JSON values, without what is not there."""
        value: dict[str, Any] = {"kind": self.kind, "message": self.message}
        if self.column is not None:
            value["column"] = self.column
        if self.rows:
            value["rows"] = list(self.rows[:MAX_ROWS_NAMED])
        return value


def listing(items: Sequence[object], shown: int = 5) -> str:
    """``a, b, c and 7 more``."""
    text = ", ".join(str(item) for item in items[:shown])
    return text if len(items) <= shown else f"{text} and {len(items) - shown:,} more"


def counted(count: int, noun: str) -> str:
    """``1 row``, ``3,000 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def quoted(value: str, limit: int = 60) -> str:
    """A cell as it may stand in a sentence: in quotes, on one line, not too long."""
    line = " ".join(value.split())
    return f"'{line if len(line) <= limit else line[: limit - 1] + '…'}'"
