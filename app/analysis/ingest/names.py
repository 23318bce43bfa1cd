"""Column names as the table needs them: present, unique, free of control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.analysis.ingest.findings import Finding, listing

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_MAX_CHARS = 500


def repair_names(raw: Iterable[str | None]) -> tuple[list[str], list[Finding]]:
    """Names in the same order, each usable, and a warning for each kind of repair.

    An empty name becomes ``column_3`` (by position), a repeated one ``name_2``, ``name_3`` …
    """
    names: list[str] = []
    empty: list[str] = []
    repeated: list[str] = []
    # Half of a surrogate pair (JSON can write one) is no character: its code is kept.
    whole = ((name or "").encode("utf-8", "backslashreplace").decode("utf-8") for name in raw)
    given = [_CONTROLS.sub("", name).strip()[:_MAX_CHARS] for name in whole]
    taken = {name for name in given if name}
    seen: set[str] = set()
    counts: dict[str, int] = {}
    for position, name in enumerate(given, start=1):
        wanted = name or f"column_{position}"
        final = wanted
        while final in seen or (final != name and final in taken):
            counts[wanted] = counts.get(wanted, 1) + 1
            final = f"{wanted}_{counts[wanted]}"
        if not name:
            empty.append(final)
        elif final != name:
            repeated.append(final)
        seen.add(final)
        names.append(final)
    return names, _told(empty, repeated)


def _told(empty: list[str], repeated: list[str]) -> list[Finding]:
    warnings = []
    if empty:
        message = f"Columns without a name were called {listing(empty)}."
        warnings.append(Finding("empty_name", message))
    if repeated:
        message = f"Names that occur twice were told apart: {listing(repeated)}."
        warnings.append(Finding("duplicate_name", message))
    return warnings
