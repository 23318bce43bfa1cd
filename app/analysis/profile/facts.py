"""One column, read once: its entry in the profile, and what charts and associations need of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from app.analysis.profile.numeric import distinct_in, numeric_facts
from app.analysis.profile.source import Array, Values
from app.analysis.profile.spelling import spelling
from app.analysis.profile.temporal import temporal_facts
from app.analysis.profile.textual import (
    category_facts,
    counted_labels,
    lengths,
    shown,
    text_facts,
)

Role = Literal["numeric", "time", "category", "text", "id", "constant"]

MAX_LEVELS = 100
"""Categories a column may have to enter associations and charts by group."""

FEW_LEVELS = 10
"""Different whole numbers that still read as classes."""

BLOCKS = 50
"""Stretches of consecutive rows for which the share of missing cells is kept."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A column's facts.

    ``profile`` is its entry in ``profile.json``. On the sampled rows: ``numbers`` (float64,
    NaN where missing) of numbers and times, ``codes`` (−1 where missing) into ``levels`` of
    categories with at most 100 of them, ``absent`` whether the cell is missing. ``blocks`` is
    the share missing in each of up to 50 stretches of rows, in file order.
    """

    name: str
    role: Role
    profile: dict[str, Any]
    absent: Array
    blocks: Array
    numbers: Array | None = None
    codes: Array | None = None
    levels: Sequence[Any] = ()

    def groups(self) -> tuple[Array, Sequence[Any]] | None:
        """Codes (−1: missing) and levels by which rows can be grouped: those of a category,
        or of a number that has at most 10 different whole values, such as 0 and 1."""
        if self.codes is not None:
            return self.codes, self.levels
        if self.role != "numeric" or self.numbers is None or self.profile["distinct"] > FEW_LEVELS:
            return None
        there = np.isfinite(self.numbers)
        found, places = np.unique(self.numbers[there], return_inverse=True)
        if len(found) < 2 or (found != np.round(found)).any():
            return None
        codes = np.full(len(self.numbers), -1, np.int64)
        codes[there] = places
        return codes, [int(value) for value in found]


def column_facts(values: Values, sampled: Array | None) -> Facts:
    """The facts of one column; ``sampled`` are the rows of the sample, ``None`` for all."""
    role = _role(values)
    profile = _base(values, role) | _FACTS[role](values)
    if role in ("category", "text", "id"):
        profile |= spelling(values, with_patterns=role != "text")
    picked = values if sampled is None else _rows(values, sampled)
    numbers = codes = None
    levels: Sequence[Any] = ()
    if role in ("numeric", "time"):
        numbers = np.where(picked.valid, picked.data.astype(np.float64), np.nan)
        numbers[np.isinf(numbers)] = np.nan
    elif role == "category" and 1 < profile["distinct"] <= MAX_LEVELS:
        codes, levels = _coded(picked)
    return Facts(
        name=values.column.name,
        role=role,
        profile=profile,
        absent=~picked.valid,
        blocks=_missing_by_block(values.valid),
        numbers=numbers,
        codes=codes,
        levels=levels,
    )


def _role(values: Values) -> Role:
    """How a column is described: by its declared type, unless its values belie it."""
    declared = values.column.type
    if declared in ("constant", "id"):
        return declared
    if values.physical == "string":
        return "text" if declared == "text" else "category"
    if values.physical == "boolean" or declared == "categorical":
        return "category"
    return "time" if values.physical == "datetime" else "numeric"


def _base(values: Values, role: Role) -> dict[str, Any]:
    column, missing = values.column, values.missing
    return {
        "name": column.name,
        "type": column.type,
        "kind": role,
        "nullable": column.nullable,
        "reason": column.reason,
        "sensitive": column.sensitive,
        "sensitive_reason": column.sensitive_reason,
        "count": values.rows - missing,
        "missing": missing,
        "missing_share": missing / values.rows if values.rows else 0.0,
        "distinct_exact": True,
    }


def _id_facts(values: Values) -> dict[str, Any]:
    facts: dict[str, Any] = {"distinct": _distinct(values)}
    present = values.present()
    if values.physical == "string":
        return facts | {"lengths": lengths(values)}
    if values.physical == "integer" and len(present):
        return facts | {"min": present.min().item(), "max": present.max().item()}
    return facts


def _constant_facts(values: Values) -> dict[str, Any]:
    if values.physical == "datetime":
        facts = temporal_facts(values)
        return {"distinct": facts["distinct"], "value": facts["min"]}
    counts, labels = counted_labels(values)
    first = shown(labels[0]) if len(counts) else {"value": None}
    return {"distinct": len(counts), **first}


def _distinct(values: Values) -> int:
    return len(values.labels) if values.physical == "string" else distinct_in(values.ordered())


_FACTS = {
    "numeric": numeric_facts,
    "time": temporal_facts,
    "category": category_facts,
    "text": text_facts,
    "id": _id_facts,
    "constant": _constant_facts,
}


def _rows(values: Values, sampled: Array) -> Values:
    return Values(
        values.column,
        values.physical,
        values.data[sampled],
        values.valid[sampled],
        values.labels,
    )


def _coded(values: Values) -> tuple[Array, Sequence[Any]]:
    """Codes from 0 on (−1 where missing) and the level of each."""
    if values.physical == "string":
        return np.where(values.valid, values.data, -1), values.labels.to_pylist()
    found, places = np.unique(values.data, return_inverse=True)
    levels = [bool(v) for v in found] if values.physical == "boolean" else found.tolist()
    return np.where(values.valid, places, -1), levels


def _missing_by_block(valid: Array) -> Array:
    if len(valid) == 0:
        return np.zeros(0)
    starts = np.unique(np.arange(BLOCKS) * len(valid) // BLOCKS)
    sizes = np.diff(np.append(starts, len(valid)))
    present = [np.count_nonzero(part) for part in np.split(valid, starts[1:])]
    shares: Array = 1 - np.array(present) / sizes
    return shares
