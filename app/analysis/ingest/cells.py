"""Cells that a reader hands over as Python values, as text of which nothing is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.ingest.findings import Finding, counted, quoted
from app.analysis.ingest.table import Kind


def cell_text(cell: Any) -> str | None:
    """A cell as text, written so that nothing of it is lost; ``None`` for an empty one."""
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return _number(cell)
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        return _duration(cell)
    if isinstance(cell, bytes):
        return f"0x{cell.hex()}"
    return str(cell)


def _number(cell: float) -> str | None:
    if cell != cell:  # noqa: PLR0124 - the definition of NaN
        return None
    return str(int(cell)) if cell.is_integer() and abs(cell) < 1e18 else repr(cell)


def _duration(span: dt.timedelta) -> str:
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


@dataclass(slots=True)
class Seen:
    """Which kinds of cells a column holds: texts, bytes, and numbers, dates or truth values."""

    texts: int = 0
    others: int = 0
    blobs: int = 0

    def note(self, cell: Any) -> None:
        """Count one cell that is not empty."""
        if isinstance(cell, str):
            self.texts += 1
        elif isinstance(cell, bytes):
            self.blobs += 1
        else:
            self.others += 1

    def kind(self) -> Kind:
        """``native`` where no text was seen, so that numbers are taken as the file wrote them."""
        if self.blobs:
            return "string"
        return "infer" if self.texts else "native"

    def empty(self) -> bool:
        """Whether no cell held anything."""
        return not (self.texts or self.others or self.blobs)


def mixed_findings(names: Sequence[str], seen: Sequence[Seen]) -> list[Finding]:
    """A warning for each column that mixes texts with numbers or dates, or holds bytes."""
    told = []
    for name, column in zip(names, seen, strict=True):
        if column.texts and column.others:
            message = (
                f"{quoted(name)} mixes {counted(column.texts, 'text')} with "
                f"{counted(column.others, 'number or date')}."
            ).replace("number or dates", "numbers or dates")
            told.append(Finding("mixed_cells", message, name))
        if column.blobs:
            message = f"{quoted(name)} holds {counted(column.blobs, 'value')} of raw bytes, kept as text (0x…)."
            told.append(Finding("converted", message, name))
    return told
