"""One column of two tables: what changed in it, measured by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from app.analysis.charts.style import are_years, number, percent
from app.analysis.profile.bins import counted, histogram
from app.analysis.profile.drift import Change, counts_change, numbers_change
from app.analysis.profile.level_change import MOST_SHOWN, levels_of
from app.analysis.profile.long_strings import AnyStrings, LongStrings, hashes_of
from app.analysis.profile.long_values import AnyValues
from app.analysis.profile.moments import mean
from app.analysis.profile.numeric import distinct_in, quantile
from app.analysis.profile.ordered import Joined, Ordered, Weighted, among, are_whole, runs
from app.analysis.profile.source import Values
from app.analysis.profile.temporal import iso
from app.analysis.profile.textual import shown

Kind = Literal["numeric", "time", "category", "text", "id", "other"]


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """``change`` is ``None`` where nothing can be measured; ``facts`` are the entries of its kind
    in ``compare.json``; ``sentence`` says what became of it, without a full stop.

    ``kind`` is ``other`` where the two sides hold what cannot be compared. ``rows`` are the
    values present on either side, ``missing`` the cells that are not.
    """

    name: str
    kind: Kind
    rows: tuple[int, int]
    missing: tuple[int, int]
    missing_p: float | None
    change: Change | None
    sentence: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def p_values(self) -> list[float]:
        """The p-values of the tests that were made, of the missing cells first."""
        found = [] if self.missing_p is None else [self.missing_p]
        return found if self.change is None else [*found, self.change.p_value]

    @property
    def missing_share(self) -> tuple[float, float]:
        """The share of cells that are missing on either side."""
        before, after = (
            gone / (gone + there) if gone + there else 0.0
            for gone, there in zip(self.missing, self.rows, strict=True)
        )
        return before, after


def column_change(before: AnyValues, after: AnyValues) -> ColumnChange:
    """Measure one column of either table."""
    kind = _kind(before, after)
    missing = (before.missing, after.missing)
    rows = (before.rows - missing[0], after.rows - missing[1])
    missing_p = None
    if any(missing) and before.rows and after.rows:
        cells = np.array([[rows[0], missing[0]], [rows[1], missing[1]]])
        missing_p = counts_change(cells[0], cells[1]).p_value
    change: Change | None = None
    sentence, facts = "", dict[str, Any]()
    if kind == "other":
        sentence = f"holds {before.physical} values before and {after.physical} values now"
    elif min(rows):
        change, sentence, facts = _MEASURES[kind](before, after)
    return ColumnChange(before.column.name, kind, rows, missing, missing_p, change, sentence, facts)


def _kind(before: AnyValues, after: AnyValues) -> Kind:
    sorts = {before.physical, after.physical}
    if sorts <= {"integer", "number"}:
        whole = sorts == {"integer"}
        if "id" in (before.column.type, after.column.type) and whole:
            return "id"
        return "category" if before.column.type == "categorical" and whole else "numeric"
    if len(sorts) > 1:
        return "other"
    if sorts == {"datetime"}:
        return "time"
    if sorts == {"boolean"}:
        return "category"
    declared = before.column.type
    return declared if declared in ("id", "text") else "category"


_Measured = tuple[Change | None, str, dict[str, Any]]


def _numbers(before: AnyValues, after: AnyValues) -> _Measured:
    sides = [_finite(before), _finite(after)]
    facts: dict[str, Any] = {"infinite": {"a": 0, "b": 0}}
    for side, values, ordered in zip("ab", (before, after), sides, strict=True):
        facts["infinite"][side] = values.rows - values.missing - len(ordered)
    if not all(map(len, sides)):
        return None, "", facts
    for name, share in (("min", 0.0), ("median", 0.5), ("max", 1.0)):
        facts[name] = _both(*(quantile(ordered, share) for ordered in sides))
    facts["mean"] = _both(*map(mean, sides))
    facts["histogram"] = _beside(*sides, whole=all(map(are_whole, sides)))
    middle = facts["median"]
    years = are_years(facts["histogram"]["edges"])
    was, now = (number(middle[side], years=years) for side in "ab")
    sentence = f"median {was} before, {now} now"
    return numbers_change(*sides), sentence, facts


def _times(before: AnyValues, after: AnyValues) -> _Measured:
    sides = [before.ordered(), after.ordered()]
    first, last = ([iso(int(side[place])) for side in sides] for place in (0, -1))
    found = _beside(*sides, whole=False)
    found["edges"] = [iso(round(edge)) for edge in found["edges"]]
    facts = {"min": _both(*first), "max": _both(*last), "histogram": found}
    (start, since), (end, until) = first, last
    sentence = f"from {start[:10]} to {end[:10]} before, from {since[:10]} to {until[:10]} now"
    return numbers_change(*sides), sentence, facts


def _categories(before: AnyValues, after: AnyValues) -> _Measured:
    """Levels are matched by value; those beyond the 100 most frequent are measured as one."""
    found = levels_of(before, after)
    counts = np.array([level[1:] for level in found.top]).T
    totals = np.array([[side.rows - side.missing] for side in (before, after)])
    kept = np.hstack([counts, totals - counts.sum(axis=1, keepdims=True)])
    facts: dict[str, Any] = {
        "top": [{**shown(level), "a": a, "b": b} for level, a, b in found.top[:MOST_SHOWN]],
        "new": found.new.to_json(),
        "gone": found.gone.to_json(),
    }
    if not found.exact:
        facts["distinct_exact"] = False
    shares = kept / np.maximum(1, totals)
    most = int(np.argmax(np.abs(shares[1] - shares[0])))
    name = "the rare ones" if most >= len(found.top) else f"“{found.top[most][0]}”"
    sentence = (
        f"{name} are {percent(float(shares[0][most]))} of the values before, "
        f"{percent(float(shares[1][most]))} now"
    )
    return counts_change(*kept), sentence, facts


def _texts(before: AnyStrings, after: AnyStrings) -> _Measured:
    """Texts are measured by their lengths."""
    sides = [Weighted(*values.lengths()) for values in (before, after)]
    middle = [quantile(side, 0.5) for side in sides]
    facts = {"median_length": _both(*middle), "histogram": _beside(*sides, whole=True)}
    sentence = f"median length {number(middle[0])} characters before, {number(middle[1])} now"
    return numbers_change(*sides), sentence, facts


def _ids(before: AnyValues, after: AnyValues) -> _Measured:
    """Of keys, which come again."""
    facts: dict[str, Any] = {}
    if isinstance(before, LongStrings) or isinstance(after, LongStrings):
        sides = [hashes_of(values) for values in (before, after)]
        facts["distinct_exact"] = False
    elif isinstance(before, Values) and isinstance(after, Values) and before.physical == "string":
        return _keys(
            len(before.labels),
            len(after.labels),
            int(pc.sum(pc.is_in(after.labels, value_set=before.labels)).as_py() or 0),
        )
    else:
        sides = [values.ordered() for values in (before, after)]
    shared = sum(int(np.count_nonzero(among(sides[0], keys))) for keys, _ in runs(sides[1]))
    _, sentence, found = _keys(distinct_in(sides[0]), distinct_in(sides[1]), shared)
    return None, sentence, found | facts


def _keys(before: int, after: int, shared: int) -> _Measured:
    facts = {"distinct": _both(before, after), "shared": shared, "shared_share": shared / after}
    return None, f"{shared:,} of its {after:,} keys were there before", facts


_MEASURES: Mapping[str, Callable[[Any, Any], _Measured]] = {
    "numeric": _numbers,
    "time": _times,
    "category": _categories,
    "text": _texts,
    "id": _ids,
}


def _finite(values: AnyValues) -> Ordered:
    ordered = values.ordered()
    if ordered.dtype.kind != "f":
        return ordered
    low, high = ordered.searchsorted(-np.inf, "right"), ordered.searchsorted(np.inf, "left")
    found: Ordered = ordered[int(low) : int(high)]
    return found


def _beside(first: Ordered, second: Ordered, *, whole: bool) -> dict[str, Any]:
    """One histogram for both sides, with the bins that both together deserve."""
    edges = histogram(Joined(first, second), whole=whole).edges
    before, after = (counted(side, edges).counts.tolist() for side in (first, second))
    return {"edges": edges.tolist(), "a": before, "b": after}


def _both(before: Any, after: Any) -> dict[str, Any]:
    return {"a": before, "b": after}
