"""Columns that say the same, several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SAME = 0.95
"""An association from which on two columns say nearly the same."""

ALIKE = ("pearson", "spearman", "cramers_v")
"""Measures of which a high value means that either column stands for the other."""


def clusters(
    associations: Iterable[Mapping[str, Any]], dependencies: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """``{columns, least}``: groups of which any two say the same, the largest first.

    Complete linkage: a column joins a group only if it says the same as each of its members,
    so that no chain of small steps binds what differs. ``least`` is the weakest association
    within the group. A category that decides another without being decided is no equal of it.
    """
    strength = _strength(associations)
    ways = {(row["column"], row["decides"]) for row in dependencies}
    for a, b in list(strength):
        if ((a, b) in ways) != ((b, a) in ways):
            del strength[a, b]
    home: dict[str, list[str]] = {}
    for a, b in sorted(strength, key=lambda pair: -strength[pair]):
        first, second = home.setdefault(a, [a]), home.setdefault(b, [b])
        if first is not second and all(_of(strength, x, y) for x in first for y in second):
            first += second
            home.update(dict.fromkeys(second, first))
    groups = {id(group): group for group in home.values() if len(group) > 1}.values()
    found = [{"columns": group, "least": _least(strength, group)} for group in groups]
    return sorted(found, key=lambda cluster: -len(cluster["columns"]))


def _strength(associations: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    strength: dict[tuple[str, str], float] = {}
    for row in associations:
        if row["measure"] in ALIKE and abs(row["value"]) >= SAME:
            pair = row["a"], row["b"]
            strength[pair] = max(strength.get(pair, 0.0), abs(row["value"]))
    return strength


def _of(strength: Mapping[tuple[str, str], float], a: str, b: str) -> float:
    return strength.get((a, b)) or strength.get((b, a), 0.0)


def _least(strength: Mapping[tuple[str, str], float], group: Sequence[str]) -> float:
    return min(_of(strength, a, b) for i, a in enumerate(group) for b in group[:i])
