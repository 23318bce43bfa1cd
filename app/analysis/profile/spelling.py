"""How the values of a column of words are spelled: their patterns, and what they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.analysis.profile.characters import SIGNS, bytes_of, plain
from app.analysis.profile.long_strings import AnyStrings

MOST_PATTERNS = 10
PATTERN_LENGTH = 60
"""Characters of a value that its pattern is taken of."""

PATTERN_VALUES = 200_000
"""Distinct values that are searched for patterns; where it stops is told."""

# A capital is A, another letter a, a digit 9; all else stands for itself.
_CLASSES = ((r"\p{Lu}", "A"), (r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]", "a"), (r"\p{Nd}", "9"))


def patterns(values: AnyStrings) -> dict[str, Any]:
    """``AA-9999`` and the like: the most frequent patterns of the values, and how many there are.

    Of all values unless ``patterns_exact`` is false, and of their first 60 characters.
    """
    labels = values.labels.slice(0, PATTERN_VALUES)
    encoded = _shapes(labels).dictionary_encode()
    places = np.from_dlpack(encoded.indices)
    counts = np.bincount(places, weights=values.weights()[: len(labels)]).astype(np.int64)
    order = np.argsort(-counts, kind="stable")[:MOST_PATTERNS].tolist()
    return {
        "patterns": [
            {"value": encoded.dictionary[i].as_py(), "count": int(counts[i])} for i in order
        ],
        "patterns_distinct": len(counts),
        "patterns_exact": len(labels) == values.distinct(),
    }


def spelling(values: AnyStrings, *, with_patterns: bool) -> dict[str, Any]:
    """Both for a column of strings; nothing for a column of anything else."""
    if values.physical != "string":
        return {}
    found: dict[str, Any] = {"characters": values.characters()}
    return found | patterns(values) if with_patterns else found


def _shapes(labels: Any) -> Any:
    """The pattern of each label."""
    shapes = pc.utf8_slice_codeunits(labels, 0, PATTERN_LENGTH)
    if plain(labels):
        offsets, text = bytes_of(shapes)
        signs = pa.py_buffer(SIGNS[text])
        ends = pa.py_buffer(offsets - offsets[0])
        return pa.Array.from_buffers(shapes.type, len(shapes), [None, ends, signs])
    for pattern, sign in _CLASSES:
        shapes = pc.replace_substring_regex(shapes, pattern, sign)
    return shapes
