"""Which delimiter and quote a text uses: the pair under which its rows agree and its cells make sense.

The idea (rows of one pattern, cells of known kinds) is that of van den Burg, Nazábal and
Sutton, "Wrangling messy CSV files by detecting row and type patterns" (2019).
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice

from app.analysis.ingest.engine import WHITE

# Stands for "the lines are not divided": a character that no text holds.
NO_DELIMITER = "\x1e"
_SAMPLE_ROWS = 200
DELIMITERS = (",", ";", "\t", "|", ":", "^", "~", "\x1f", "\x01", " ")
# How much a delimiter must be out-scored by: text is full of blanks and colons.
_PRIOR = {" ": 0.6, ":": 0.75, "^": 0.9, "~": 0.9}
_BY_SUFFIX = {"tsv": "\t", "tab": "\t", "csv": ",", "psv": "|"}

_KNOWN_CELL = re.compile(
    r"""
    | [-+−]?[0-9]+(?:[.,][0-9]+)?(?:[eE][-+]?[0-9]+)?\ ?[%€$£¥]?
    | [-+−]?[0-9]{1,3}(?:[.,'\ ][0-9]{3})+(?:[.,][0-9]+)?\ ?[%€$£¥]?
    | [€$£¥]\ ?-?[0-9]+(?:[.,'][0-9]+)*
    | [0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[T ][0-9:.,Z+ APMapm-]+)?
    | [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\ ?[AaPp][Mm])?
    | [A-Za-z_\u00c0-\uffff][\w\u00c0-\uffff.@/&'()\- ]*               # words, names, mail addresses
    | (?:https?|ftp)://[^\s,;|]+
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited text is written. ``quote`` is empty where quotes mean nothing.

    ``escape`` stands before a quote that belongs to a cell, where quotes are not doubled for it.

    ``skip_blanks`` says that blanks after a delimiter are no part of the cell. (The fast reader
    always passes over blanks between a delimiter and a quote, the careful one only before it.)
    """

    delimiter: str
    quote: str = '"'
    skip_blanks: bool = False
    reason: str = ""
    escape: str = ""


def detect_dialect(text: str, suffix: str, delimiter: str | None) -> Dialect:
    """The dialect of a text by its beginning; ``delimiter`` is kept where the caller gave one."""
    choices = [delimiter] if delimiter else [d for d in DELIMITERS if d in text]
    best, best_score = None, 0.0
    for choice in choices:
        for quote in _quotes(text, choice):
            score = _score(text, choice, quote) * _PRIOR.get(choice, 1.0)
            score *= 1.05 if _BY_SUFFIX.get(suffix) == choice else 1.0
            if score > best_score and not (choice == " " and _stays_open(text, quote)):
                best, best_score = (choice, quote), score
    if delimiter:
        quote = best[1] if best else '"'
        reason = "given by the caller"
        return Dialect(delimiter, quote, _pads(text, delimiter), reason, _escape(text, quote))
    if best is None or best_score <= _score(text, NO_DELIMITER, '"') * 1.001:
        reason = "no delimiter splits the lines alike, so each line is one cell"
        # The separator keeps its usual meaning for quotes but never occurs.
        return Dialect(NO_DELIMITER, '"', False, reason)
    reason = "the rows agree best under it"
    return Dialect(*best, _pads(text, best[0]), reason, _escape(text, best[1]))


def _quotes(text: str, delimiter: str) -> list[str]:
    """Quote characters that open at least one cell, ``"`` always among them."""
    opens = re.compile(
        rf"(?:^|{re.escape(delimiter)}) ?'[^'\r\n]*'(?:{re.escape(delimiter)}|$)", re.M
    )
    return ['"', "'"] if opens.search(text) else ['"']


def _escape(text: str, quote: str) -> str:
    r"""The backslash, where quotes inside cells are written ``\"`` and never doubled.

    A cell may end in a backslash (``"C:\"``), so it takes one quote that something follows.
    """
    inside = text.count(f"\\{quote}")
    if not inside:
        return ""
    followed = re.search(rf"\\{quote}[^{quote},;|\t\r\n]", text) is not None
    doubled = re.search(rf"[^\\{quote},;|\t\r\n]{quote}{quote}[^{quote}]", text) is not None
    return "\\" if followed and not doubled else ""


def _stays_open(text: str, quote: str) -> bool:
    """Whether a quote that follows a blank is never closed: then it is a sign in a sentence."""
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=" ", quotechar=quote or None, strict=True
    )
    try:
        deque(rows, maxlen=0)
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _pads(text: str, delimiter: str) -> bool:
    """Whether blanks stand between a delimiter and an opening quote."""
    return delimiter not in " \t" and re.search(rf'{re.escape(delimiter)} +"', text) is not None


def sample_rows(
    text: str, delimiter: str, quote: str, limit: int = _SAMPLE_ROWS
) -> list[list[str]]:
    """The first rows of a text under a dialect, blank lines included as empty rows."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        skipinitialspace=_pads(text, delimiter),
    )
    rows: list[list[str]] = []
    # A cell past the field limit ends the sample: judge by the rows before it.
    with contextlib.suppress(csv.Error):
        rows.extend(islice(reader, limit))
    return rows


def _score(text: str, delimiter: str, quote: str) -> float:
    rows = [row for row in sample_rows(text, delimiter, quote) if row]
    if not rows:
        return 0.0
    widths = Counter(map(len, rows))
    width, agreeing = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width == 1 and delimiter != NO_DELIMITER:
        return 0.0
    # Each text once: the cells of a column repeat one another.
    cells = Counter(cell.strip(WHITE) for row in rows for cell in row)
    # An apostrophe at either end of a cell is half of a pair of quotes that was torn apart.
    known = [n for c, n in cells.items() if c[:1] != "'" != c[-1:] and _KNOWN_CELL.fullmatch(c)]
    pattern = agreeing / len(rows)
    # A wider agreement is stronger evidence, but only slowly: 3 cells are not thrice 1.
    breadth = 0.5 if width == 1 else 1.0 - 0.25 / math.log2(width + 1)
    return pattern * breadth * (0.1 + sum(known) / cells.total())
