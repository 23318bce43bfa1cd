"""Whether a column of whole numbers is a key rather than a quantity."""

from __future__ import annotations

import re

from app.analysis.ingest.verify import TypedFacts

_KEY_NAME = re.compile(
    r"(?:^|[^a-z])(?:id|ids|key|index|idx|uid|guid|pk|rownames?|rowid|rownum|row_number|record"
    r"|nr|lfd|serial|unnamed)(?:$|[^a-z])|[a-z](?:Id|ID)$",
)
_MIN_ROWS_NAMELESS = 20


def may_be_key(name: str, position: int, facts: TypedFacts) -> str | None:
    """The reason to take distinct integers for a key, or ``None``; distinctness is for the caller.

    A key is an unbroken sequence, or differs everywhere under a key's name. Years are none.
    """
    if facts.values < 2 or facts.values != facts.rows:
        return None
    named = bool(_KEY_NAME.search(name) or _KEY_NAME.search(name.lower()))
    unbroken = facts.most - facts.least + 1 == facts.rows
    if unbroken and named:
        return "an unbroken sequence of whole numbers under a key's name"
    years = facts.least >= 1500 and facts.most <= 2200
    first = position == 0 and facts.least in (0, 1) and facts.rows >= 10
    if unbroken and not years and (facts.rows >= _MIN_ROWS_NAMELESS or first):
        return "an unbroken sequence of whole numbers, like a key"
    return "whole numbers that all differ, under a key's name" if named else None
