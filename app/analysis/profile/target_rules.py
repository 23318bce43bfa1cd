"""The rules that look at pairs of columns and at the target."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from app.analysis.charts.style import percent, short
from app.analysis.profile.afterwards import known_afterwards, leak
from app.analysis.profile.alerts import Alert, listed, quoted
from app.analysis.profile.associations import (
    Associations,
    correlation_ratio,
    cramers_v,
    cross_table,
)
from app.analysis.profile.clusters import ALIKE, SAME
from app.analysis.profile.facts import Facts

LEAKING: Mapping[str, float] = {
    "pearson": 0.98,
    "spearman": 0.98,
    "cramers_v": 0.95,
    "correlation_ratio": 0.95,
    "mutual_information": 0.99,
}
"""An association with the target from which on it is too good to be an honest clue."""

MEASURES: Mapping[str, str] = {
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",
    "cramers_v": "Cramér's V",
    "correlation_ratio": "correlation ratio",
    "mutual_information": "mutual information",
}

BENT, STRAIGHT = 0.5, 0.2
"""Two columns whose mutual information is at least the one, and whose correlations are at most
the other, are bound by a curve."""


def pair_alerts(related: Associations, target: str | None) -> Iterator[Alert]:
    """Pairs of columns that say nearly the same, or of which one decides the other; one alert a
    pair, by its strongest measure."""
    decided = {(row["column"], row["decides"]) for row in related.dependencies}
    seen: set[tuple[str, str]] = set()
    for cluster in related.clusters:
        names = [name for name in cluster["columns"] if name != target]
        if len(names) > 2:
            seen |= {(a, b) for a in names for b in names}
            yield _cluster(names, cluster["least"])
    yield from _curves(related, target)
    for row in related.listed:
        pair, value = (row["a"], row["b"]), row["value"]
        if row["measure"] not in ALIKE or abs(value) < SAME or target in pair or pair in seen:
            continue
        seen.add(pair)
        one_way = [way for way in (pair, pair[::-1]) if way in decided]
        if len(one_way) == 1:
            yield _decided(*one_way[0], row["rows"])
            continue
        yield Alert(
            "correlated",
            "low",
            f"{quoted(pair[0])} and {quoted(pair[1])} say nearly the same "
            f"({MEASURES[row['measure']]} = {_strength(value)}).",
            "One of them is enough to explain with; linear models prefer it so.",
            column=pair[0],
            columns=pair,
            weight=abs(value),
        )


def _cluster(names: list[str], least: float) -> Alert:
    return Alert(
        "same_columns",
        "low",
        f"{len(names)} columns say nearly the same, any two of them with {_strength(least)} or more: "
        f"{listed(names)}.",
        "One of them is enough to explain with; linear models prefer it so.",
        column=names[0],
        columns=tuple(names),
        weight=1.0,
    )


def _curves(related: Associations, target: str | None) -> Iterator[Alert]:
    """Numbers bound by a curve that no correlation sees."""
    straight: dict[tuple[str, str], float] = {}
    for row in related.listed:
        if row["measure"] in ("pearson", "spearman"):
            pair = row["a"], row["b"]
            straight[pair] = max(straight.get(pair, 0.0), abs(row["value"]))
    for row in related.listed:
        pair = row["a"], row["b"]
        bent = row["measure"] == "mutual_information" and row["value"] >= BENT
        if bent and straight.get(pair, 1.0) <= STRAIGHT:
            yield Alert(
                "nonlinear",
                "low",
                f"{quoted(pair[0])} and {quoted(pair[1])} go together, but along no straight line: "
                f"mutual information {_strength(row['value'])} of 1, correlation at most "
                f"{_strength(straight[pair])}.",
                "Look at them as points; a linear model cannot use the one for the other.",
                column=pair[0],
                columns=pair,
                weight=float(row["value"]) * (2.0 if target in pair else 1.0) / 2,
            )


def _decided(column: str, other: str, rows: int) -> Alert:
    return Alert(
        "decided",
        "low",
        f"{quoted(column)} decides {quoted(other)}: each of its values goes with one value of the "
        f"other, in all {rows:,} rows that have both.",
        "The coarser one adds nothing beside the finer; a row that breaks the rule would be an error.",
        column=column,
        columns=(column, other),
        weight=0.9,
    )


def target_alerts(
    target: Facts | None,
    facts: Sequence[Facts],
    associations: Sequence[Mapping[str, Any]],
    rows: int,
    clock: Facts | None = None,
) -> Iterator[Alert]:
    """What stands between this target and an honest model of it; ``clock`` is the column of the
    rows' own times."""
    if target is None or rows == 0:
        return
    missing = target.profile["missing"]
    if 0 < missing < rows:
        yield Alert(
            "target_missing",
            "medium",
            f"The target {quoted(target.name)} is missing in {missing:,} rows ({percent(missing / rows)}).",
            "Those rows cannot train or test a model and are set aside.",
            column=target.name,
            weight=1.0,
        )
    yield from _imbalance(target)
    leaks = [*_leakage(target, associations), *_missing_leakage(target, facts)]
    yield from leaks
    told = {alert.column for alert in leaks if alert.column is not None}
    yield from known_afterwards(target, facts, clock, told)


