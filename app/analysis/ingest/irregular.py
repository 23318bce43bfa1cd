"""What was irregular in a delimited text, counted by kind, with the first lines of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.analysis.ingest.findings import MAX_ROWS_NAMED, Finding, counted, listing
from app.analysis.ingest.records import Record

# Kind of finding: the noun, what one or several of them do, and what became of them.
_SENTENCES: dict[str, tuple[str, str, str, str]] = {
    "ragged_short": (
        "row",
        "has fewer than {cells}",
        "have fewer than {cells}",
        "the cells at the end are missing",
    ),
    "ragged_long": (
        "row",
        "has more than {cells}",
        "have more than {cells}",
        "what is past them stands in columns of its own",
    ),
    "blank_lines": ("blank line", "was passed over", "were passed over", ""),
    "empty_rows": (
        "row",
        "at the end holds delimiters only",
        "at the end hold delimiters only",
        "left out",
    ),
    "gap_rows": (
        "row",
        "between parts of the table holds delimiters only",
        "between parts of the table hold delimiters only",
        "left out",
    ),
    "comments": (
        "comment line",
        "begins with # and has too few cells for a row",
        "begin with # and have too few cells for a row",
        "left out",
    ),
    "footer": (
        "line",
        "below the table is a note and no row",
        "below the table are notes and no rows",
        "left out",
    ),
    "repeated_header": (
        "row",
        "repeats the header",
        "repeat the header",
        "left out",
    ),
    "mended_quotes": (
        "row",
        "has quotes that are not doubled or not closed",
        "have quotes that are not doubled or not closed",
        "they were read as text where that gives a row the cells it should have",
    ),
    "mended_delimiter": (
        "row",
        "uses another delimiter than the rest",
        "use another delimiter than the rest",
        "read by it, each has its {cells}",
    ),
}


@dataclass(slots=True)
class _Rows:
    count: int = 0
    lines: list[int] = field(default_factory=list)
    text: str = ""


@dataclass(slots=True)
class Irregularities:
    """Counts by kind; :meth:`findings` puts them in words."""

    _rows: dict[str, _Rows] = field(default_factory=dict)

    def add(self, kind: str, record: Record, *, quote: bool = False) -> None:
        """Count one record; ``quote`` keeps the words of the first, for what is left out."""
        rows = self._rows.setdefault(kind, _Rows())
        rows.count += 1
        if len(rows.lines) < MAX_ROWS_NAMED:
            rows.lines.append(record.line)
        if quote and not rows.text:
            rows.text = " ".join(" ".join(filter(None, record.cells)).split())[:80]

    def kept(self, record: Record, beyond: int) -> None:
        """Count a row of the table, ``beyond`` cells wider than it, if anything is odd in it."""
        if record.mending:
            self.add(f"mended_{record.mending}", record)
        if beyond:
            self.add("ragged_short" if beyond < 0 else "ragged_long", record)

    def findings(self, width: int) -> list[Finding]:
        """A warning for each kind, naming the first lines it is about."""
        return [
            _finding(kind, self._rows[kind], counted(width, "cell"))
            for kind in _SENTENCES
            if kind in self._rows
        ]


def _finding(kind: str, rows: _Rows, cells: str) -> Finding:
    noun, one, several, then = _SENTENCES[kind]
    verb = (one if rows.count == 1 else several).format(cells=cells)
    message = f"{counted(rows.count, noun)} {verb} (lines {listing(rows.lines)})"
    if rows.text:
        message += f", as '{rows.text}'"
    message += f"; {then.format(cells=cells)}." if then else "."
    return Finding(kind, message, rows=tuple(rows.lines))
