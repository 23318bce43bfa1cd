"""How the values of a column of words are spelled: their patterns, and what they are made of."""

from __future__ import annotations

from string import punctuation
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.analysis.profile.source import Array, Values

MOST_PATTERNS = 10
PATTERN_LENGTH = 60
"""Characters of a value that its pattern is taken of."""

PATTERN_VALUES = 200_000
"""Distinct values that are searched for patterns; where it stops is told."""

# A capital is A, another letter a, a digit 9; all else stands for itself.
_CLASSES = ((r"\p{Lu}", "A"), (r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]", "a"), (r"\p{Nd}", "9"))
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


_CLASS_OF, _SIGNS = _tables()


def characters(values: Values) -> dict[str, int]:
    """The number of cells that hold a letter, a digit, a space, punctuation or a symbol, and a
    character beyond ASCII."""
    weights = _weights(values)
    if _plain(values.labels):
        made = _made_of(values.labels)
        counted = {name: int(weights[made & bit > 0].sum()) for name, bit in _BITS.items()}
        return counted | {"beyond_ascii": 0}
    return {
        name: int(weights[_flags(pc.match_substring_regex(values.labels, pattern))].sum())
        for name, pattern in _MADE_OF.items()
    }


def patterns(values: Values) -> dict[str, Any]:
    """``AA-9999`` and the like: the most frequent patterns of the values, and how many there are.

    Of all values unless ``patterns_exact`` is false, and of their first 60 characters.
    """
    labels = values.labels.slice(0, PATTERN_VALUES)
    encoded = _shapes(labels).dictionary_encode()
    places = np.from_dlpack(encoded.indices)
    counts = np.bincount(places, weights=_weights(values)[: len(labels)]).astype(np.int64)
    order = np.argsort(-counts, kind="stable")[:MOST_PATTERNS].tolist()
    return {
        "patterns": [
            {"value": encoded.dictionary[i].as_py(), "count": int(counts[i])} for i in order
        ],
        "patterns_distinct": len(counts),
        "patterns_exact": len(labels) == len(values.labels),
    }


def spelling(values: Values, *, with_patterns: bool) -> dict[str, Any]:
    """Both for a column of strings; nothing for a column of anything else."""
    if values.physical != "string":
        return {}
    found: dict[str, Any] = {"characters": characters(values)}
    return found | patterns(values) if with_patterns else found


def _shapes(labels: Any) -> Any:
    """The pattern of each label."""
    shapes = pc.utf8_slice_codeunits(labels, 0, PATTERN_LENGTH)
    if _plain(labels):
        offsets, text = _bytes(shapes)
        signs = pa.py_buffer(_SIGNS[text])
        ends = pa.py_buffer(offsets - offsets[0])
        return pa.Array.from_buffers(shapes.type, len(shapes), [None, ends, signs])
    for pattern, sign in _CLASSES:
        shapes = pc.replace_substring_regex(shapes, pattern, sign)
    return shapes


def _plain(labels: Any) -> bool:
    """Whether the labels are ASCII: then each byte is a character, and a table knows its class
    far sooner than a regular expression does."""
    return len(labels) > 0 and bool(_flags(pc.string_is_ascii(labels)).all())


def _made_of(labels: Any) -> Array:
    """The classes of the characters of each label, as bits."""
    offsets, text = _bytes(labels)
    made = np.zeros(len(labels), np.uint8)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        starts = offsets[filled] - offsets[0]
        made[filled] = np.bitwise_or.reduceat(_CLASS_OF[text], starts)
    return made


def _bytes(labels: Any) -> tuple[Array, Array]:
    """Where the labels begin and end (one more than there are labels), and their bytes."""
    _, ends, text = labels.buffers()
    offsets = np.frombuffer(ends, np.int64)[labels.offset : labels.offset + len(labels) + 1]
    if text is None:
        return offsets, np.zeros(0, np.uint8)
    return offsets, np.frombuffer(text, np.uint8)[offsets[0] : offsets[-1]]


def _weights(values: Values) -> Array:
    return np.bincount(values.present(), minlength=len(values.labels))


def _flags(found: Any) -> Array:
    return np.from_dlpack(found.cast("uint8")).astype(bool)
