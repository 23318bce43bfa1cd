"""A user's file name, made harmless: only ever shown, never a path or a key."""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
MAX_LENGTH = 255


def clean_filename(name: str, fallback: str = "dataset") -> str:
    """``name`` cut to its last part, without control characters, reserved ones and ``..``.

    At most 255 characters, the ending kept. Never empty and never refused.
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    kept = _FORBIDDEN.sub("", kept)
    while ".." in kept:
        kept = kept.replace("..", ".")
    kept = kept.strip().strip(".") or fallback
    if len(kept) <= MAX_LENGTH:
        return kept
    stem, dot, ending = kept.rpartition(".")
    if dot and len(ending) <= 10:
        return stem[: MAX_LENGTH - len(ending) - 1] + "." + ending
    return kept[:MAX_LENGTH]
