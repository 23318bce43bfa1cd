"""Charts of rhythm and of change over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.analysis.charts import bars, curves, distributions
from app.analysis.charts.spec import Chart, slug
from app.analysis.charts.style import number, percent, short
from app.analysis.profile.bins import central, counted, histogram
from app.analysis.profile.chart_columns import NAME, written
from app.analysis.profile.chart_overview import sampled_note
from app.analysis.profile.document import Profile
from app.analysis.profile.facts import Facts
from app.analysis.profile.numeric import figure
from app.analysis.profile.ordered import are_whole
from app.analysis.profile.source import Array
from app.analysis.profile.temporal import iso
from app.analysis.profile.time_drift import clock_of, parts_by_time
from app.analysis.profile.time_rules import EACH, rows_a_period

MOST_LEVELS = 12
STRETCHES = 24
"""Points of a share over time, each of as many rows."""


def cycle(time: Facts) -> Chart | None:
    """The strongest cycle in the number of rows: a bar for each part of it."""
    found = next(iter(time.profile["seasonality"]), None)
    if found is None:
        return None
    each, parts = EACH[found["cycle"]], found["parts"]
    low, high = (pick(parts, key=lambda part: part["mean"]) for pick in (min, max))
    return bars.bar(
        slug("cycle", time.name),
        f"{short(time.name, NAME)}: {rows_a_period(high['mean'])} in {each} of {high['value']}, "
        f"{number(low['mean'])} of {low['value']}",
        [part["value"] for part in parts],
        [part["mean"] for part in parts],
        label_axis=f"part of the {found['cycle']}",
        value_axis=f"rows in {each}, mean",
        top=24,
        ordered=False,
        columns=[time.name],
    )


def change(found: Profile, facts: Facts) -> Chart | None:
    """A column in the first third of the rows by time, beside the last."""
    parts, drift = parts_by_time(found.facts), found.document["drift"]
    if parts is None or drift is None:
        return None
    names = [
        f"{'until' if side == 'first' else 'since'} {drift[side]['to' if side == 'first' else 'from'][:10]}"
        for side in ("first", "last")
    ]
    groups = facts.groups()
    if groups is not None:
        return _levels(found, facts, groups, (parts.first, parts.last), names)
    if facts.numbers is None:
        return None
    sides = [np.sort(facts.numbers[places]) for places in (parts.first, parts.last)]
    sides = [side[np.isfinite(side)] for side in sides]
    if not all(map(len, sides)):
        return None
    both = np.sort(np.concatenate(sides))
    whole = are_whole(both)
    shown = central(both, whole=whole) or histogram(both, whole=whole)
    low, high = shown.edges[0], shown.edges[-1]
    inside = [side[(side >= low) & (side <= high)] for side in sides]
    counts = [counted(side, shown.edges).counts for side in inside]
    outside = len(both) - sum(map(len, inside))
    notes = [f"The tails are cut: {outside:,} values lie outside."] if outside else []
    before, after = (float(np.median(side)) for side in sides)
    return distributions.histogram(
        slug("change", facts.name),
        f"{short(facts.name, NAME)}: median {figure(facts.profile, before)} {names[0]}, "
        f"{figure(facts.profile, after)} {names[1]}",
        shown.edges.tolist(),
        {name: count.tolist() for name, count in zip(names, counts, strict=True)},
        x_label=facts.name,
        notes=notes + sampled_note(found),
        columns=[facts.name, parts.time.name],
    )


def missing(found: Profile, facts: Facts) -> Chart | None:
    """The share of a column's cells that are missing, in the order of the rows' times."""
    time, drift = clock_of(found.facts), found.document["drift"]
    if time is None or time.numbers is None or drift is None:
        return None
    order = np.argsort(time.numbers, kind="stable")[: int(np.isfinite(time.numbers).sum())]
    stretches = np.array_split(order, STRETCHES)
    row = next(row for row in drift["missing"] if row["name"] == facts.name)
    return curves.line(
        slug("missing-over-time", facts.name),
        f"{short(facts.name, NAME)}: {percent(row['first'])} missing until {drift['first']['to'][:10]}, "
        f"{percent(row['last'])} since {drift['last']['from'][:10]}",
        [iso(int(np.median(time.numbers[places]))) for places in stretches],
        {facts.name: [100 * float(facts.absent[places].mean()) for places in stretches]},
        x_label=time.name,
        y_label="missing cells",
        unit="%",
        time=True,
        notes=sampled_note(found),
        columns=[facts.name, time.name],
    )


def _levels(
    found: Profile,
    facts: Facts,
    groups: tuple[Array, Any],
    places: tuple[Array, Array],
    names: list[str],
) -> Chart:
    codes, levels = groups
    sides = [codes[rows] for rows in places]
    counts = [np.bincount(side[side >= 0], minlength=len(levels)) for side in sides]
    shares = [100 * count / max(1, count.sum()) for count in counts]
    order = np.argsort(-(counts[0] + counts[1]), kind="stable")[:MOST_LEVELS].tolist()
    most = max(order, key=lambda i: abs(shares[1][i] - shares[0][i]))
    notes = sampled_note(found)
    if len(order) < len(levels):
        notes.append(f"The {len(order)} most frequent of {len(levels)} values.")
    return bars.grouped_bar(
        slug("change", facts.name),
        f"{short(facts.name, NAME)} “{short(written(levels[most]), 20)}”: "
        f"{number(shares[0][most])} % {names[0]}, {number(shares[1][most])} % {names[1]}",
        [written(levels[i]) for i in order],
        {name: share[order].tolist() for name, share in zip(names, shares, strict=True)},
        label_axis=facts.name,
        value_axis="share of rows",
        unit="%",
        notes=notes,
        columns=[facts.name, found.document["drift"]["column"]],
    )
