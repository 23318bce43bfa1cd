"""Which values of which columns a few words of a question may mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from app.analysis.questions.vocabulary import KNOWN_WORDS
from app.analysis.questions.words import Token, content, fold, joined, stem

EXACT, FOLDED, STEMMED, BEGINNING, MISSPELT = 1.0, 0.99, 0.96, 0.82, 0.7
_MIN_BEGINNING = 4
_MIN_MISSPELT = 6
LONGEST = 8
"""Words that a value mentioned in a question may have."""


@dataclass(frozen=True, slots=True)
class ValueMatch:
    """Values of one column that the same words name (``USA`` and ``usa``), with a score."""

    column: str
    values: tuple[str, ...]
    score: float


class ValueIndex:
    """The different values of the text columns, looked up by words."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, list[str]]] = {}
        self._stemmed: dict[str, dict[str, list[str]]] = {}
        self._beginnings: dict[str, dict[str, set[str]]] = {}

    def add(self, column: str, values: Iterable[str]) -> None:
        """Make the values of ``column`` known."""
        for value in values:
            words = content(value)
            key = joined(words) if words else fold(value)
            self._exact.setdefault(key, {}).setdefault(column, []).append(value)
            stems = joined([stem(word) for word in words])
            self._stemmed.setdefault(stems, {}).setdefault(column, []).append(value)
            for count in range(1, len(words)):
                row = self._beginnings.setdefault(joined(words[:count]), {})
                row.setdefault(column, set()).add(value)

    def match(self, words: Sequence[Token]) -> list[ValueMatch]:
        """The values that ``words`` name exactly, without regard to case, or in another form."""
        written = " ".join(word.text for word in words)
        if len(words) == 1 and words[0].kind == "quoted":
            key = joined(content(written)) or fold(written)
            return _matches(self._exact.get(key, {}), written)
        found = _matches(self._exact.get(joined([word.folded for word in words]), {}), written)
        if found:
            return found
        stems = joined([word.stem for word in words])
        rows = self._stemmed.get(stems, {})
        return [ValueMatch(column, tuple(v), STEMMED) for column, v in rows.items()]

    def nearly(self, words: Sequence[Token]) -> list[ValueMatch]:
        """Values that begin with these capitalised words, or are one slip away from a long one."""
        if any(word.kind != "word" or word.folded in KNOWN_WORDS for word in words):
            return []
        key = joined([word.folded for word in words])
        if words[0].text[:1].isupper() and len(key) >= _MIN_BEGINNING:
            rows = self._beginnings.get(key, {})
            found = [ValueMatch(c, tuple(v), BEGINNING) for c, v in rows.items() if len(v) == 1]
            if found:
                return found
        return self._misspelt(key) if len(key) >= _MIN_MISSPELT else []

    def _misspelt(self, text: str) -> list[ValueMatch]:
        close = [
            key
            for key in self._exact
            if key[:1] == text[:1] and OSA.distance(text, key, score_cutoff=1) <= 1
        ]
        if len(close) != 1:
            return []
        return [ValueMatch(c, tuple(v), MISSPELT) for c, v in self._exact[close[0]].items()]


def _matches(rows: dict[str, list[str]], written: str) -> list[ValueMatch]:
    """Per column the value exactly as written, else all that differ only in case or signs."""
    found = []
    for column, values in rows.items():
        exact = [value for value in values if value == written]
        found.append(ValueMatch(column, tuple(exact or values), EXACT if exact else FOLDED))
    return found
