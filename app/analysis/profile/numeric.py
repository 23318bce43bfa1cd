"""What a profile says of a column of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.analysis.charts.style import holds_years, number
from app.analysis.profile.bins import Histogram, central, histogram
from app.analysis.profile.long_values import AnyValues
from app.analysis.profile.moments import moments
from app.analysis.profile.ordered import Ordered, Weighted, are_whole, runs
from app.analysis.profile.source import SLICE

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FEW_VALUES = 20
"""A column of at most so many different numbers also says how often each occurs."""

FAR_OUT = 3.0
OUTLIER_RULE = "more than 3 interquartile ranges below Q1 or above Q3 (Tukey's far out)"


def numeric_facts(values: AnyValues) -> dict[str, Any]:
    """Exact figures of the finite values; ``distinct`` counts infinities too."""
    present = values.ordered()
    low, high = _finite(present)
    ordered = present[low:high]
    found = moments(ordered)
    facts: dict[str, Any] = {
        "distinct": distinct_in(ordered) + (low > 0) + (high < len(present)),
        "infinite": len(present) - len(ordered),
        "mean": found.mean,
        "std": found.std,
        "skew": found.skew,
        "kurtosis": found.kurtosis,
        "zeros": _between(ordered, 0, 0),
        "negatives": int(ordered.searchsorted(0, "left")),
    }
    return facts | (_ordered_facts(ordered) if len(ordered) else _nothing())


def _finite(ordered: Ordered) -> tuple[int, int]:
    """Where the finite values of a sorted array begin and end."""
    if ordered.dtype.kind == "i":
        return 0, len(ordered)
    low = ordered.searchsorted(-np.inf, "right")
    return int(low), int(ordered.searchsorted(np.inf, "left"))


def figure(profile: Mapping[str, Any], value: float | None, digits: int = 3) -> str:
    """A figure of a column of numbers for people; of years it reads as one: 1978, not 1,978."""
    return number(value, digits, years=holds_years(profile))


def distinct_in(ordered: Ordered) -> int:
    """The number of different values among ordered ones."""
    if isinstance(ordered, Weighted):
        return len(ordered.weights()[0])
    steps = 0
    for start in range(0, len(ordered) - 1, SLICE):
        part = np.asarray(ordered[start : start + SLICE + 1])
        steps += int(np.count_nonzero(part[1:] != part[:-1]))
    return steps + 1 if len(ordered) else 0


def quantile(ordered: Ordered, share: float) -> float:
    """The quantile by linear interpolation (Hyndman and Fan, 1996, type 7)."""
    place = share * (len(ordered) - 1)
    low = int(place)
    part = place - low
    below: float = ordered[low].item()
    above: float = ordered[min(low + 1, len(ordered) - 1)].item()
    return below if below == above or part == 0 else below * (1 - part) + above * part


def _ordered_facts(ordered: Ordered) -> dict[str, Any]:
    whole = are_whole(ordered)
    middle = central(ordered, whole=whole)
    few = {} if distinct_in(ordered) > FEW_VALUES else {"top": _frequent(ordered)}
    return few | {
        "min": ordered[0].item(),
        "max": ordered[-1].item(),
        "median": quantile(ordered, 0.5),
        "quantiles": {f"{share:g}": quantile(ordered, share) for share in QUANTILES},
        "histogram": as_json(histogram(ordered, whole=whole)),
        "histogram_central": as_json(middle) if middle else None,
        "outliers": _outliers(ordered),
    }


def _frequent(ordered: Ordered) -> list[dict[str, Any]]:
    """How often each of few values occurs, the most frequent first."""
    found, counts = map(np.concatenate, zip(*runs(ordered), strict=True))
    order = np.argsort(-counts, kind="stable")
    return [{"value": found[i].item(), "count": int(counts[i])} for i in order]


def _nothing() -> dict[str, Any]:
    return {
        "min": None,
        "max": None,
        "median": None,
        "quantiles": {f"{share:g}": None for share in QUANTILES},
        "histogram": {"edges": [], "counts": []},
        "histogram_central": None,
        "outliers": _no_outliers(),
    }


def as_json(found: Histogram) -> dict[str, Any]:
    """A histogram as the profile holds it."""
    return {"edges": found.edges.tolist(), "counts": found.counts.tolist()}


def _outliers(ordered: Ordered) -> dict[str, Any]:
    first, third = quantile(ordered, 0.25), quantile(ordered, 0.75)
    reach = FAR_OUT * (third - first)
    if reach == 0:  # most values are equal: everything else would be an outlier
        return _no_outliers()
    low, high = first - reach, third + reach
    below = int(ordered.searchsorted(low, "left"))
    above = len(ordered) - int(ordered.searchsorted(high, "right"))
    found = {"low": low, "high": high, "below": below, "above": above, "count": below + above}
    return {"rule": OUTLIER_RULE, **found}


def _no_outliers() -> dict[str, Any]:
    limits = {"low": None, "high": None}
    return {"rule": OUTLIER_RULE, **limits, "below": 0, "above": 0, "count": 0}


def _between(ordered: Ordered, low: float, high: float) -> int:
    """How many values lie from ``low`` to ``high``, ends included."""
    return int(ordered.searchsorted(high, "right") - ordered.searchsorted(low, "left"))
