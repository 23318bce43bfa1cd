"""The rules that look at times: gaps, cycles, and what changes while the rows go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.analysis.charts.style import number, percent
from app.analysis.profile.alerts import Alert, quoted
from app.analysis.profile.facts import Facts

WIDE = 0.05
"""The share of periods without a row from which on gaps are more than a blemish."""

EACH = {"day": "an hour", "week": "a day", "year": "a month"}
"""What the rows are counted in, for each cycle."""


def date_gaps(facts: Facts) -> Iterator[Alert]:
    """Periods without a row, at the column's own frequency."""
    found = facts.profile["gaps"]
    if found and found["missing"]:
        share = found["missing"] / found["periods"]
        yield Alert(
            "date_gaps",
            "medium" if share >= WIDE else "low",
            f"{quoted(facts.name)} has gaps. {gap_sentence(found)}",
            "Find out whether nothing happened then or rows are lost; a forecast needs to know.",
            column=facts.name,
            weight=share,
        )


def cycles(facts: Facts) -> Iterator[Alert]:
    """The strongest cycle in the number of rows."""
    for cycle in facts.profile["seasonality"][:1]:
        yield Alert(
            "seasonal",
            "low",
            f"{quoted(facts.name)} has a rhythm. {cycle_sentence(cycle)}",
            "Compare like with like, and give a model the part of the cycle as an input.",
            column=facts.name,
            weight=cycle["strength"],
        )


def drift_alerts(drift: Mapping[str, Any] | None, target: str | None) -> Iterator[Alert]:
    """Columns that are no longer what they were."""
    if drift is None:
        return
    for row in drift["columns"]:
        name = ("The target " if row["name"] == target else "") + quoted(row["name"])
        yield Alert(
            "drift",
            "medium" if row["verdict"] == "strong" or row["name"] == target else "low",
            f"{name} changes over {quoted(drift['column'])}: rows up to {drift['first']['to'][:10]} and "
            f"rows from {drift['last']['from'][:10]} differ (PSI {number(row['psi'])}).",
            "Test a model on later rows than it was trained on; older ones may mislead it.",
            column=row["name"],
            columns=(row["name"], drift["column"]),
            weight=min(1.0, row["psi"]),
        )
    yield from _missing_over_time(drift)


def _missing_over_time(drift: Mapping[str, Any]) -> Iterator[Alert]:
    for row in drift["missing"]:
        early, late = (percent(row[side]) for side in ("first", "last"))
        yield Alert(
            "missing_over_time",
            "medium",
            f"{quoted(row['name'])} {'goes missing' if row['last'] > row['first'] else 'fills up'} over "
            f"{quoted(drift['column'])}: {early} of the rows up to {drift['first']['to'][:10]} have no "
            f"value, and {late} of those from {drift['last']['from'][:10]}.",
            "Find out what changed then; a model that leans on it learns from a time that is gone.",
            column=row["name"],
            columns=(row["name"], drift["column"]),
            weight=abs(row["last"] - row["first"]),
        )


def gap_sentence(found: Mapping[str, Any]) -> str:
    """What :func:`~app.analysis.profile.rhythm.gaps` found, in a sentence."""
    unit, step = found["unit"], found["step"]
    each = f"every {unit}" if step == 1 else f"every {step:,} {unit}s"
    never = f" but never on {', '.join(found['never'])}" if found["never"] else ""
    if unit == "hour" and found["never"]:
        never = f" but never in {len(found['never'])} hours of the day"
    if not found["missing"]:
        return f"There are rows for {each}{never}, without a gap."
    share = percent(found["missing"] / found["periods"])
    longest = found["longest"]
    where = longest["from"] if longest["periods"] == 1 else f"{longest['from']} to {longest['to']}"
    return (
        f"Rows are due {each}{never}; {found['missing']:,} of {found['periods']:,} periods ({share}) "
        f"have none, the longest stretch {where.replace('T', ' ')}."
    )


def rows_a_period(mean: float) -> str:
    """A mean number of rows: ``12.5 rows``, ``1 row``."""
    return f"{number(mean)} {'row' if mean == 1 else 'rows'}"


def cycle_sentence(cycle: Mapping[str, Any]) -> str:
    """One cycle of :func:`~app.analysis.profile.rhythm.seasonality` in a sentence."""
    parts = sorted(cycle["parts"], key=lambda part: float(part["mean"]))
    low, high = parts[0], parts[-1]
    return (
        f"By the {cycle['cycle']}: {rows_a_period(high['mean'])} on average in {EACH[cycle['cycle']]} "
        f"of {high['value']}, {number(low['mean'])} of {low['value']}."
    )
