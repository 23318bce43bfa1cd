"""Which charts a table deserves: few and telling, never of ids, constants or empty columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from app.analysis.charts.spec import Chart
from app.analysis.profile import chart_columns, chart_overview, chart_target
from app.analysis.profile.chart_alerts import pointed_at
from app.analysis.profile.document import Profile
from app.analysis.profile.facts import Facts

T = TypeVar("T")

MOST = 13
"""A stranger looks through a dozen pictures, not through fifty."""

BESIDE = 10
"""Charts that there are at most beside those that an alert points at, if these are many."""
DOUBLED = 0.995
"""Two columns more alike than this are one column twice: no news as a scatter."""


def chosen_charts(found: Profile, *, seed: int) -> list[Chart]:
    """A dozen charts or two, the most telling first; none for an empty table.

    First those that the first ten alerts point at; the alerts in the document of ``found`` are
    given their names. Then, of what else the data calls for, every kind once before any twice.
    """
    if found.rows == 0:
        return []
    worth = [f for f in found.facts if _worth(f)]
    ranked = _by_target(found, worth)
    pointed = pointed_at(found, {f.name: f for f in worth}, seed=seed)
    charts = [
        *_target(found, ranked),
        *_overview(found),
        *_pairs(found, worth, seed),
        *_columns(ranked),
    ]
    unique = {chart.name: chart for chart in charts}
    for chart in pointed:
        unique.pop(chart.name, None)
    most = max(BESIDE, MOST - len(pointed))
    return pointed + _balanced(list(unique.values()), most)


def _balanced(charts: list[Chart], most: int) -> list[Chart]:
    seen: Counter[str] = Counter()
    rounds = []
    for place, chart in enumerate(charts):
        rounds.append((seen[chart.kind], place))
        seen[chart.kind] += 1
    return [charts[place] for place in sorted(place for _, place in sorted(rounds)[:most])]


def _worth(facts: Facts) -> bool:
    if facts.role in ("id", "constant") or facts.profile["distinct"] < 2:
        return False
    every_value_once = facts.profile["distinct"] == facts.profile["count"]
    return not (facts.role == "category" and every_value_once)


def _by_target(found: Profile, worth: list[Facts]) -> list[Facts]:
    """The columns but the target, those most associated with it first."""
    if found.target is None:
        return worth
    strength: dict[str, float] = {}
    for row in found.document["associations"]:
        if found.target.name in (row["a"], row["b"]):
            other = row["b"] if row["a"] == found.target.name else row["a"]
            strength[other] = max(strength.get(other, 0.0), abs(row["value"]))
    others = [f for f in worth if f is not found.target]
    return sorted(others, key=lambda f: -strength.get(f.name, 0.0))


def _target(found: Profile, ranked: list[Facts]) -> Iterator[Chart]:
    target = found.target
    if target is None or not _worth(target):
        return
    yield from _some(chart_target.distribution, [target], 1)
    yield from _some(lambda f: chart_target.rate(found, f), ranked, 4)
    if target.groups() is not None:
        numbers = [f for f in ranked if f.role == "numeric" and f.groups() is None]
        yield from _some(lambda f: chart_target.boxes(found, f, target), numbers, 3)
    elif target.role == "numeric":
        groups = [f for f in ranked if f.role == "category"]
        yield from _some(lambda f: chart_target.boxes(found, target, f), groups, 2)
    times = [f for f in ranked if f.role == "time"]
    yield from _some(lambda f: chart_target.over_time(found, f), times, 1)


def _overview(found: Profile) -> Iterator[Chart]:
    for make in (
        chart_overview.missingness,
        chart_overview.missing_share,
        chart_overview.correlation,
    ):
        chart = make(found)
        if chart is not None:
            yield chart


def _pairs(found: Profile, worth: list[Facts], seed: int) -> Iterator[Chart]:
    """The strongest pairs: numbers as a scatter, categories as shares, both as boxes."""
    named = {f.name: f for f in worth}
    pairs: dict[str, list[tuple[Facts, Facts]]] = {}
    for row in found.document["associations"]:
        if row["a"] in named and row["b"] in named and abs(row["value"]) < DOUBLED:
            pairs.setdefault(row["measure"], []).append((named[row["a"]], named[row["b"]]))
    target = found.target
    numbers = [p for p in pairs.get("pearson", []) if all(f.role == "numeric" for f in p)]
    aimed = [p for p in numbers if target in p]
    for group in (aimed, [p for p in numbers if target not in p]):
        yield from _some(
            lambda p: chart_overview.scatter(found, *_aimed(p, target), seed=seed), group, 1
        )
    if target is None:
        coded = pairs.get("cramers_v", [])
        yield from _some(lambda p: chart_overview.shares(found, *p), coded, 1)
        mixed = pairs.get("correlation_ratio", [])
        yield from _some(lambda p: chart_target.boxes(found, p[1], p[0]), mixed, 2)


def _columns(ranked: list[Facts]) -> Iterator[Chart]:
    roles: dict[str, list[Facts]] = {}
    for f in ranked:
        roles.setdefault(f.role, []).append(f)
    yield from _some(chart_columns.timeline, roles.get("time", []), 2)
    yield from _some(chart_columns.values, roles.get("numeric", [])[:1], 1)
    yield from _some(chart_columns.categories, roles.get("category", [])[:1], 1)
    texts = roles.get("text", [])
    yield from _some(chart_columns.tokens, texts, 1)
    yield from _some(chart_columns.text_lengths, texts, 1)
    yield from _some(chart_columns.values, roles.get("numeric", [])[1:], 5)
    yield from _some(chart_columns.categories, roles.get("category", [])[1:], 4)


def _some(make: Callable[[T], Chart | None], over: Iterable[T], most: int) -> Iterator[Chart]:
    """The first ``most`` charts that can be made."""
    left = most
    for thing in over:
        if left == 0:
            return
        chart = make(thing)
        if chart is not None:
            left -= 1
            yield chart


def _aimed(pair: tuple[Facts, Facts], target: Facts | None) -> tuple[Facts, Facts]:
    """The target, if it is one of the two, on the vertical axis."""
    return (pair[1], pair[0]) if pair[0] is target else pair
