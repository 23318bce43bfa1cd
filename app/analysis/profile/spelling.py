"""How the values of a column of words are spelled: their patterns, and what they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
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


def characters(values: Values) -> dict[str, int]:
    """The number of cells that hold a letter, a digit, a space, punctuation or a symbol, and a
    character beyond ASCII."""
    weights = _weights(values)
    return {
        name: int(weights[_flags(pc.match_substring_regex(values.labels, pattern))].sum())
        for name, pattern in _MADE_OF.items()
    }


def patterns(values: Values) -> dict[str, Any]:
    """``AA-9999`` and the like: the most frequent patterns of the values, and how many there are.

    Of all values unless ``patterns_exact`` is false, and of their first 60 characters.
    """
    labels = values.labels.slice(0, PATTERN_VALUES)
    shapes = pc.utf8_slice_codeunits(labels, 0, PATTERN_LENGTH)
    for pattern, sign in _CLASSES:
        shapes = pc.replace_substring_regex(shapes, pattern, sign)
    encoded = shapes.dictionary_encode()
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


def _weights(values: Values) -> Array:
    return np.bincount(values.present(), minlength=len(values.labels))


def _flags(found: Any) -> Array:
    return np.from_dlpack(found.cast("uint8")).astype(bool)
