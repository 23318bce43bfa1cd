"""The training rows as counts: what later rows are compared with, and how those are counted.

Each column is cut into bins once, by its training values; a bin below and one above them, one for
rarer and one for unheard-of categories, and a last one for missing cells are part of it. So rows
to predict leave a few counts and no value of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.analysis.automl.decision import Decision
from app.analysis.automl.features.table import UNSEEN, Layout, RawTable

Array = npt.NDArray[Any]
Kind = Literal["number", "time", "category", "text"]

BINS = 10
MOST_LEVELS = 30
MOST_COLUMNS = 200
"""Columns that are counted: of more, the first ones by importance."""
PREDICTION = "(prediction)"
"""The name under which the model's own answers are counted."""


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """One column. ``counts`` are the training rows by bin, the missing ones last.

    Of ``number``, ``time`` (seconds since 1970) and ``text`` (its length), ``edges`` are the
    upper bounds of all bins but the last, from below the least value to the greatest. Of a
    ``category``, ``levels`` are those told apart, ``places`` the bin of each interned string.
    """

    name: str
    kind: Kind
    counts: Array
    edges: Array = field(default_factory=lambda: np.empty(0))
    levels: tuple[str, ...] = ()
    places: Array = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    @property
    def bins(self) -> int:
        """How many bins there are, without that of the missing cells."""
        return int(self.counts.size) - 1

    def counted(self, values: Array) -> Array:
        """The counts of other values: numbers, or interned strings."""
        return np.bincount(self._bins_of(values), minlength=self.counts.size)

    def _bins_of(self, values: Array) -> Array:
        if self.kind == "category":
            found = np.full(values.shape, self.bins, dtype=np.intp)
            known = values >= 0
            found[known] = self.places[values[known]]
            found[values == UNSEEN] = self.bins - 1
            return found
        found = np.searchsorted(self.edges, values, side="left")
        return np.where(np.isnan(values), self.bins, found)


@dataclass(frozen=True, slots=True)
class Reference:
    """The columns of the training rows, and last the model's answers for rows unknown to it."""

    rows: int
    columns: tuple[ColumnReference, ...]
    left_out: int = 0

    def inputs(self) -> Reference:
        """The same without the model's answers."""
        kept = tuple(c for c in self.columns if c.name != PREDICTION)
        return Reference(self.rows, kept, self.left_out)

    def tally(self, layout: Layout, table: RawTable, answers: Array | None) -> Tally:
        """Rows, and the model's ``answers`` (as :func:`answers_of` gives them), counted."""
        values = dict(_values(layout, table))
        counts = []
        for column in self.columns:
            given = answers if column.name == PREDICTION else values[column.name]
            counts.append(
                np.zeros(column.counts.size, np.intp) if given is None else column.counted(given)
            )
        return Tally(table.rows, counts)


@dataclass(slots=True)
class Tally:
    """Rows counted by the bins of a reference."""

    rows: int
    counts: list[Array]

    def add(self, other: Tally) -> None:
        """Count the other's rows, too."""
        self.rows += other.rows
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]

    def inputs(self, reference: Reference) -> Tally:
        """The counts of the columns that ``reference.inputs()`` keeps."""
        pairs = zip(reference.columns, self.counts, strict=True)
        return Tally(self.rows, [row for column, row in pairs if column.name != PREDICTION])

    def to_json(self) -> dict[str, Any]:
        """``{"rows", "counts"}``: for each column the bins that are not empty, as
        ``[bin, count]``."""
        return {
            "rows": self.rows,
            "counts": [
                [[int(place), int(row[place])] for place in np.flatnonzero(row)]
                for row in self.counts
            ],
        }


def answers_of(output: Array, task: str, decision: Decision) -> Array:
    """A model's output as it is counted: values, or the positions of the labels decided on."""
    return output if task == "regression" else decision.positions(output)


def take_reference(
    layout: Layout,
    table: RawTable,
    importance: Sequence[str] = (),
    answers: Array | None = None,
    labels: Sequence[str] = (),
) -> Reference:
    """Count training rows. ``answers`` are the model's for rows that it was not fitted on;
    ``labels`` spell them, where they are positions. ``importance`` names columns, first first."""
    order = {name: place for place, name in enumerate(importance)}
    values = dict(_values(layout, table))
    names = sorted(values, key=lambda name: order.get(name, len(order)))[:MOST_COLUMNS]
    columns = [
        _categories(name, values[name], list(layout.vocabulary[name]))
        if name in layout.vocabulary
        else _numbers(name, _kind(name, layout), values[name])
        for name in values
        if name in set(names)
    ]
    if answers is not None and labels:
        columns.append(_categories(PREDICTION, answers, labels))
    elif answers is not None:
        columns.append(_numbers(PREDICTION, "number", answers))
    return Reference(table.rows, tuple(columns), len(values) - len(names))


def _values(layout: Layout, table: RawTable) -> Iterable[tuple[str, Array]]:
    """Each column as numbers or interned strings; of a text, how many words and pairs it has."""
    for j, name in enumerate(layout.numbers):
        yield name, table.numbers[:, j]
    for j, name in enumerate(layout.dates):
        yield name, table.dates[:, j]
    for j, name in enumerate(layout.tokens):
        yield name, table.tokens[:, j]
    for name, text in zip(layout.texts, table.texts, strict=True):
        length = np.asarray(text.sum(axis=1), dtype=np.float64).ravel()
        yield name, np.where(length > 0, length, np.nan)


def _kind(name: str, layout: Layout) -> Kind:
    if name in layout.dates:
        return "time"
    return "text" if name in layout.texts else "number"


def _numbers(name: str, kind: Kind, values: Array) -> ColumnReference:
    known = np.sort(values[~np.isnan(values)])
    edges = np.empty(0)
    if known.size:
        cuts = known[np.arange(1, BINS) * known.size // BINS]
        edges = np.unique([np.nextafter(known[0], -np.inf), *cuts, known[-1]])
    blank = ColumnReference(name, kind, np.zeros(edges.size + 2, np.intp), edges)
    return ColumnReference(name, kind, blank.counted(values), edges)


def _categories(name: str, values: Array, spelled: Sequence[str]) -> ColumnReference:
    """Bins: the most frequent levels, the rarer ones together, unheard-of ones, missing."""
    counts = np.bincount(values[values >= 0], minlength=len(spelled))
    frequent = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    places = np.full(len(spelled), frequent.size, dtype=np.intp)
    places[frequent] = np.arange(frequent.size)
    levels = tuple(spelled[i] for i in frequent)
    size = frequent.size + 3
    blank = ColumnReference(name, "category", np.zeros(size, np.intp), np.empty(0), levels, places)
    full = blank.counted(values)
    return ColumnReference(name, "category", full, np.empty(0), levels, places)
