"""Rows to learn from or to predict, as plain arrays instead of a data frame.

Making a :class:`RawTable` learns nothing: numbers stay numbers, dates become seconds, and
strings are interned (each distinct string gets an integer). Everything that is *learned*
(medians, known categories, encodings) happens later, per fold, in
:mod:`app.analysis.automl.features.space`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from app.analysis.automl.features.text import hash_texts
from app.analysis.schema import Column

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]

MISSING = -1
UNSEEN = -2
"""Interned ids of a missing string, and of one that no training row held."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns a model reads, by how they are represented, and the interned strings.

    ``timed`` are the date columns whose values have a time of day; ``vocabulary`` maps each
    token column to its distinct strings and their ids.
    """

    numbers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    timed: tuple[str, ...] = ()
    vocabulary: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, block by block."""
        return (*self.numbers, *self.dates, *self.tokens, *self.texts)


@dataclass(frozen=True, slots=True)
class RawTable:
    """``n`` rows: ``numbers`` (n, k) with NaN for missing, ``dates`` (n, d) seconds since 1970
    in UTC, ``tokens`` (n, c) interned ids, ``texts`` one hashed matrix (n, buckets) a column."""

    numbers: Floats
    dates: Floats
    tokens: Ints
    texts: tuple[sparse.csr_matrix, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.numbers.shape[0])

    def take(self, rows: Ints) -> RawTable:
        """The rows at those positions, in that order."""
        return RawTable(
            self.numbers[rows],
            self.dates[rows],
            self.tokens[rows],
            tuple(text[rows] for text in self.texts),
        )


def lay_out(frame: pd.DataFrame, columns: Sequence[Column]) -> Layout:
    """The layout for those columns of a frame, with the strings that it holds."""
    blocks: dict[str, list[str]] = {"numbers": [], "dates": [], "tokens": [], "texts": []}
    for column in columns:
        blocks[_block(column, frame)].append(column.name)
    return Layout(
        numbers=tuple(blocks["numbers"]),
        dates=tuple(blocks["dates"]),
        tokens=tuple(blocks["tokens"]),
        texts=tuple(blocks["texts"]),
        timed=tuple(name for name in blocks["dates"] if _has_time(frame[name])),
        vocabulary={name: _distinct(frame[name]) for name in blocks["tokens"]},
    )


def read_frame(frame: pd.DataFrame, layout: Layout) -> RawTable:
    """The rows of a data frame; an infinite number counts as missing."""
    n = len(frame)
    numbers = np.empty((n, len(layout.numbers)))
    for j, name in enumerate(layout.numbers):
        numbers[:, j] = as_floats(frame[name])
    numbers[~np.isfinite(numbers)] = np.nan
    dates = np.empty((n, len(layout.dates)))
    for j, name in enumerate(layout.dates):
        dates[:, j] = as_seconds(frame[name])
    tokens = np.empty((n, len(layout.tokens)), dtype=np.int32)
    for j, name in enumerate(layout.tokens):
        tokens[:, j] = intern(frame[name], layout.vocabulary[name])
    texts = tuple(hash_texts(as_strings(frame[name])) for name in layout.texts)
    return RawTable(numbers, dates, tokens, texts)


def as_floats(series: pd.Series[Any]) -> Floats:
    """A numeric or boolean column as float64, NaN where missing."""
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def as_seconds(series: pd.Series[Any]) -> Floats:
    """A date column as seconds since 1970 in UTC, NaN where missing."""
    stamps = pd.to_datetime(series).to_numpy(dtype="datetime64[us]")
    seconds = stamps.astype(np.int64) / 1e6
    return np.where(np.isnat(stamps), np.nan, seconds)


def first_cell(series: pd.Series[Any]) -> str:
    """The first value of a column as text, to say what it holds."""
    return str(next(iter(series.dropna()), None))[:60]


def as_strings(series: pd.Series[Any]) -> list[str | None]:
    """A column's values as strings, ``None`` where missing."""
    missing = series.isna().to_numpy()
    return [
        None if gone else str(value) for value, gone in zip(series.tolist(), missing, strict=True)
    ]


def intern(series: pd.Series[Any], vocabulary: Mapping[str, int]) -> Ints:
    """The id of each string: :data:`MISSING` for none, :data:`UNSEEN` for an unknown one."""
    codes, values = pd.factorize(series)
    ids = np.array([vocabulary.get(str(value), UNSEEN) for value in values], dtype=np.int32)
    # factorize marks a missing value with -1, which picks the last element here.
    return np.append(ids, np.int32(MISSING))[codes]


def _block(column: Column, frame: pd.DataFrame) -> str:
    if column.type in ("integer", "number", "boolean"):
        return "numbers"
    if column.type == "datetime":
        return "dates"
    if column.type == "text":
        return "texts"
    numeric = pd.api.types.is_numeric_dtype(frame[column.name])
    return "numbers" if column.type == "id" and numeric else "tokens"


def _distinct(series: pd.Series[Any]) -> dict[str, int]:
    return {str(value): i for i, value in enumerate(series.dropna().unique())}


def _has_time(series: pd.Series[Any]) -> bool:
    seconds = as_seconds(series)
    return bool(np.any(np.nan_to_num(seconds) % 86_400 != 0))
