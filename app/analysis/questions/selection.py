"""The grammar of which rows: what a row is called, conditions one after another, and groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.analysis.questions.catalog import CatalogColumn
from app.analysis.questions.conditions import condition
from app.analysis.questions.names import head
from app.analysis.questions.naming import ROLES, VERB_ROLES
from app.analysis.questions.plan import Filter, Key, Operator
from app.analysis.questions.reader import Reader
from app.analysis.questions.vocabulary import (
    CONNECTORS,
    FILLERS,
    GENERIC_ROWS,
    GROUP,
    PARTS,
    USUAL_ROWS,
    Phrases,
)
from app.analysis.questions.words import content, stem

MAX_FILTERS = 3
_GUESSED_ROW = 0.75
_MAX_CONNECTORS = 2
_ONE_VALUE: frozenset[Operator] = frozenset({"eq", "in", "missing", "present", "month", "weekday"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows asked for: conditions that all hold, a key to group by, and whether rows were named.

    ``guessed`` says that a usual word (``customers``) was taken to mean the rows.
    """

    filters: tuple[Filter, ...] = ()
    key: Key | None = None
    named: bool = False
    guessed: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return not (self.filters or self.key or self.named)


Reading = tuple[int, Selection, float]


def selections(
    reader: Reader, at: int, *, connectors: Phrases = CONNECTORS, groups: bool = True
) -> Iterator[Reading]:
    """Every way to read what follows as a selection, the empty one included."""
    for end, selection, score in _extended(reader, at, Selection(), 1.0, connectors, groups):
        if not (selection.guessed and not selection.filters):
            yield end, selection, score


def _extended(
    reader: Reader, at: int, so_far: Selection, score: float, connectors: Phrases, groups: bool
) -> Iterator[Reading]:
    yield at, so_far, score
    for end, selection, sure in _steps(reader, at, so_far, connectors, groups):
        yield from _extended(reader, end, selection, score * sure, connectors, groups)


def _steps(
    reader: Reader, at: int, so_far: Selection, connectors: Phrases, groups: bool
) -> Iterator[Reading]:
    """One thing more: a filler, a group, the rows' own name, or a condition."""
    for end in reader.phrase(at, FILLERS):
        if end > at:
            yield end, so_far, 1.0
    if groups and so_far.key is None:
        for end, key, score in group(reader, at):
            yield end, _with(so_far, key=key), score
    for start, word in _connected(reader, at, connectors):
        if not so_far.named:
            for end, guessed, score in row_names(reader, start):
                yield end, _with(so_far, named=True, guessed=guessed), score
        if len(so_far.filters) < MAX_FILTERS:
            for end, found, score in condition(reader, start):
                if _compatible(so_far.filters, found):
                    yield end, _with(so_far, found), score * _role(word, found)


def _connected(reader: Reader, at: int, connectors: Phrases) -> Iterator[tuple[int, str]]:
    """Where a condition may begin: here, or behind up to two connecting words; and the last one."""
    yield at, ""
    for end in reader.phrase(at, connectors):
        yield end, _pointer(reader, at, end)
        for last in reader.phrase(end, connectors):
            yield last, _pointer(reader, end, last)


def _pointer(reader: Reader, start: int, end: int) -> str:
    """The preposition that a connecting phrase amounts to: ``to`` for ``arriving in``."""
    words = [token.folded for token in reader.tokens[start:end]]
    return next((VERB_ROLES[word] for word in words if word in VERB_ROLES), words[-1])


def _with(
    so_far: Selection,
    found: Filter | None = None,
    *,
    key: Key | None = None,
    named: bool = False,
    guessed: bool = False,
) -> Selection:
    return Selection(
        (*so_far.filters, found) if found is not None else so_far.filters,
        key or so_far.key,
        named or so_far.named,
        guessed or so_far.guessed,
    )


def _compatible(filters: tuple[Filter, ...], found: Filter) -> bool:
    """No condition twice, and no column that must have one value and then another."""
    for other in filters:
        if other.column == found.column and (
            other.op == found.op or {other.op, found.op} <= _ONE_VALUE
        ):
            return False
    return True


def _role(word: str, found: Filter) -> float:
    """``from JFK`` speaks of an origin rather than of a destination."""
    if word not in ROLES or found.op not in ("eq", "in"):
        return 1.0
    return 1.0 if set(content(found.column)) & ROLES[word] else 0.9


def row_names(reader: Reader, at: int) -> Iterator[tuple[int, bool, float]]:
    """A word for the rows: where it ends, whether that is a guess, and how sure it is."""
    for end in reader.phrase(at, GENERIC_ROWS):
        yield end, False, 1.0
    for end, word in reader.word(at):
        if word.stem in reader.catalog.row_words:
            yield end, False, 1.0
            return
        guess = (word.folded,) in USUAL_ROWS.get(word.folded, ())
        if guess and not reader.catalog.row_is_named and not reader.mentioned(end - 1):
            yield end, True, _GUESSED_ROW


def group(reader: Reader, at: int) -> Iterator[tuple[int, Key, float]]:
    """``by cut``, ``hired per year``: where it ends, the key, and how sure that is."""
    for start in reader.phrase(at, GROUP):
        yield from keys(reader, start)
    for mention in reader.columns(at, lambda column: column.type == "datetime"):
        for start in reader.phrase(mention.end, GROUP):
            for part, table in PARTS.items():
                for end in reader.phrase(start, table):
                    yield end, Key(mention.column.name, part), mention.score


def keys(reader: Reader, at: int) -> Iterator[tuple[int, Key, float]]:
    """A column, or a part of the only datetime column, as a key."""
    for mention in reader.columns(at, _groupable):
        if mention.column.type == "datetime":
            yield mention.end, Key(mention.column.name, "day"), mention.score * 0.97
        else:
            yield mention.end, Key(mention.column.name), mention.score
    for part, table in PARTS.items():
        for end in reader.phrase(at, table):
            times = reader.catalog.times
            if len(times) == 1:
                yield end, Key(times[0], part), 0.95
            elif times:
                reader.complain(end, f"Say which time is meant: {' or '.join(times[:4])}.")
    for mention in reader.columns(at, lambda column: column.type == "datetime"):
        for part, table in PARTS.items():
            for end in reader.phrase(mention.end, table):
                yield end, Key(mention.column.name, part), mention.score


def _groupable(column: CatalogColumn) -> bool:
    return column.type != "number"


def is_row_word(reader: Reader, column: CatalogColumn) -> bool:
    """Whether a column is named as the rows themselves are (``flight`` in flights)."""
    return head(column.name) in reader.catalog.row_words or stem(column.name.casefold()) in (
        reader.catalog.row_words
    )
