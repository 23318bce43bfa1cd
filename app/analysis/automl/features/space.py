"""The feature space: everything that features learn from rows, and the two views it gives.

``tree`` keeps numbers as they are (NaN is missing) and categories as integer codes, for
estimators that split; ``dense`` is complete, standardised and one-hot, for the others; ``both``
is the one beside the other, for those made of two. One
space is learned per fold and once more for the final model, from training rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.analysis.automl.features.categories import (
    MEAN_FROM,
    ONE_HOT_MAX,
    UNORDERED_MAX,
    CategoryCodes,
    TargetMeans,
)
from app.analysis.automl.features.dates import CYCLES, cycle_indicators, date_parts, parts_of
from app.analysis.automl.features.numbers import LARGEST, NumberScaler
from app.analysis.automl.features.table import Layout, RawTable
from app.analysis.automl.features.text import TextProjection

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating[Any]]
ViewName = Literal["tree", "dense", "both"]


@dataclass(slots=True)
class FeatureSpace:
    """Learned encoders of all blocks. ``owners`` say which column each feature came from."""

    layout: Layout
    scaler: NumberScaler
    codes: list[CategoryCodes]
    means: dict[int, TargetMeans]
    texts: list[TextProjection]
    centre: Matrix
    spread: Matrix

    @classmethod
    def fit(cls, layout: Layout, table: RawTable, target: Floats, seed: int) -> FeatureSpace:
        """Learn from the training rows; ``target`` is (n, m) with a column a class (m may be 0).

        ``seed`` decides the inner folds of target means and the text projections' start.
        """
        scaler = NumberScaler.fit(_all_numbers(layout, table))
        codes = [
            CategoryCodes.fit(table.tokens[:, j], len(layout.vocabulary[name]))
            for j, name in enumerate(layout.tokens)
        ]
        means = {
            j: TargetMeans.fit(code.transform(table.tokens[:, j]), code.levels, target, seed + j)
            for j, code in enumerate(codes)
            if code.levels >= MEAN_FROM and target.shape[1]
        }
        texts = [TextProjection.fit(counts, seed + j) for j, counts in enumerate(table.texts)]
        space = cls(
            layout, scaler, codes, means, texts, np.zeros(1, np.float32), np.ones(1, np.float32)
        )
        free = np.hstack([np.zeros((table.rows, 0)), *space._free(table, training=True)])
        space.centre = free.mean(axis=0).astype(np.float32)
        deviation = free.std(axis=0).astype(np.float32)
        space.spread = np.where(deviation > 0, deviation, 1).astype(np.float32)
        return space

    def view(self, name: ViewName, table: RawTable, *, training: bool = False) -> Matrix:
        """The view of that name, (n, features), float32, in row order.

        ``training`` says that ``table`` is the very one that was fitted, whose rows must not
        see their own target in the target means.
        """
        blocks: list[Floats] = []
        if name != "dense":
            blocks += self._tree(table, training)
        if name != "tree":
            blocks += self._dense(table, training)
        return np.ascontiguousarray(np.hstack(blocks), dtype=np.float32)

    def forget(self) -> None:
        """Drop what only the training rows needed."""
        for means in self.means.values():
            means.forget()

    @property
    def categorical(self) -> list[int]:
        """Positions, in the ``tree`` view, of codes that are no order: those of few levels."""
        start = len(self._number_owners())
        few = (place for place, code in enumerate(self.codes) if code.levels <= UNORDERED_MAX)
        return [start + place for place in few]

    @property
    def width(self) -> int:
        """Features of both views together."""
        return len(self.owners("tree")) + len(self.owners("dense"))

    def owners(self, name: ViewName) -> list[str]:
        """The column that each feature of a view came from."""
        if name == "both":
            return [*self.owners("tree"), *self.owners("dense")]
        numbers = self._number_owners()
        tokens = self.layout.tokens
        if name == "tree":
            return [*numbers, *tokens, *self._free_owners(dense=False)]
        flags = [numbers[j] for j in self.scaler.flagged]
        cycles = [
            column
            for column in self.layout.dates
            for part in parts_of(column in self.layout.timed)
            for _ in range(CYCLES.get(part, 0))
        ]
        one_hot = [
            column
            for column, code in zip(tokens, self.codes, strict=True)
            for _ in range(code.indicators)
        ]
        return [*numbers, *flags, *cycles, *one_hot, *self._free_owners(dense=True)]

    def _tree(self, table: RawTable, training: bool) -> list[Floats]:
        codes = np.column_stack([np.zeros((table.rows, 0)), *self._codes(table)])
        codes = np.where(codes < 0, np.nan, codes)
        means = [self._means(j, table, training) for j in self.means]
        texts = [text.transform(c) for text, c in zip(self.texts, table.texts, strict=True)]
        return [_all_numbers(self.layout, table), codes, *means, *texts]

    def _dense(self, table: RawTable, training: bool) -> list[Floats]:
        one_hot = [
            code.one_hot(ids) for code, ids in zip(self.codes, self._codes(table), strict=True)
        ]
        cycles = [cycle_indicators(parts, timed) for parts, timed in _parts(self.layout, table)]
        free = [np.zeros((table.rows, 0)), *self._free(table, training=training)]
        scaled = (np.hstack(free) - self.centre) / self.spread
        numbers = self.scaler.transform(_all_numbers(self.layout, table))
        return [numbers, *cycles, *one_hot, scaled]

    def _codes(self, table: RawTable) -> list[npt.NDArray[np.int32]]:
        return [code.transform(table.tokens[:, j]) for j, code in enumerate(self.codes)]

    def _means(self, j: int, table: RawTable, training: bool) -> Floats:
        means = self.means[j]
        if training:
            return means.training
        return means.transform(self.codes[j].transform(table.tokens[:, j]))

    def _free(self, table: RawTable, *, training: bool) -> list[Floats]:
        """Features of the dense view that are on a scale of their own: target means, texts."""
        means = [self._means(j, table, training) for j in self._dense_means()]
        texts = [text.transform(c) for text, c in zip(self.texts, table.texts, strict=True)]
        return [*means, *texts]

    def _dense_means(self) -> list[int]:
        return [j for j in self.means if self.codes[j].levels > ONE_HOT_MAX]

    def _free_owners(self, *, dense: bool) -> list[str]:
        tokens, texts = self.layout.tokens, self.layout.texts
        with_means = self._dense_means() if dense else list(self.means)
        owners = [tokens[j] for j in with_means for _ in range(self.means[j].overall.size)]
        for name, text in zip(texts, self.texts, strict=True):
            owners += [name] * text.width
        return owners

    def _number_owners(self) -> list[str]:
        owners = list(self.layout.numbers)
        for name in self.layout.dates:
            owners += [name] * len(parts_of(name in self.layout.timed))
        return owners


def _parts(layout: Layout, table: RawTable) -> list[tuple[Floats, bool]]:
    """Date parts of each date column, and whether it has a time of day."""
    timed = [name in layout.timed for name in layout.dates]
    return [
        (date_parts(table.dates[:, j], with_time), with_time) for j, with_time in enumerate(timed)
    ]


def _all_numbers(layout: Layout, table: RawTable) -> Floats:
    """Numbers and date parts side by side, none beyond what single floats hold."""
    values = np.hstack([table.numbers, *(parts for parts, _ in _parts(layout, table))])
    return np.clip(values, -LARGEST, LARGEST, out=values)