def _imbalance(target: Facts) -> Iterator[Alert]:
    top = target.profile.get("top", [])
    count, distinct = target.profile["count"], target.profile["distinct"]
    if target.groups() is None or not 2 <= distinct <= len(top):
        return
    rarest = top[-1]
    share = rarest["count"] / count
    name = f"“{short(rarest['value'], 30)}”"
    if rarest["count"] < 10 or share < 0.2 / (distinct - 1):
        severe = rarest["count"] < 10 or share < 0.02
        yield Alert(
            "imbalance",
            "high" if severe else "medium",
            f"The target {quoted(target.name)} is unbalanced: {name} makes up {rarest['count']:,} of "
            f"{count:,} rows ({percent(share)}).",
            "Judge models by ROC AUC, average precision or cost, not by accuracy.",
            column=target.name,
            weight=1 - share,
        )


def _leakage(target: Facts, associations: Sequence[Mapping[str, Any]]) -> Iterator[Alert]:
    seen: set[str] = set()
    for row in associations:
        if target.name not in (row["a"], row["b"]) or abs(row["value"]) < LEAKING[row["measure"]]:
            continue
        other = row["b"] if row["a"] == target.name else row["a"]
        if other in seen:
            continue
        seen.add(other)
        measure = f"{MEASURES[row['measure']]} = {_strength(row['value'])}"
        yield leak(
            other, target, f"{quoted(other)} all but gives away the target ({measure}).", 1.0
        )


def _missing_leakage(target: Facts, facts: Sequence[Facts]) -> Iterator[Alert]:
    """Columns that are filled or not depending on the target: often known only afterwards."""
    for f in facts:
        share = float(f.absent.mean()) if len(f.absent) else 0.0
        if f.name == target.name or not 0.001 < share < 0.999:
            continue
        value = _with_target(f.absent.astype(np.int64), target)
        if value is not None and value >= LEAKING["cramers_v"]:
            message = (
                f"Whether {quoted(f.name)} is missing all but gives away the target "
                f"(association {_strength(value)})."
            )
            yield leak(f.name, target, message, 0.9)


def _with_target(codes: np.ndarray[Any, Any], target: Facts) -> float | None:
    groups = target.groups()
    if groups is not None:
        return cramers_v(cross_table(codes, groups[0]))
    if target.numbers is not None:
        found = correlation_ratio(codes, target.numbers)
        return found[0] if found else None
    return None


def _strength(value: float) -> str:
    """Three decimals, cut and not rounded: 0.99996 is not 1."""
    return f"{math.trunc(value * 1000) / 1000:.3f}"
