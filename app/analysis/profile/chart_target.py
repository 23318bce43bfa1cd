"""Charts of the target: how it is divided, and what moves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from app.analysis.charts import bars, curves, distributions
from app.analysis.charts.distributions import Box
from app.analysis.charts.spec import Chart, slug
from app.analysis.charts.style import holds_years, number, short
from app.analysis.profile.chart_columns import categories, spread, written
from app.analysis.profile.chart_overview import sampled_note, shares
from app.analysis.profile.document import Profile
from app.analysis.profile.facts import Facts
from app.analysis.profile.numeric import figure
from app.analysis.profile.source import Array

FEWEST = 20
"""Rows a group needs before a rate of it is drawn."""

MOST_GROUPS = 12
STEPS = 40
POSITIVE = frozenset({"yes", "true", "1", "y", "churn", "default", "positive", "bad"})
Z = 1.959964


@dataclass(frozen=True, slots=True)
class Signal:
    """The target as ``values`` to average (NaN: missing), and ``what`` their average is.

    ``unit`` is that of a share; ``years`` says that the average is one of years.
    """

    values: Array
    what: str
    unit: str | None = None
    years: bool = False

    def told(self, average: float) -> str:
        """An average for people, with its unit."""
        text = number(average, years=self.years)
        return f"{text} {self.unit}" if self.unit else text


def distribution(target: Facts) -> Chart | None:
    """How the target's values are divided."""
    if "top" in target.profile and target.groups() is not None:
        return categories(target, kind="target_distribution")
    return spread(target, kind="target_histogram") if target.role == "numeric" else None


def rate(found: Profile, feature: Facts) -> Chart | None:
    """The target by the groups of a feature: a class's share, the classes' shares, or the mean."""
    target = found.target
    grouped = _bands(feature)
    if target is None or grouped is None:
        return None
    groups = target.groups()
    if groups is not None and len(groups[1]) > 2:
        return shares(found, feature, target)
    signal = _signal(target)
    if signal is None:
        return None
    return _rates(found, feature, grouped, signal)


def boxes(found: Profile, number_column: Facts, by: Facts) -> Chart | None:
    """The spread of a column of numbers within each class of another column."""
    groups = by.groups()
    if groups is None or number_column.numbers is None:
        return None
    codes, levels = groups
    sizes = np.bincount(codes[codes >= 0], minlength=len(levels))
    order = np.argsort(-sizes, kind="stable")[:MOST_GROUPS]
    drawn = [Box.of(written(levels[i]), number_column.numbers[codes == i].tolist()) for i in order]
    told = sorted((b for b in drawn if b.n >= FEWEST), key=lambda b: b.median or 0.0)
    if len(told) < 2:
        return None
    low, high, profile = told[0], told[-1], number_column.profile
    return distributions.box(
        slug("box", number_column.name, by.name),
        f"{short(number_column.name, 30)}: {figure(profile, high.median)} in the median for "
        f"“{short(high.label, 20)}”, {figure(profile, low.median)} for “{short(low.label, 20)}”",
        drawn,
        label_axis=by.name,
        value_axis=number_column.name,
        notes=sampled_note(found),
        columns=[number_column.name, by.name],
    )


