"""The leaderboard: every candidate that was fitted, best first, the baseline always there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.automl.crossval import Candidate


@dataclass(frozen=True)
class Board:
    """What a ranking is of; the target is ``None`` where there is none."""

    task: str
    target: str | None
    metric: str

    def of(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The leaderboard as the contract spells it."""
        return {"task": self.task, "target": self.target, "metric": self.metric, "rows": rows}


def rows_of(
    candidates: Sequence[Candidate], ensemble: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Rows ``{rank, name, score, score_std, fit_seconds, predict_ms_per_row, kind}``.

    Scores have their natural sign and come from rows that the fit left out; the ensemble's
    weights were chosen on those very rows, which flatters it a little.
    """
    listed = [(c.error, _row(c)) for c in candidates]
    if ensemble is not None:
        listed.append((ensemble.pop("error"), ensemble))
    listed.sort(key=lambda pair: pair[0])
    return [{"rank": rank, **row} for rank, (_, row) in enumerate(listed, start=1)]


def _row(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.entry.name,
        "score": rounded(candidate.score),
        "score_std": rounded(candidate.score_std),
        "fit_seconds": round(candidate.fit_seconds, 3),
        "predict_ms_per_row": round(candidate.predict_ms_per_row, 6),
        "kind": candidate.family,
    }


def rounded(value: float | None) -> float | None:
    """A figure to six significant digits, never "-0"; ``None`` for ``None`` and NaN."""
    return None if value is None or math.isnan(value) else float(f"{value:.6g}") + 0.0
