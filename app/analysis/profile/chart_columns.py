"""Charts of one column: how its values spread, with titles that say the finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.analysis.charts import bars, curves, distributions
from app.analysis.charts.spec import Chart, slug
from app.analysis.charts.style import number, percent, short
from app.analysis.profile.facts import Facts
from app.analysis.profile.numeric import figure

NAME = 40
"""Characters of a column's name in a title."""


def values(facts: Facts) -> Chart:
    """The chart of a column of numbers: bars for a few whole ones such as 0 and 1."""
    return spread(facts) if facts.groups() is None else categories(facts)


def spread(facts: Facts, *, kind: str = "histogram") -> Chart:
    """The histogram of a column of numbers; long tails are cut, and told."""
    profile = facts.profile
    middle, whole = profile["histogram_central"], profile["histogram"]
    shown = middle or whole
    notes = []
    if middle:
        outside = sum(whole["counts"]) - sum(middle["counts"])
        notes.append(
            f"The tails are cut: {outside:,} of {profile['count']:,} values lie outside, "
            f"from {figure(profile, profile['min'])} to {figure(profile, profile['max'])}."
        )
    return distributions.histogram(
        slug(kind.replace("_", "-"), facts.name),
        _spread_title(facts),
        shown["edges"],
        {"rows": shown["counts"]},
        x_label=facts.name,
        kind=kind,
        notes=notes + _missing_note(profile),
        columns=[facts.name],
    )


def categories(facts: Facts, *, kind: str = "bar") -> Chart:
    """The most frequent values of a column, and the rest as "other"."""
    profile = facts.profile
    top, count = list(profile["top"]), profile["count"]
    lead, first = short(written(top[0]["value"]), 30), percent(top[0]["count"] / count)
    if facts.role == "numeric":
        top.sort(key=lambda row: float(row["value"]))
    rest = count - sum(row["count"] for row in top)
    return bars.bar(
        slug(kind.replace("_", "-"), facts.name),
        f"{short(facts.name, NAME)}: “{lead}” in {first} of the rows, of {profile['distinct']:,} values",
        [written(row["value"]) for row in top],
        [row["count"] for row in top],
        label_axis=facts.name,
        value_axis="rows",
        kind=kind,
        more=(profile["distinct"] - len(top), float(rest)),
        ordered=facts.role != "numeric",
        notes=_missing_note(profile),
        columns=[facts.name],
    )


def timeline(facts: Facts) -> Chart | None:
    """Rows over time, by the unit of the calendar that fits the span."""
    found = facts.profile["timeline"]
    if not found:
        return None
    counts = found["counts"]
    peak = max(range(len(counts)), key=counts.__getitem__)
    first, last = (facts.profile[end][:10] for end in ("min", "max"))
    return curves.line(
        slug("timeline", facts.name),
        f"{short(facts.name, NAME)}: from {first} to {last}, "
        f"most rows ({counts[peak]:,}) in the {found['unit']} of {found['starts'][peak][:10]}",
        found["starts"],
        {"rows": counts},
        x_label=facts.name,
        y_label=f"rows per {found['unit']}",
        kind="timeline",
        time=True,
        notes=_missing_note(facts.profile),
        columns=[facts.name],
    )


def text_lengths(facts: Facts) -> Chart | None:
    """How long the texts are, unless all are as long."""
    found = facts.profile["lengths"]
    if found["min"] == found["max"]:
        return None
    return distributions.histogram(
        slug("text-lengths", facts.name),
        f"{short(facts.name, NAME)}: texts of {number(found['min'])} to {number(found['max'])} "
        f"characters, {number(found['median'])} in the median",
        found["histogram"]["edges"],
        {"rows": found["histogram"]["counts"]},
        x_label=f"characters of {short(facts.name, NAME)}",
        kind="text_lengths",
        notes=_missing_note(facts.profile),
        columns=[facts.name],
    )


def tokens(facts: Facts) -> Chart | None:
    """The words that most texts hold."""
    found, profile = facts.profile["tokens"], facts.profile
    if not found:
        return None
    notes = [] if profile["tokens_exact"] else [f"From {profile['tokens_texts']:,} texts."]
    share = percent(found[0]["count"] / profile["count"])
    return bars.bar(
        slug("tokens", facts.name),
        f"{short(facts.name, NAME)}: “{short(found[0]['value'], 30)}” stands in {share} of the texts",
        [row["value"] for row in found],
        [row["count"] for row in found],
        label_axis="word",
        value_axis="texts that hold it",
        kind="tokens",
        notes=notes,
        columns=[facts.name],
    )


def written(value: Any) -> str:
    """A category as a label."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spread_title(facts: Facts) -> str:
    profile, name = facts.profile, short(facts.name, NAME)
    quarter, three = profile["quantiles"]["0.25"], profile["quantiles"]["0.75"]
    middle = f"median {figure(profile, profile['median'])}"
    if quarter == three:
        return f"{name}: half of the values and more are {figure(profile, quarter)}"
    tail = ""
    if abs(profile["skew"] or 0) > 2:
        tail = f", with a long tail to {figure(profile, profile['max' if profile['skew'] > 0 else 'min'])}"
    return f"{name}: half lies between {figure(profile, quarter)} and {figure(profile, three)}, {middle}{tail}"


def _missing_note(profile: Mapping[str, Any]) -> list[str]:
    if not profile["missing"]:
        return []
    return [
        f"{profile['missing']:,} missing values ({percent(profile['missing_share'])}) left out."
    ]
