"""Columns that seem to be known only once the target is: what they hold tells how it ended.

Three signs, each counted: a column is filled (or left empty) almost only in one class; a time
lies after the row's own almost only in one class; a column holds one value in all rows but
those of one class, where it varies. Each such set of rows must belong to that class nearly
whole, far more than all rows do, and by no chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from app.analysis.charts.style import percent, short
from app.analysis.profile.alerts import Alert, quoted
from app.analysis.profile.facts import Facts
from app.analysis.profile.source import Array

FEWEST_ROWS = 30
"""Rows that a set, and the class, must have at least."""

PURE = 0.97
"""The share of a set of rows that belongs to one class, from which on it gives the class away."""

RARER = 5
"""The other classes must be so many times rarer in the set than they are elsewhere."""

CHANCE = 1e-6
"""A p-value, corrected for the number of sets looked at, from which on it may be chance."""

SETTLED, VARIED, MOST_SAME = 0.995, 5, 0.5
"""The share of one value outside the class; and within it the different other values at least,
and the share of that value at most."""


def known_afterwards(
    target: Facts, facts: Sequence[Facts], clock: Facts | None, told: Collection[str]
) -> Iterator[Alert]:
    """An alert for each column but those already ``told`` of; for a target with classes only.

    ``clock`` is the column of the rows' own times, if there is one.
    """
    groups = target.groups()
    if groups is None:
        return
    codes, levels = groups
    classes = _Classes(codes, levels, tests=4 * len(levels) * max(1, len(facts)))
    for f in facts:
        if f.name == target.name or f.name in told:
            continue
        found = _later(f, clock, classes) or _filled(f, classes) or _settled(f, classes)
        if found is not None:
            yield leak(
                f.name,
                target,
                f"{found} “{classes.name}”: {quoted(f.name)} may be known only afterwards.",
                0.85,
            )


def leak(column: str, target: Facts, message: str, weight: float) -> Alert:
    """The alert that a column gives away the target."""
    return Alert(
        "leakage",
        "high",
        message,
        f"If {quoted(column)} is known only after {quoted(target.name)}, leave it out of training.",
        column=column,
        columns=(column, target.name),
        weight=weight,
    )


class _Classes:
    """The classes of the target, and the one that a set of rows belongs to."""

    def __init__(self, codes: Array, levels: Sequence[Any], tests: int) -> None:
        self.known = codes >= 0
        self._codes, self._levels, self._tests = codes, levels, tests
        self._counts = np.bincount(codes[self.known], minlength=len(levels))
        self.found = 0

    @property
    def name(self) -> str:
        """The class that was found last."""
        return short(self._levels[self.found], 30)

    def inside(self) -> Array:
        """The rows of the class that was found last."""
        inside: Array = self._codes == self.found
        return inside

    def own(self, rows: Array) -> str | None:
        """That these rows belong to one class nearly whole, in numbers; ``None`` if not."""
        from scipy.special import bdtrc

        counts = np.bincount(self._codes[rows & self.known], minlength=len(self._levels))
        size, whole, first = int(counts.sum()), int(self._counts.sum()), int(counts.argmax())
        if size < FEWEST_ROWS or self._counts[first] < FEWEST_ROWS:
            return None
        inside, base = int(counts[first]), self._counts[first] / whole
        if inside < PURE * size or RARER * (1 - inside / size) > 1 - base:
            return None
        if float(bdtrc(inside - 1, size, base)) * self._tests >= CHANCE:
            return None
        self.found = first
        return f"{inside:,} of these {size:,} rows ({percent(inside / size)}), but {percent(base)} of all, are"


def _filled(f: Facts, classes: _Classes) -> str | None:
    """Filled, or left empty, almost only in one class."""
    share = float(f.absent.mean())
    if not 0 < share < 1:
        return None
    for rows, state in ((~f.absent, "filled"), (f.absent, "empty")):
        found = classes.own(rows)
        if found is not None:
            return f"Where {quoted(f.name)} is {state}, {found}"
    return None


def _later(f: Facts, clock: Facts | None, classes: _Classes) -> str | None:
    """A time after the row's own, almost only in one class."""
    if clock is None or clock.numbers is None or f.role != "time" or f.numbers is None:
        return None
    if f.name == clock.name:
        return None
    with np.errstate(invalid="ignore"):
        found = classes.own(f.numbers > clock.numbers)
    return found and f"Where {quoted(f.name)} lies after {quoted(clock.name)}, {found}"


def _settled(f: Facts, classes: _Classes) -> str | None:
    """One value outside a class, and many within it."""
    cells = f.codes if f.codes is not None else f.numbers
    if cells is None or f.role == "time":
        return None
    there = (cells >= 0) if f.codes is not None else np.isfinite(cells)
    there &= classes.known
    values, places = np.unique(cells[there], return_inverse=True)
    if len(values) <= VARIED:
        return None
    usual = int(np.bincount(places).argmax())
    other = np.zeros(len(there), bool)
    other[there] = places != usual
    found = classes.own(other)
    if found is None:
        return None
    inside = classes.inside()
    outside = there & ~inside
    varied = len(np.unique(cells[other & inside]))
    if (
        float(other[outside].mean()) > 1 - SETTLED
        or float(other[there & inside].mean()) < MOST_SAME
        or varied < VARIED
    ):
        return None
    value = f.levels[int(values[usual])] if f.codes is not None else f"{values[usual]:g}"
    return f"Where {quoted(f.name)} is not “{short(value, 30)}”, {found}"
