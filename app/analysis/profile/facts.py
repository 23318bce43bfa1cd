"""One column, read once: its entry in the profile, and what charts and associations need of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from app.analysis.profile.long_strings import LongStrings
from app.analysis.profile.long_values import AnyValues
from app.analysis.profile.numeric import distinct_in, numeric_facts
from app.analysis.profile.source import Array, Values
from app.analysis.profile.spelling import spelling
from app.analysis.profile.temporal import temporal_facts
from app.analysis.profile.textual import (
    category_facts,
    lengths,
    shown,
    text_facts,
)

Role = Literal["numeric", "time", "category", "text", "id", "constant"]

MAX_LEVELS = 100
"""Categories a column may have to enter associations and charts by group."""

FEW_LEVELS = 10
"""Different whole numbers that still read as classes."""


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


def column_facts(values: AnyValues, sampled: Array | None) -> Facts:
    """The facts of one column; ``sampled`` are the rows of the sample, ``None`` for all."""
    role = _role(values)
    profile = _base(values, role) | _FACTS[role](values)
    if isinstance(values, Values | LongStrings) and role in ("category", "text", "id"):
        profile |= spelling(values, with_patterns=role != "text")
    if isinstance(values, LongStrings) and values.distinct_error():
        profile |= {"distinct_exact": False, "distinct_error": values.distinct_error()}
    picked = values.picked(sampled)
    numbers = codes = None
    levels: Sequence[Any] = ()
    if role in ("numeric", "time"):
        numbers = np.where(picked.valid, picked.data.astype(np.float64), np.nan)
        numbers[np.isinf(numbers)] = np.nan
    elif role == "category" and 1 < profile["distinct"] <= MAX_LEVELS and _has_levels(picked):
        codes, levels = _coded(picked)
    return Facts(
        name=values.column.name,
        role=role,
        profile=profile,
        absent=~picked.valid,
        blocks=values.missing_blocks(),
        numbers=numbers,
        codes=codes,
        levels=levels,
    )


def _role(values: AnyValues) -> Role:
    """How a column is described: by its declared type, unless its values belie it."""
    declared = values.column.type
    if declared in ("constant", "id"):
        return declared
    if values.physical == "string":
        return "text" if declared == "text" else "category"
    if values.physical == "boolean" or declared == "categorical":
        return "category"
    return "time" if values.physical == "datetime" else "numeric"


def _base(values: AnyValues, role: Role) -> dict[str, Any]:
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


def _id_facts(values: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"distinct": _distinct(values)}
    if values.physical == "string":
        return facts | {"lengths": lengths(values)}
    if values.physical == "integer" and values.missing < values.rows:
        low, high = values.extent()
        return facts | {"min": low.item(), "max": high.item()}
    return facts


def _constant_facts(values: AnyValues) -> dict[str, Any]:
    if values.physical == "datetime":
        facts = temporal_facts(values)
        return {"distinct": facts["distinct"], "value": facts["min"]}
    distinct = values.frequencies(0).distinct
    first = shown(values.first()) if distinct else {"value": None}
    return {"distinct": distinct, **first}


def _distinct(values: Any) -> int:
    return values.distinct() if values.physical == "string" else distinct_in(values.ordered())


_FACTS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "numeric": numeric_facts,
    "time": temporal_facts,
    "category": category_facts,
    "text": text_facts,
    "id": _id_facts,
    "constant": _constant_facts,
}


def _has_levels(values: Values) -> bool:
    """Whether its levels are known: not of strings that found no room in memory."""
    return values.physical != "string" or values.labels is not None


def _coded(values: Values) -> tuple[Array, Sequence[Any]]:
    """Codes from 0 on (−1 where missing) and the level of each."""
    if values.physical == "string":
        return np.where(values.valid, values.data, -1), values.labels.to_pylist()
    found, places = np.unique(values.data, return_inverse=True)
    levels = [bool(v) for v in found] if values.physical == "boolean" else found.tolist()
    return np.where(values.valid, places, -1), levels
