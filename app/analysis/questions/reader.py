"""A question under the reading glass: every way in which its words can be columns and values.

A rule of the grammar is a generator that takes a :class:`Reader` and a position and yields
each way to go on: where the words it explains end, what they mean, and how sure that is.
Rules are tried in all combinations; only readings that explain every word count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.analysis.questions.catalog import Catalog, CatalogColumn
from app.analysis.questions.plan import Scalar
from app.analysis.questions.values import LONGEST, ValueIndex, ValueMatch
from app.analysis.questions.vocabulary import (
    COLUMN_WORDS,
    FUNCTION_WORDS,
    KNOWN_WORDS,
    NOISE,
    NUMBERS,
    Phrases,
)
from app.analysis.questions.words import Token

MAX_STEPS = 200_000
"""Rules tried before a question is given up as too winding."""

_CONTENT = frozenset({"word", "number", "date", "quoted"})
_FUZZY_WORDS = 3


class TooWinding(Exception):
    """The question allows too many readings to try them all."""


@dataclass(frozen=True, slots=True)
class ColumnMention:
    """Words that may name a column, ending before position ``end``."""

    end: int
    column: CatalogColumn
    score: float


@dataclass(frozen=True, slots=True)
class ValueMention:
    """Words that may name values of a column; ``alone`` says that they need no column's name."""

    end: int
    column: CatalogColumn
    values: tuple[Scalar, ...]
    score: float
    alone: bool


