"""Importing what a process is made of."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import in the block what stays for as long as the process does.

    Nothing of it is garbage: to look for some takes a sixth of the time meanwhile, and would
    take time in every collection afterwards.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
