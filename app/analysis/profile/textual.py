"""What a profile says of columns of words: categories, free text, keys, truth values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from heapq import nsmallest
from typing import Any

import numpy as np
import pyarrow.compute as pc

from app.analysis.profile.bins import histogram
from app.analysis.profile.numeric import as_json, quantile
from app.analysis.profile.source import Array, Values

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


def category_facts(values: Values) -> dict[str, Any]:
    """The number of categories, the most frequent, and how many occur once."""
    counts, labels = counted_labels(values)
    order = np.argsort(-counts, kind="stable")[:TOP]
    return {
        "distinct": len(counts),
        "top": [{**shown(labels[int(i)]), "count": int(counts[i])} for i in order],
        "singles": int(np.count_nonzero(counts == 1)),
    }


def text_facts(values: Values) -> dict[str, Any]:
    """Lengths in characters, and the words that most of the texts hold."""
    counts, _ = counted_labels(values)
    found = _tokens(counts, values.labels)
    return {"distinct": len(counts), "lengths": lengths(values), **found}


def lengths(values: Values) -> dict[str, Any]:
    """``{min, mean, median, max, histogram}`` of the number of characters of each cell."""
    if values.physical != "string" or not values.valid.any():
        nothing = dict.fromkeys(("min", "mean", "median", "max"))
        return {**nothing, "histogram": {"edges": [], "counts": []}}
    each = np.from_dlpack(pc.utf8_length(values.labels))
    ordered = np.sort(each[values.present()])
    return {
        "min": int(ordered[0]),
        "mean": float(ordered.mean()),
        "median": quantile(ordered, 0.5),
        "max": int(ordered[-1]),
        "histogram": as_json(histogram(ordered, whole=True)),
    }


def counted_labels(values: Values) -> tuple[Array, Sequence[Any]]:
    """How often each distinct value occurs, and the values, in the order of their first row."""
    present = values.present()
    if values.physical == "string":
        return np.bincount(present, minlength=len(values.labels)), _Labels(values.labels)
    found, counts = np.unique(present, return_counts=True)
    if values.physical == "boolean":
        return counts, [bool(value) for value in found]
    return counts, found.tolist()


def shown(value: Any) -> dict[str, Any]:
    """``{"value": …}``, with ``length`` when the value was cut."""
    if isinstance(value, str) and len(value) > CELL_LENGTH:
        return {"value": value[:CELL_LENGTH] + "…", "length": len(value)}
    return {"value": value}


class _Labels(Sequence[Any]):
    """An Arrow array read one value at a time: millions of labels are never Python strings."""

    def __init__(self, labels: Any) -> None:
        self._labels = labels

    def __getitem__(self, index: Any) -> Any:
        return self._labels[index].as_py()

    def __len__(self) -> int:
        return len(self._labels)


def _tokens(counts: Array, labels: Any) -> dict[str, Any]:
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
        "tokens_exact": read == len(labels),
        "tokens_texts": read,
    }
