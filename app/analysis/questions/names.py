"""Which columns a few words of a question may mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product

from rapidfuzz.distance import OSA

from app.analysis.questions.naming import (
    ABBREVIATIONS,
    KEY_WORDS,
    LABEL_WORDS,
    REAL_WORDS,
    UNITS,
)
from app.analysis.questions.vocabulary import KNOWN_WORDS
from app.analysis.questions.words import Token, content, fold, joined, stem

EXACT, STEMMED, NO_UNIT, LABEL, PREFIXED, KEYED, HEAD, MISSPELT = (
    1.0, 0.99, 0.97, 0.96, 0.97, 0.92, 0.85, 0.72,
)  # fmt: skip
"""How sure a reading is: the name itself, another ending, less a unit, … a misspelling."""

_SHORTENED = 0.95
_MAX_VARIANTS = 24
_LEADING = frozenset({"is", "has"})


class NameIndex:
    """The names of a dataset's columns, looked up by words; scores are from 0 to 1."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact: dict[str, dict[str, float]] = {}
        self._stemmed: dict[str, dict[str, float]] = {}
        self._whole: dict[str, list[str]] = {}
        self._spelt: dict[str, set[str]] = {}
        self.longest = 1
        for name in names:
            self._add(name)

    def match(self, words: Sequence[Token]) -> dict[str, float]:
        """Columns that ``words`` may name, each with its score; misspellings are not tried."""
        if len(words) == 1 and words[0].kind == "quoted":
            return self.quoted(words[0].text)
        found = dict(self._stemmed.get(joined([word.stem for word in words]), {}))
        for name, score in self._exact.get(joined([word.folded for word in words]), {}).items():
            found[name] = max(score, found.get(name, 0.0))
        return found

    def quoted(self, text: str) -> dict[str, float]:
        """The column of exactly this name; of columns that differ in case, the one as written."""
        names = self._whole.get(fold(text.strip()), [])
        exact = [name for name in names if name.strip() == text.strip()]
        if exact or names:
            return dict.fromkeys(exact or names, EXACT)
        return dict(self._exact.get(joined(content(text)), {}))

    def misspelt(self, words: Sequence[Token]) -> dict[str, float]:
        """The columns closest to ``words``, when they are a slip of the finger or two away.

        The first letter must be right, and a word that is a real one is never a slip.
        """
        if any(_is_meant(word) for word in words):
            return {}
        text = joined([word.folded for word in words])
        allowed = 2 if len(text) >= 8 else 1 if len(text) >= 5 else 0
        best: dict[str, float] = {}
        closest = allowed
        for key, names in self._spelt.items():
            if key[:1] != text[:1] or allowed == 0:
                continue
            distance = OSA.distance(text, key, score_cutoff=closest)
            if distance < closest:
                best, closest = {}, distance
            if distance <= closest:
                best.update(dict.fromkeys(names, MISSPELT))
        return best

    def _add(self, name: str) -> None:
        self._whole.setdefault(fold(name.strip()), []).append(name)
        for words, score in _variants(content(name)):
            self.longest = max(self.longest, len(words))
            _keep(self._exact, joined(words), name, score)
            stems = [stem(word) for word in words]
            _keep(self._stemmed, joined(stems), name, score * STEMMED)
            if score >= LABEL:
                self._spelt.setdefault(joined(words), set()).add(name)


def head(name: str) -> str:
    """The stem of the word that says what a column measures: ``mass`` for ``body_mass_g``."""
    core, _ = _core(content(name))
    return stem(core[-1]) if core else ""


def _keep(table: dict[str, dict[str, float]], key: str, name: str, score: float) -> None:
    row = table.setdefault(key, {})
    row[name] = max(score, row.get(name, 0.0))


def _variants(words: list[str]) -> Iterator[tuple[list[str], float]]:
    """What people may call a column, with how sure that is."""
    if not words:
        return
    yield from _expanded(words, EXACT)
    core, score = _core(words)
    if len(core) < len(words):
        yield from _expanded(core, score)
    if len(core) > 1 and core[0] in _LEADING:
        yield from _expanded(core[1:], PREFIXED)
    for start in range(1, len(core)):
        if len(core[-1]) >= 3:
            yield from _expanded(core[start:], HEAD)


def _core(words: list[str]) -> tuple[list[str], float]:
    """The words without the unit or the kind of key at their end, and how sure that is."""
    core, score = list(words), EXACT
    while len(core) > 1:
        last = core[-1]
        if last in KEY_WORDS:
            score *= KEYED
        elif last in LABEL_WORDS:
            score *= LABEL
        elif last in UNITS:
            score *= NO_UNIT
        else:
            break
        core.pop()
    return core, score


def _expanded(words: list[str], score: float) -> Iterator[tuple[list[str], float]]:
    """``words`` and the same with abbreviations written out."""
    yield words, score
    choices = [(word, *ABBREVIATIONS.get(word, ())) for word in words]
    for variant in islice(product(*choices), 1, _MAX_VARIANTS):
        yield list(variant), score * _SHORTENED


def _is_meant(word: Token) -> bool:
    return (
        word.kind != "word"
        or word.folded in KNOWN_WORDS
        or word.folded in REAL_WORDS
        or word.folded.removesuffix("s") in REAL_WORDS
    )