class Reader:
    """The tokens of one question with all that they may mention in one dataset."""

    def __init__(
        self, tokens: Sequence[Token], catalog: Catalog, more: ValueIndex | None = None
    ) -> None:
        self.tokens = tokens
        self.catalog = catalog
        self.complaints: dict[int, str] = {}
        self._steps = 0
        self._columns = self._find_columns()
        self._values = self._find_values([catalog.values, *([more] if more else [])])
        self._find_misspelt()

    def phrase(self, at: int, table: Phrases) -> Iterator[int]:
        """Where each phrase of ``table`` that begins at ``at`` ends."""
        self._step()
        for start in self._starts(at):
            if start < len(self.tokens):
                for words in table.get(self.tokens[start].folded, ()):
                    end = self._match(start, words)
                    if end is not None:
                        yield end

    def optional(self, at: int, table: Phrases) -> Iterator[int]:
        """``at`` itself, and where each phrase of ``table`` ends."""
        yield at
        yield from self.phrase(at, table)

    def columns(
        self, at: int, accept: Callable[[CatalogColumn], bool] = lambda _: True
    ) -> Iterator[ColumnMention]:
        """The columns named at ``at`` that ``accept`` takes."""
        self._step()
        for start in self._starts(at):
            for mention in self._columns.get(start, ()):
                if accept(mention.column):
                    yield mention

    def values(self, at: int, column: str | None = None) -> Iterator[ValueMention]:
        """The values named at ``at``: of ``column``, or of any where no column need be named."""
        self._step()
        for start in self._starts(at):
            for mention in self._values.get(start, ()):
                if mention.column.name == column or (column is None and mention.alone):
                    yield mention

    def number(self, at: int) -> Iterator[tuple[int, int | float]]:
        """The number at ``at``, in figures or as a word up to ten."""
        for start in self._starts(at):
            if start < len(self.tokens):
                token = self.tokens[start]
                value = NUMBERS.get(token.folded) if token.number is None else token.number
                if value is not None:
                    yield start + 1, value

    def text(self, at: int) -> Iterator[tuple[int, str]]:
        """The quotation at ``at``."""
        for start in self._starts(at):
            if start < len(self.tokens) and self.tokens[start].kind == "quoted":
                yield start + 1, self.tokens[start].text

    def word(self, at: int) -> Iterator[tuple[int, Token]]:
        """The one word or number at ``at``, whatever it is, signs and articles skipped."""
        start = self._skip(at)
        if start < len(self.tokens) and self.tokens[start].kind in _CONTENT:
            yield start + 1, self.tokens[start]

    def mentioned(self, at: int) -> bool:
        """Whether the word at ``at`` may name a column or a value that needs no column."""
        return bool(self._columns.get(at)) or any(v.alone for v in self._values.get(at, ()))

    def done(self, at: int) -> bool:
        """Whether nothing that says anything is left from ``at`` on."""
        return self._skip(at) >= len(self.tokens)

    def complain(self, at: int, reason: str) -> None:
        """Remember why a reading that came as far as ``at`` failed."""
        self.complaints.setdefault(at, reason)

    def unknown(self) -> list[str]:
        """The words that are neither grammar nor part of anything in the dataset."""
        explained = {
            place
            for table in (self._columns, self._values)
            for start, mentions in table.items()
            for mention in mentions
            for place in range(start, mention.end)
        }
        return [
            token.text
            for place, token in enumerate(self.tokens)
            if place not in explained
            and token.kind in ("word", "quoted", "symbol")
            and token.folded not in KNOWN_WORDS
            and token.stem not in self.catalog.row_words
        ]

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooWinding

    def _starts(self, at: int) -> Iterator[int]:
        """``at``, and the first place after the noise there."""
        yield at
        skipped = self._skip(at)
        if skipped != at:
            yield skipped

    def _skip(self, at: int) -> int:
        while at < len(self.tokens) and self.tokens[at].folded in NOISE:
            at += 1
        return at

    def _match(self, start: int, words: tuple[str, ...]) -> int | None:
        place = start
        for turn, word in enumerate(words):
            if turn:
                place = self._skip(place)
            if place >= len(self.tokens) or self.tokens[place].folded != word:
                return None
            if self.tokens[place].kind == "quoted":
                return None
            place += 1
        return place

    def _spans(self, longest: int) -> Iterator[tuple[int, int, list[Token]]]:
        """Every run of words, signs inside left out; quotations stand alone."""
        for start, first in enumerate(self.tokens):
            if first.kind not in _CONTENT:
                continue
            words: list[Token] = []
            for end in range(start, len(self.tokens)):
                token = self.tokens[end]
                if token.kind == "symbol" or (token.kind == "quoted" and end > start):
                    break
                if token.kind not in _CONTENT:
                    continue
                words.append(token)
                yield start, end + 1, list(words)
                if len(words) >= longest or token.kind == "quoted":
                    break

    def _find_columns(self) -> dict[int, list[ColumnMention]]:
        found: dict[int, list[ColumnMention]] = {}
        names = self.catalog.names
        for start, end, words in self._spans(names.longest):
            for name, score in names.match(words).items():
                for first, last in self._called_a_column(start, end):
                    mention = ColumnMention(last, self.catalog.columns[name], score)
                    found.setdefault(first, []).append(mention)
        return found

    def _called_a_column(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The words themselves, and with "column" before or after them."""
        yield start, end
        if end < len(self.tokens) and self.tokens[end].folded in COLUMN_WORDS:
            yield start, end + 1
        if start > 0 and self.tokens[start - 1].folded in COLUMN_WORDS:
            yield start - 1, end

    def _find_values(self, indexes: Sequence[ValueIndex]) -> dict[int, list[ValueMention]]:
        found: dict[int, list[ValueMention]] = {}
        for start, end, words in self._spans(LONGEST):
            for index in indexes:
                for match in index.match(words):
                    mention = self._mention(end, match, _stands_alone(words))
                    found.setdefault(start, []).append(mention)
        return found

    def _mention(self, end: int, match: ValueMatch, alone: bool) -> ValueMention:
        column = self.catalog.columns[match.column]
        return ValueMention(end, column, match.values, match.score, alone)

    def _find_misspelt(self) -> None:
        """Where a word is nothing at all, the column or value that it nearly is."""
        for start, end, words in self._spans(_FUZZY_WORDS):
            places = range(start, end)
            if any(self._columns.get(p) or self._values.get(p) for p in places):
                continue
            for name, score in self.catalog.names.misspelt(words).items():
                mention = ColumnMention(end, self.catalog.columns[name], score)
                self._columns.setdefault(start, []).append(mention)
            if start not in self._columns:
                for match in self.catalog.values.nearly(words):
                    near = self._mention(end, match, alone=True)
                    self._values.setdefault(start, []).append(near)


def _stands_alone(words: Sequence[Token]) -> bool:
    """Whether these words may name a value without its column: no number, letter or grammar."""
    if words[0].kind == "quoted":
        return True
    return any(
        word.kind == "word" and len(word.folded) > 1 and word.folded not in FUNCTION_WORDS
        for word in words
    )
