"""What a profile says of columns of words: categories, free text, keys, truth values."""

from __future__ import annotations

import re
from heapq import nsmallest
from typing import Any

from app.analysis.profile.bins import histogram
from app.analysis.profile.long_strings import AnyStrings
from app.analysis.profile.long_values import AnyValues
from app.analysis.profile.numeric import as_json, quantile
from app.analysis.profile.ordered import Weighted
from app.analysis.profile.source import Array

TOP = 20
CELL_LENGTH = 1_000
"""Characters of a value that a profile holds; a longer one is cut and says so."""

TOKEN_TEXTS = 20_000
TOKEN_CHARACTERS = 4_000_000
"""Distinct texts and characters that are searched for words; where it stops is told."""

_WORD = re.compile(r"\w[\w'’-]+")

COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "my",
        "not",
        "of",
        "on",
        "or",
        "our",
        "she",
        "so",
        "that",
        "the",
        "their",
        "them",
        "there",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "will",
        "with",
        "you",
        "your",
    ]
)
"""English words that say nothing of a text; they are not counted."""


def category_facts(values: AnyValues) -> dict[str, Any]:
    """The number of categories, the most frequent, and how many occur once."""
    found = values.frequencies(TOP)
    return {
        "distinct": found.distinct,
        "top": [{**shown(value), "count": count} for value, count in found.top],
        "singles": found.singles,
    }


def text_facts(values: AnyStrings) -> dict[str, Any]:
    """Lengths in characters, and the words that most of the texts hold."""
    found = _tokens(values.weights(), values.labels, values.distinct())
    return {"distinct": values.distinct(), "lengths": lengths(values), **found}


def lengths(values: AnyStrings) -> dict[str, Any]:
    """``{min, mean, median, max, histogram}`` of the number of characters of each cell."""
    if values.physical != "string" or values.missing == values.rows:
        nothing = dict.fromkeys(("min", "mean", "median", "max"))
        return {**nothing, "histogram": {"edges": [], "counts": []}}
    each, counts = values.lengths()
    ordered = Weighted(each, counts)
    return {
        "min": int(ordered[0]),
        "mean": int((each * counts).sum()) / len(ordered),
        "median": quantile(ordered, 0.5),
        "max": int(ordered[-1]),
        "histogram": as_json(histogram(ordered, whole=True)),
    }


def shown(value: Any) -> dict[str, Any]:
    """``{"value": …}``, with ``length`` when the value was cut."""
    if isinstance(value, str) and len(value) > CELL_LENGTH:
        return {"value": value[:CELL_LENGTH] + "…", "length": len(value)}
    return {"value": value}


def _tokens(counts: Array, labels: Any, distinct: int) -> dict[str, Any]:
    """Words of two letters and more, in lower case, with the number of cells that hold them."""
    seen: dict[str, int] = {}
    characters = read = 0
    texts = labels.slice(0, TOKEN_TEXTS).to_pylist()
    for text, count in zip(texts, counts[:TOKEN_TEXTS].tolist(), strict=True):
        characters += len(text)
        if characters > TOKEN_CHARACTERS:
            break
        read += 1
        for word in set(_WORD.findall(text.lower())):
            seen[word] = seen.get(word, 0) + count
    for word in COMMON & seen.keys():
        del seen[word]
    first = nsmallest(TOP, seen.items(), key=lambda item: (-item[1], item[0]))
    return {
        "tokens": [{**shown(word), "count": count} for word, count in first],
        "tokens_distinct": len(seen),
        "tokens_exact": read == distinct,
        "tokens_texts": read,
    }
