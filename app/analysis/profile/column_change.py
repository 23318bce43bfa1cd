"""One column of two tables: what changed in it, measured by what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.analysis.charts.style import are_years, number, percent
from app.analysis.profile.bins import counted, histogram
from app.analysis.profile.drift import Change, counts_change, numbers_change
from app.analysis.profile.numeric import quantile
from app.analysis.profile.ordered import are_whole
from app.analysis.profile.source import Array, Values
from app.analysis.profile.temporal import iso
from app.analysis.profile.textual import shown

Kind = Literal["numeric", "time", "category", "text", "id", "other"]

MOST_LEVELS = 100
"""Categories that are told apart; the rarer ones count as one."""

MOST_SHOWN = 20


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


def column_change(before: Values, after: Values) -> ColumnChange:
    """Measure one column, given whole from either table."""
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


def _kind(before: Values, after: Values) -> Kind:
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


def _numbers(before: Values, after: Values) -> _Measured:
    sides = [_finite(before), _finite(after)]
    facts: dict[str, Any] = {"infinite": {"a": 0, "b": 0}}
    for side, values, ordered in zip("ab", (before, after), sides, strict=True):
        facts["infinite"][side] = values.rows - values.missing - len(ordered)
    if not all(map(len, sides)):
        return None, "", facts
    for name, share in (("min", 0.0), ("median", 0.5), ("max", 1.0)):
        facts[name] = _both(*(quantile(ordered, share) for ordered in sides))
    facts["mean"] = _both(*(float(ordered.mean(dtype=np.float64)) for ordered in sides))
    whole = all(map(are_whole, sides))
    facts["histogram"] = _beside(sides, whole=whole)
    middle = facts["median"]
    years = are_years(facts["histogram"]["edges"])
    was, now = (number(middle[side], years=years) for side in "ab")
    sentence = f"median {was} before, {now} now"
    return numbers_change(*sides), sentence, facts


def _times(before: Values, after: Values) -> _Measured:
    sides = [np.sort(before.present()), np.sort(after.present())]
    first, last = ([iso(int(side[place])) for side in sides] for place in (0, -1))
    found = _beside(sides, whole=False)
    found["edges"] = [iso(round(edge)) for edge in found["edges"]]
    facts = {"min": _both(*first), "max": _both(*last), "histogram": found}
    (start, since), (end, until) = first, last
    sentence = f"from {start[:10]} to {end[:10]} before, from {since[:10]} to {until[:10]} now"
    return numbers_change(*sides), sentence, facts


def _categories(before: Values, after: Values) -> _Measured:
    """Levels are matched by value; those beyond the 100 most frequent are measured as one."""
    sides = [_counts(before), _counts(after)]
    total: dict[Any, int] = {}
    for counts in sides:
        for level, count in counts.items():
            total[level] = total.get(level, 0) + count
    levels = sorted(total, key=lambda level: -total[level])
    rows = [np.array([counts.get(level, 0) for level in levels]) for counts in sides]
    kept = [np.append(row[:MOST_LEVELS], row[MOST_LEVELS:].sum()) for row in rows]
    facts = {
        "top": [
            {**shown(level), "a": int(rows[0][i]), "b": int(rows[1][i])}
            for i, level in enumerate(levels[:MOST_SHOWN])
        ],
        "new": _only(levels, rows[1], rows[0]),
        "gone": _only(levels, rows[0], rows[1]),
    }
    shares = [row / max(1, row.sum()) for row in kept]
    most = int(np.argmax(np.abs(shares[1] - shares[0])))
    name = "the rare ones" if most >= len(levels[:MOST_LEVELS]) else f"“{levels[most]}”"
    sentence = (
        f"{name} are {percent(float(shares[0][most]))} of the values before, "
        f"{percent(float(shares[1][most]))} now"
    )
    return counts_change(*kept), sentence, facts


def _texts(before: Values, after: Values) -> _Measured:
    """Texts are measured by their lengths."""
    sides = [
        np.sort(np.from_dlpack(pc.utf8_length(values.labels))[values.present()])
        for values in (before, after)
    ]
    middle = [quantile(side, 0.5) for side in sides]
    facts = {"median_length": _both(*middle), "histogram": _beside(sides, whole=True)}
    sentence = f"median length {number(middle[0])} characters before, {number(middle[1])} now"
    return numbers_change(*sides), sentence, facts


def _ids(before: Values, after: Values) -> _Measured:
    """Of keys, which come again."""
    labels = [_distinct(values) for values in (before, after)]
    shared = int(pc.sum(pc.is_in(labels[1], value_set=labels[0])).as_py() or 0)
    facts = {
        "distinct": _both(*map(len, labels)),
        "shared": shared,
        "shared_share": shared / len(labels[1]),
    }
    sentence = f"{shared:,} of its {len(labels[1]):,} keys were there before"
    return None, sentence, facts


_MEASURES = {
    "numeric": _numbers,
    "time": _times,
    "category": _categories,
    "text": _texts,
    "id": _ids,
}


def _finite(values: Values) -> Array:
    present = values.present()
    return np.sort(present if present.dtype.kind == "i" else present[np.isfinite(present)])


def _distinct(values: Values) -> Any:
    if values.physical == "string":
        return values.labels
    return pa.array(np.unique(values.present()))


def _counts(values: Values) -> dict[Any, int]:
    counts, labels = values.counted()
    return {labels[i]: int(counts[i]) for i in range(len(counts)) if counts[i]}


def _only(levels: list[Any], here: Array, there: Array) -> dict[str, Any]:
    """The levels that only one side has: how many, in how many rows, and the most frequent."""
    places = np.flatnonzero((here > 0) & (there == 0))
    return {
        "count": len(places),
        "rows": int(here[places].sum()),
        "values": [{**shown(levels[i]), "rows": int(here[i])} for i in places[:MOST_SHOWN]],
    }


def _beside(sides: list[Array], *, whole: bool) -> dict[str, Any]:
    """One histogram for both sides, with the bins that both together deserve."""
    edges = histogram(np.sort(np.concatenate(sides)), whole=whole).edges
    first, second = (counted(side, edges).counts.tolist() for side in sides)
    return {"edges": edges.tolist(), "a": first, "b": second}


def _both(before: Any, after: Any) -> dict[str, Any]:
    return {"a": before, "b": after}
