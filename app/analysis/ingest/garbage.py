"""Python's search for reference cycles, made rare while rows are read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Rows are lists and dictionaries by the thousand, none of which is part of a cycle. Looking
# through them every 700 took a twentieth of what reading a workbook takes.
_OBJECTS = 100_000


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Look for cycles among so many new objects at a time only, until the end of the block."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
