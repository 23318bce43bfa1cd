"""Greedy ensemble selection on out-of-fold predictions (Caruana et al. 2004)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

STEPS = 25
LEAST_WEIGHT = 0.02
MOST_MEMBERS = 6
SHARES = (0.1, 0.2, 0.4)
"""Of an addition, how much of a mixture it may become."""
_DECIMALS, _DIGITS = 6, 5
"""Errors are compared rounded to so many decimals, so that a member is not added for noise in the
last bits, but to so many digits at least: those of a target in small units are small."""


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate's place in the list given, its family, its out-of-fold predictions, and its
    ``price``: what it adds to the time of a prediction, in any one unit."""

    index: int
    family: str
    prediction: Array
    price: float = 0.0


@dataclass(slots=True)
class Mixture:
    """A mean that predictions join one by one: it tells whether another helps at the price of a
    few errors, where a selection would take hundreds."""

    error: Callable[[Array], float]
    best: float = float("inf")
    _mean: Array | None = None

    def join(self, addition: Array) -> None:
        """Take up as much of a prediction as lowers the error most, if any of it does."""
        old = self._mean
        tried = [addition] if old is None else [old + s * (addition - old) for s in SHARES]
        for mean in tried:
            error = self.error(mean)
            if error < self.best:
                self.best, self._mean = error, mean


def members_per_family(rows: int) -> int:
    """How many members of one family so many rows bear: more would be fitted to noise."""
    if rows < 1_000:
        return 1
    if rows < 5_000:
        return 2
    return 3 if rows < 10_000 else 4 + (rows - 10_000) // 5_000


def select(
    members: Sequence[Member],
    error: Callable[[Array], float],
    *,
    per_family: int,
    most_price: float = float("inf"),
    most: int = MOST_MEMBERS,
) -> dict[int, float]:
    """Weights that sum to 1, by candidate index, of the mean prediction with the least error.

    With replacement: a member may be added again, which is what makes weights. At every step
    the addition with the least error wins, a member already in on ties; the best prefix of
    all steps is kept. At most ``most`` different members, ``per_family`` of one family, who
    together cost at most ``most_price`` (the first may cost more). Where one good member would
    leave no room for others, those that cost a half or a third of it are tried among themselves.
    """
    found = [_greedy(members, error, per_family, most, most_price)]
    for parts in (2, 3):
        cheap = [member for member in members if member.price * parts <= most_price]
        if 0 < len(cheap) < len(members):
            found.append(_greedy(cheap, error, per_family, most, most_price))
    _, picks = min(found, key=lambda one: one[0])
    return _weights(picks)


def _greedy(
    members: Sequence[Member],
    error: Callable[[Array], float],
    per_family: int,
    most: int,
    most_price: float,
) -> tuple[float, list[int]]:
    """The least error of the greedy way, and the indices of the members on it, repeated."""
    total: Array | None = None
    chosen: list[int] = []
    best, best_length, decimals = float("inf"), 0, _DECIMALS
    for step in range(STEPS):
        allowed = _allowed(members, chosen, per_family, most, most_price)
        errors = [error(_mean(total, members[i].prediction, step)) for i in allowed]
        if not step:
            decimals = _decimals(min(map(abs, errors)))
        rounded = (round(value, decimals) for value in errors)
        least, _, pick = min(
            (value, i not in chosen, i) for value, i in zip(rounded, allowed, strict=True)
        )
        total = members[pick].prediction + (0 if total is None else total)
        chosen.append(pick)
        if least < best:
            best, best_length = least, step + 1
    return best, [members[i].index for i in chosen[: max(1, best_length)]]


def _decimals(size: float) -> int:
    """How many decimals errors of that size are compared by."""
    if not 0 < size < 1:
        return _DECIMALS
    return max(_DECIMALS, _DIGITS - 1 - math.floor(math.log10(size)))


def _mean(total: Array | None, addition: Array, taken: int) -> Array:
    return addition if total is None else (total + addition) / (taken + 1)


def _allowed(
    members: Sequence[Member],
    chosen: Sequence[int],
    per_family: int,
    most: int,
    most_price: float,
) -> list[int]:
    inside = set(chosen)
    families = [members[i].family for i in inside]
    left = most_price - sum(members[i].price for i in inside) if inside else float("inf")
    return [
        i
        for i, member in enumerate(members)
        if i in inside
        or (
            len(inside) < most
            and families.count(member.family) < per_family
            and member.price <= left
        )
    ]


def _weights(picks: Sequence[int]) -> dict[int, float]:
    indices, counts = np.unique(picks, return_counts=True)
    weights = counts / counts.sum()
    kept = weights >= LEAST_WEIGHT
    weights = weights[kept] / weights[kept].sum()
    return {int(i): float(w) for i, w in zip(indices[kept], weights, strict=True)}