def over_time(found: Profile, time: Facts) -> Chart | None:
    """The target's share or mean over time."""
    if found.target is None or time.numbers is None:
        return None
    signal = _signal(found.target)
    if signal is None:
        return None
    there = ~np.isnan(signal.values) & ~np.isnan(time.numbers)
    moments, values = time.numbers[there], signal.values[there]
    if len(moments) < 2 * FEWEST or moments.min() == moments.max():
        return None
    steps = min(STEPS, len(moments) // FEWEST)
    edges = np.linspace(moments.min(), moments.max(), steps + 1)
    places = np.clip(np.searchsorted(edges, moments, "right") - 1, 0, steps - 1)
    counts = np.bincount(places, minlength=steps)
    sums = np.bincount(places, weights=values, minlength=steps)
    means = [s / c if c else None for s, c in zip(sums.tolist(), counts.tolist(), strict=True)]
    known = [m for m in means if m is not None]
    middles = ((edges[:-1] + edges[1:]) / 2).astype("datetime64[us]").astype("datetime64[s]")
    return curves.line(
        slug("target-over-time", time.name),
        f"{signal.what} over {short(time.name, 30)}: between "
        f"{number(min(known), years=signal.years)} and {signal.told(max(known))}",
        [str(moment) for moment in middles],
        {signal.what: means},
        x_label=time.name,
        y_label=signal.what,
        unit=signal.unit,
        years=signal.years,
        time=True,
        notes=sampled_note(found),
        columns=[time.name, found.target.name],
    )


def _signal(target: Facts) -> Signal | None:
    """What of the target is averaged: a number, or whether a class of two is the one asked for."""
    groups = target.groups()
    if groups is None:
        if target.role != "numeric" or target.numbers is None:
            return None
        what = f"mean {short(target.name, 30)}"
        return Signal(target.numbers, what, years=holds_years(target.profile))
    codes, levels = groups
    if len(levels) != 2:
        return None
    code = _positive(codes, levels)
    hits = np.where(codes < 0, np.nan, 100.0 * (codes == code))
    what = f"share of {short(target.name, 30)} = {short(written(levels[code]), 20)}"
    return Signal(hits, what, "%")


def _positive(codes: Array, levels: Sequence[Any]) -> int:
    """The class that is asked about: one named yes, true or 1, else the rarer."""
    for code, level in enumerate(levels):
        if written(level).lower() in POSITIVE:
            return code
    return int(np.bincount(codes[codes >= 0], minlength=2).argmin())


def _bands(feature: Facts) -> tuple[Array, list[str], bool] | None:
    """Codes, labels, and whether their order is to be kept: classes, or fifths of a number."""
    groups = feature.groups()
    if groups is not None:
        return groups[0], [written(level) for level in groups[1]], False
    if feature.numbers is None or feature.role != "numeric":
        return None
    there = ~np.isnan(feature.numbers)
    if not there.any():
        return None
    cuts = np.unique(np.quantile(feature.numbers[there], [0.2, 0.4, 0.6, 0.8]))
    if len(cuts) < 2:
        return None
    codes = np.where(there, np.searchsorted(cuts, feature.numbers, "left"), -1)
    texts = [figure(feature.profile, float(cut)) for cut in cuts]
    inner = [f"{a} – {b}" for a, b in pairwise(texts)]
    return codes, [f"up to {texts[0]}", *inner, f"over {texts[-1]}"], True


def _rates(
    found: Profile,
    feature: Facts,
    grouped: tuple[Array, list[str], bool],
    signal: Signal,
) -> Chart | None:
    codes, labels, keep_order = grouped
    values, told = signal.values, signal.told
    there = (codes >= 0) & ~np.isnan(values)
    counts = np.bincount(codes[there], minlength=len(labels))
    sums = np.bincount(codes[there], weights=values[there], minlength=len(labels))
    squares = np.bincount(codes[there], weights=values[there] ** 2, minlength=len(labels))
    shown = [i for i in np.argsort(-counts, kind="stable")[:MOST_GROUPS] if counts[i] >= FEWEST]
    if len(shown) < 2:
        return None
    means = {int(i): float(sums[i] / counts[i]) for i in shown}
    spreads = {
        i: Z * math.sqrt(max(0.0, squares[i] / counts[i] - m * m) / counts[i])
        for i, m in means.items()
    }
    places = sorted(means) if keep_order else sorted(means, key=lambda i: -means[i])
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    notes = ["Error bars: 95 % confidence interval.", *sampled_note(found)]
    if len(shown) < len(labels):
        notes.append(f"The {len(shown)} largest of {len(labels)} groups.")
    whole = float(sums.sum() / counts.sum())
    return bars.bar(
        slug("target-rate", feature.name),
        f"{signal.what}: {told(means[high])} where {short(feature.name, 30)} is "
        f"{short(labels[high], 20)}, {told(means[low])} where {short(labels[low], 20)}",
        [labels[i] for i in places],
        [means[i] for i in places],
        errors=[spreads[i] for i in places],
        label_axis=feature.name,
        value_axis=signal.what,
        unit=signal.unit,
        kind="target_rate",
        rest="drop",
        ordered=False,
        reference=(whole, f"all rows: {told(whole)}"),
        years=signal.years,
        notes=notes,
        columns=[feature.name, found.target.name if found.target else feature.name],
    )
