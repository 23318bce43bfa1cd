"""Alerts: what the reader should know first, ranked, and folded where many say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from app.analysis.charts.style import short

Severity = Literal["high", "medium", "low"]
_ORDER: dict[Severity, int] = {"high": 0, "medium": 1, "low": 2}

ALIKE = 3
"""Alerts of one kind that are listed one by one; more are folded into one line."""

MOST = 25
"""Alerts of a profile."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One finding: a plain sentence with its numbers, and what to do.

    ``weight`` (0 to 1) ranks alerts of one severity; ``column`` is ``None`` for one that
    concerns the whole table, ``columns`` are all that it concerns.
    """

    kind: str
    severity: Severity
    message: str
    action: str
    column: str | None = None
    columns: tuple[str, ...] = ()
    weight: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The alert as ``profile.json`` holds it; ``column`` only where there is one."""
        named: dict[str, Any] = {"column": self.column} if self.column is not None else {}
        return named | {
            "kind": self.kind,
            "severity": self.severity,
            "message": self.message,
            "action": self.action,
            "columns": list(self.columns or ([self.column] if self.column is not None else [])),
        }


def ranked(alerts: Iterable[Alert]) -> list[Alert]:
    """The alerts worth reading, first things first: at most 25, at most 4 lines of a kind."""
    by_kind = groupby(sorted(alerts, key=lambda a: (a.kind, _rank(a))), key=lambda a: a.kind)
    kept = [alert for _, group in by_kind for alert in _folded(list(group))]
    return sorted(kept, key=_rank)[:MOST]


def quoted(name: str) -> str:
    """A column's name in a sentence."""
    return f"“{short(name, 40)}”"


def listed(names: list[str], most: int = 5) -> str:
    """Names in a sentence: “a”, “b” and 7 more."""
    shown = ", ".join(quoted(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def _rank(alert: Alert) -> tuple[int, float]:
    return _ORDER[alert.severity], -alert.weight


def _folded(alike: list[Alert]) -> list[Alert]:
    if len(alike) <= ALIKE + 1:
        return alike
    rest = alike[ALIKE:]
    names = list(dict.fromkeys(c for a in rest for c in (a.columns or (a.column or "",)) if c))
    fold = Alert(
        kind=rest[0].kind,
        severity=rest[0].severity,
        message=f"{len(rest):,} more findings of this kind ({_words(rest[0].kind)}): {listed(names)}.",
        action=rest[0].action,
        columns=tuple(names),
        weight=rest[0].weight,
    )
    return [*alike[:ALIKE], fold]


def _words(kind: str) -> str:
    return kind.replace("_", " ")
