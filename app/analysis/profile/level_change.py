"""The categories of a column of two tables: how often each occurs on either side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.analysis.profile.long_strings import LongStrings, hashes_of, names_of
from app.analysis.profile.long_values import AnyValues
from app.analysis.profile.ordered import Ordered, among, runs
from app.analysis.profile.source import Array, Values
from app.analysis.profile.textual import shown

MOST_LEVELS = 100
"""Categories that are told apart; the rarer ones count as one."""

MOST_SHOWN = 20
MOST_NAMED = 200_000
"""Different strings of either side that are matched by name; more are matched by their hashes."""

Level = tuple[Any, int, int]
"""A value with the rows that hold it before and now."""


@dataclass(slots=True)
class OneSided:
    """The levels that only one side has: how many, in how many rows, and the most frequent."""

    count: int = 0
    rows: int = 0
    values: list[tuple[Any, int]] = field(default_factory=list)

    def add(self, values: Sequence[Any] | Array, rows: Array, places: Array) -> None:
        """Some more levels, those at ``places``, and their rows; of equals the first comes first."""
        counts = rows[places]
        self.count += len(counts)
        self.rows += int(counts.sum())
        first = places[_most(counts, MOST_SHOWN)].tolist()
        fresh = [(values[place], int(rows[place])) for place in first]
        self.values = sorted(self.values + fresh, key=lambda pair: -pair[1])[:MOST_SHOWN]

    def to_json(self) -> dict[str, Any]:
        """The entry in ``compare.json``."""
        shown_values = [{**shown(value), "rows": rows} for value, rows in self.values]
        return {"count": self.count, "rows": self.rows, "values": shown_values}


@dataclass(slots=True)
class Levels:
    """The 100 most frequent levels of both sides together, and those that one side alone has.

    ``exact`` is false where strings were told apart by hashes of 64 bits.
    """

    top: list[Level] = field(default_factory=list)
    new: OneSided = field(default_factory=OneSided)
    gone: OneSided = field(default_factory=OneSided)
    exact: bool = True

    def add(self, values: Sequence[Any] | Array, before: Array, now: Array) -> None:
        """Some more levels and their rows on either side."""
        fresh = [(values[i], int(before[i]), int(now[i])) for i in _most(before + now, MOST_LEVELS)]
        # A later one goes behind an earlier one that is as frequent: sorts are stable.
        self.top = sorted(self.top + fresh, key=lambda level: -level[1] - level[2])[:MOST_LEVELS]
        for one, here, there in ((self.new, now, before), (self.gone, before, now)):
            one.add(values, here, np.flatnonzero((here > 0) & (there == 0)))

    def renamed(self, names: dict[Any, Any]) -> Levels:
        """The same with a name for each of the values that are told."""
        told = Levels([(names[v], a, b) for v, a, b in self.top], exact=self.exact)
        for mine, other in ((told.new, self.new), (told.gone, self.gone)):
            mine.count, mine.rows = other.count, other.rows
            mine.values = [(names[value], rows) for value, rows in other.values]
        return told

    def told(self) -> set[Any]:
        """Every value that is told."""
        one_sided = self.new.values + self.gone.values
        return {level[0] for level in self.top} | {value for value, _ in one_sided}


def levels_of(before: AnyValues, now: AnyValues) -> Levels:
    """The levels of a column of categories, matched by value."""
    if before.physical != "string":
        found = _matched(before.ordered(), now.ordered())
        kind: Any = bool if before.physical == "boolean" else lambda value: value.item()
        return found.renamed({value: kind(value) for value in found.told()})
    named = [_named(side) for side in (before, now)]
    if all(named):
        return _by_name(before, now)
    found = _matched(hashes_of(before), hashes_of(now))
    found.exact = False
    wanted = [int(value) for value in found.told()]
    names = names_of(before, wanted)
    names |= names_of(now, [value for value in wanted if value not in names])
    return found.renamed(names)


def _matched(before: Ordered, now: Ordered) -> Levels:
    found = Levels()
    for values, counts in runs(before):
        found.add(values, counts, among(now, values))
    for values, counts in runs(now):
        others = among(before, values)
        fresh = others == 0
        found.add(values[fresh], others[fresh], counts[fresh])
    return found


def _by_name(before: AnyValues, now: AnyValues) -> Levels:
    """In the order of their first rows."""
    sides = [dict(_counted(side)) for side in (before, now)]
    names = list(sides[0] | sides[1])
    rows = [np.array([side.get(name, 0) for name in names], np.int64) for side in sides]
    found = Levels()
    found.add(names, *rows)
    return found


def _counted(side: Any) -> Iterator[tuple[str, int]]:
    weights = side.weights()
    for place in np.flatnonzero(weights).tolist():
        yield side.labels[place].as_py(), int(weights[place])


def _named(side: AnyValues) -> bool:
    """Whether its strings are known and few enough to be matched by name."""
    if isinstance(side, LongStrings) and not side.named:
        return False
    return isinstance(side, Values | LongStrings) and side.distinct() <= MOST_NAMED


def _most(counts: Array, most: int) -> list[int]:
    """The places of the largest counts, of equals the first."""
    found: list[int] = np.argsort(-counts, kind="stable")[:most].tolist()
    return found
