"""A model's output as the contract spells it: labels, probabilities, intervals, reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.bundle import Bundle
from app.analysis.automl.encoded import Encoded
from app.analysis.automl.features.table import RawTable
from app.analysis.automl.target import spell
from app.analysis.explain.reasons import additive_shares, draw_walks

Array = npt.NDArray[Any]

MOST_PLAYERS = 25
"""Columns that get a share of their own; the least important others share one."""
EXPLAIN_S = 0.03
"""Planned seconds that the reasons for one row may take."""
OTHERS = "(other columns)"


def answers_of(bundle: Bundle, output: Array) -> list[dict[str, Any]]:
    """``[{prediction, probabilities?, interval?}]``, one for each row of the output."""
    if bundle.task == "forecast":
        return [_foretold(row) for row in output.tolist()]
    if bundle.task == "regression":
        answers: list[dict[str, Any]] = [{"prediction": float(value)} for value in output]
        if bundle.intervals is not None:
            for answer, bounds in zip(answers, bundle.intervals.around(output), strict=True):
                answer["interval"] = {
                    "low": float(bounds[0]),
                    "high": float(bounds[1]),
                    "coverage": 0.9,
                }
        return answers
    labels = predicted_labels(bundle, output)
    if bundle.task == "clustering":
        return [{"prediction": label} for label in labels]
    names = [spell(label) for label in bundle.labels]
    return [
        {"prediction": label, "probabilities": dict(zip(names, row, strict=True))}
        for label, row in zip(labels, output.tolist(), strict=True)
    ]


def _foretold(row: list[float]) -> dict[str, Any]:
    value, low, high, _ = row
    answer: dict[str, Any] = {"prediction": value}
    if np.isfinite(low):
        answer["interval"] = {"low": low, "high": high, "coverage": 0.9}
    return answer


def predicted_labels(bundle: Bundle, output: Array) -> list[Any]:
    """The label that is decided on for each row, spelled as in the training file."""
    return [bundle.labels[i] for i in bundle.decision.positions(output)]


def explained(bundle: Bundle, row: RawTable, output: Any) -> dict[str, Any]:
    """Reasons for one prediction: ``{scale, base, contributions: [{feature, contribution}], sum}``.

    The base (the mean prediction of the background rows) and all contributions sum to the
    prediction: the value of a regression, else the probability of the predicted class.
    """
    groups = _players(bundle)
    chosen = None
    if bundle.task != "regression":
        chosen = int(bundle.decision.positions(np.asarray(output)[None])[0])
    background = Encoded(bundle.model, _references(bundle, len(groups)))
    explained_row = Encoded(bundle.model, row)

    def value(moved: Array, references: Array) -> Array:
        mixed = background.mixed(explained_row, groups, moved, references)
        return mixed if chosen is None else mixed[:, chosen]

    walks = draw_walks(len(groups), background.rows, bundle.recipe.get("seed", 0))
    base, shares = additive_shares(value, walks)
    ranked = sorted(zip(groups, shares, strict=True), key=lambda pair: -abs(pair[1]))
    scale = "value" if chosen is None else f"probability of {spell(bundle.labels[chosen])}"
    return {
        "scale": scale,
        "base": base,
        "contributions": [
            {"feature": _name(group), "contribution": float(share)} for group, share in ranked
        ],
        "sum": base + float(shares.sum()),
    }


def _references(bundle: Bundle, players: int) -> RawTable:
    """As many background rows as can be walked from in about :data:`EXPLAIN_S`, at least 4."""
    walk = 2 * (players + 1) * (bundle.model.row_price + 2e-6)
    count = int(np.clip(EXPLAIN_S / walk, 4, bundle.background.rows))
    return bundle.background.take(np.arange(min(count, bundle.background.rows)))


def _players(bundle: Bundle) -> list[frozenset[str]]:
    """One group a column, the least important together when there are too many."""
    ranked = [row["feature"] for row in bundle.importance]
    names = [*ranked, *(n for n in bundle.layout.columns if n not in set(ranked))]
    if len(names) <= MOST_PLAYERS:
        return [frozenset({name}) for name in names]
    alone = [frozenset({name}) for name in names[: MOST_PLAYERS - 1]]
    return [*alone, frozenset(names[MOST_PLAYERS - 1 :])]


def _name(group: frozenset[str]) -> str:
    return next(iter(group)) if len(group) == 1 else OTHERS
