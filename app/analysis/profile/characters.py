"""What strings are made of: classes of characters."""

from __future__ import annotations

from string import punctuation
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

Array = npt.NDArray[Any]

_MADE_OF = {
    "letters": r"\p{L}",
    "digits": r"\p{Nd}",
    "spaces": r"\s",
    "punctuation": r"[\p{P}\p{S}]",
    "beyond_ascii": r"[^\x00-\x7F]",
}
_BITS = {"letters": 1, "digits": 2, "spaces": 4, "punctuation": 8}


def _tables() -> tuple[Array, Array]:
    """For each ASCII character: the bits of its classes, and its sign in a pattern."""
    bits, signs = np.zeros(128, np.uint8), np.arange(128, dtype=np.uint8)
    for code in range(128):
        letter = chr(code)
        if letter.isalpha():
            bits[code], signs[code] = _BITS["letters"], ord("A" if letter.isupper() else "a")
        elif letter.isdigit():
            bits[code], signs[code] = _BITS["digits"], ord("9")
        elif letter in "\t\n\f\r ":  # \s of RE2, which has no vertical tab
            bits[code] = _BITS["spaces"]
        elif letter in punctuation:
            bits[code] = _BITS["punctuation"]
    return bits, signs


_CLASS_OF, SIGNS = _tables()
"""What stands for each ASCII character in a pattern."""


def characters(labels: Any, weights: Array) -> dict[str, int]:
    """The number of cells that hold a letter, a digit, a space, punctuation or a symbol, and a
    character beyond ASCII; ``weights`` are the cells of each label."""
    if plain(labels):
        made = _made_of(labels)
        counted = {name: int(weights[made & bit > 0].sum()) for name, bit in _BITS.items()}
        return counted | {"beyond_ascii": 0}
    return {
        name: int(weights[_flags(pc.match_substring_regex(labels, pattern))].sum())
        for name, pattern in _MADE_OF.items()
    }


def plain(labels: Any) -> bool:
    """Whether the labels are ASCII: then each byte is a character, and a table knows its class
    far sooner than a regular expression does."""
    return len(labels) > 0 and bool(_flags(pc.string_is_ascii(labels)).all())


def _made_of(labels: Any) -> Array:
    """The classes of the characters of each label, as bits."""
    offsets, text = bytes_of(labels)
    made = np.zeros(len(labels), np.uint8)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        starts = offsets[filled] - offsets[0]
        made[filled] = np.bitwise_or.reduceat(_CLASS_OF[text], starts)
    return made


def bytes_of(labels: Any) -> tuple[Array, Array]:
    """Where the labels begin and end (one more than there are labels), and their bytes."""
    _, ends, text = labels.buffers()
    offsets = np.frombuffer(ends, np.int64)[labels.offset : labels.offset + len(labels) + 1]
    if text is None:
        return offsets, np.zeros(0, np.uint8)
    return offsets, np.frombuffer(text, np.uint8)[offsets[0] : offsets[-1]]


def _flags(found: Any) -> Array:
    return np.from_dlpack(found.cast("uint8")).astype(bool)
