"""What a profile says of a column of dates and times."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from app.analysis.profile.bins import histogram
from app.analysis.profile.long_values import AnyValues
from app.analysis.profile.numeric import distinct_in
from app.analysis.profile.ordered import Ordered
from app.analysis.profile.rhythm import rhythm

_DAY = 86_400_000_000
UNITS = ((4, "hour"), (400, "day"), (1_500, "week"), (12_000, "month"), (math.inf, "year"))
"""The longest span in days for which each unit is taken."""

CODES = {"hour": "h", "day": "D", "week": "W", "month": "M", "year": "Y"}
MOST_STEPS = 420


def temporal_facts(values: AnyValues) -> dict[str, Any]:
    """First and last moment, the days between them, a histogram, gaps and cycles; times are ISO
    text."""
    ordered = values.ordered()
    facts: dict[str, Any] = {"distinct": distinct_in(ordered)}
    if len(ordered) == 0:
        nothing = dict.fromkeys(("min", "max", "span_days", "timeline", "gaps"))
        return facts | nothing | {"histogram": {"edges": [], "counts": []}, "seasonality": []}
    found = histogram(ordered)
    missing, cycles = rhythm(ordered)
    return facts | {
        "min": iso(int(ordered[0])),
        "max": iso(int(ordered[-1])),
        "span_days": (int(ordered[-1]) - int(ordered[0])) / _DAY,
        "histogram": {
            "edges": [iso(round(edge)) for edge in found.edges.tolist()],
            "counts": found.counts.tolist(),
        },
        "timeline": _timeline(ordered),
        "gaps": missing,
        "seasonality": cycles,
    }


def calendar_unit(days: float) -> str:
    """The unit of the calendar in which a span of so many days has some dozens of steps."""
    return next(unit for most, unit in UNITS if days <= most)


def _timeline(ordered: Ordered) -> dict[str, Any] | None:
    """Rows in each hour, day, week, month or year from first to last, empty ones included.

    ``None`` for a single moment, and where even years would be more than 400.
    """
    span = (int(ordered[-1]) - int(ordered[0])) / _DAY
    unit = calendar_unit(span)
    kind = f"datetime64[{CODES[unit]}]"
    ends = np.array([ordered[0], ordered[-1]]).astype("datetime64[us]").astype(kind)
    first, last = ends.astype(np.int64).tolist()
    count = last - first + 1
    if not 1 < count <= MOST_STEPS:
        return None
    starts = (first + np.arange(count)).astype(kind)
    edges = starts[1:].astype("datetime64[us]").astype(np.int64)
    places = np.concatenate([[0], ordered.searchsorted(edges), [len(ordered)]])
    return {
        "unit": unit,
        "starts": [str(start) for start in starts.astype("datetime64[s]")],
        "counts": np.diff(places).tolist(),
    }


def iso(microseconds: int) -> str:
    """Microseconds since 1970 as ISO 8601, to the second where that is exact."""
    text = str(np.datetime64(microseconds, "us"))
    return text.removesuffix(".000000")
