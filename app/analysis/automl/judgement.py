"""What the model is worth and what it leans on, on rows that trained and chose nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import r2_score

from app.analysis.automl.calibration import tempered
from app.analysis.automl.choice import Choice
from app.analysis.automl.combined import Combined, Part
from app.analysis.automl.encoded import Encoded
from app.analysis.automl.intervals import COVERAGE, effective_rows, learned_more
from app.analysis.automl.leaderboard import rounded
from app.analysis.automl.material import Material, usable
from app.analysis.automl.metrics import all_scores
from app.analysis.explain.importance import permutation_importance

Array = npt.NDArray[Any]

MOST_ROWS = 2_000
FEWEST_ROWS = 200
MOST_REPEATS = 5
MOST_IDLE = 50
WORTH_TELLING = 0.01
"""Coverage that intervals may be off on the holdout without a word."""
LEAST_IMPORTANCE_S = 0.3
"""Wall seconds for importances however late it is."""


def judged_rows(choice: Choice, material: Material) -> tuple[Array, Array, str]:
    """Truth and prediction of the rows that give the reported figures, and what rows those are.

    The holdout where there is one; on tiny tables the out-of-fold rows, which chose among the
    candidates and so flatter a little.
    """
    if material.holdout.rows:
        return material.holdout_y, choice.holdout, "holdout"
    return material.y[material.judged], choice.prediction, "out of fold"


def judging_weights(material: Material) -> Array | None:
    """How much the rows of :func:`judged_rows` count; ``None``: all alike."""
    held = material.holdout.rows > 0
    return usable(material.holdout_weights if held else material.judged_weights)


def judge(choice: Choice, material: Material) -> tuple[dict[str, float], list[str]]:
    """Flat figures with their natural sign, and what is to be told about them."""
    truth, prediction, rows = judged_rows(choice, material)
    weights = judging_weights(material)
    figures = {
        name: rounded(value) or 0.0
        for name, value in all_scores(
            material.task, truth, prediction, weights, choice.decision
        ).items()
    }
    notes = []
    if rows != "holdout":
        notes.append(
            "Too few rows for a holdout: the figures are cross-validated and flatter a little."
        )
    if choice.intervals is not None and rows == "holdout":
        figures["interval_coverage"] = round(
            choice.intervals.covered(truth, prediction, weights), 4
        )
    return figures, notes


def follow_holdout(
    choice: Choice, material: Material, late: Sequence[str]
) -> tuple[Choice, list[str]]:
    """The choice with intervals that heed the holdout, too, and what is told of that.

    The holdout is predicted by the folds' models; the one that is kept has learned from more rows,
    but for members that are ``late``. Comes after :func:`judge`: the coverage that is reported is
    that before. A test set of the user's own changes nothing of the model.
    """
    if choice.intervals is None or material.test is not None or not material.holdout.rows:
        return choice, []
    truth, weights = material.holdout_y, usable(material.holdout_weights)
    made_of = effective_rows(material.judged.size, usable(material.judged_weights))
    followed = choice.intervals.followed(truth, choice.holdout, made_of, weights)
    if followed is None:
        return choice, []
    if not late:
        explained = r2_score(truth, choice.holdout, sample_weight=weights)
        followed = followed.scaled(learned_more(explained, material.growth))
    before = choice.intervals.covered(truth, choice.holdout, weights)
    if abs(before - COVERAGE) < WORTH_TELLING:
        return replace(choice, intervals=followed), []
    how = "narrower" if before > COVERAGE else "wider"
    told = f"Intervals were made {how}: they held {before:.1%} of the holdout, not {COVERAGE:.0%}."
    return replace(choice, intervals=followed), [told]


def as_kept(choice: Choice, material: Material, late: Sequence[str]) -> Choice:
    """The choice with the holdout as the kept model predicts it.

    For members that are ``late`` one fold's model alone was kept, which is no better than
    it is: the mean of all folds would flatter it.
    """
    if not late or not material.holdout.rows:
        return choice
    parts = []
    for weight, candidate in choice.members:
        prediction = candidate.holdout
        if candidate.entry.name in late:
            space, fitted = candidate.early
            view = space.view(fitted.estimator.view, material.holdout)
            prediction = fitted.predict(view, material.threads)
        parts.append(weight * prediction)
    holdout = np.sum(parts, axis=0)
    if material.task != "regression":
        holdout = tempered(holdout, choice.temperature)
    return replace(choice, holdout=holdout)


def early_model(choice: Choice, material: Material) -> Combined:
    """The chosen members as one fold fitted them, which has not seen the holdout."""
    parts = tuple(Part(c.early[0], ((weight, c.early[1]),)) for weight, c in choice.members)
    return Combined(material.task, parts, choice.temperature)


def importances(
    model: Combined, material: Material, columns: list[str], planned: float
) -> list[dict[str, Any]]:
    """Permutation importance per column on the holdout (else on the rows of the early fold).

    Columns, rows and repeats are cut so that it takes about ``planned`` seconds: columns that
    no member uses matter 0, and of very many the most used are measured, as long as the clock
    allows. Each member is that fold's, which saw none of those rows.
    """
    budget = material.budget
    table, y, weights = material.holdout, material.holdout_y, material.holdout_weights
    if not table.rows:
        valid = material.split.folds[material.early_fold].valid
        table, y = material.table.take(valid), material.y[valid]
        weights = material.weights_of(valid)
    usage = model.usage()
    used = sorted((c for c in columns if usage.get(c, 0.0) > 0), key=lambda c: -usage[c])
    left = max(LEAST_IMPORTANCE_S, budget.last_call)
    until = budget.elapsed + left
    if budget.drawn_out(planned) > left:
        planned, budget.cut = planned * left / budget.drawn_out(planned), True
    plan = _affordable(model, len(used), table.rows, planned)
    rng = np.random.default_rng(material.seed)
    chosen = np.sort(rng.permutation(table.rows)[: plan.rows])
    encoded = Encoded(model, table.take(chosen))
    truth = y[chosen]
    counted = None if weights is None else weights[chosen]

    def expired() -> bool:
        budget.cut = budget.cut or budget.elapsed > until
        return budget.elapsed > until

    measured = permutation_importance(
        encoded.shuffled,
        lambda prediction: material.error(truth, prediction, counted),
        used[: plan.columns],
        rows=chosen.size,
        repeats=plan.repeats,
        seed=material.seed,
        expired=expired,
    )
    idle = [c for c in columns if c not in set(used)]
    return measured + [{"feature": c, "value": 0.0, "std": 0.0} for c in idle[:MOST_IDLE]]


@dataclass(frozen=True, slots=True)
class _Plan:
    columns: int
    repeats: int
    rows: int


def _affordable(model: Combined, columns: int, rows: int, planned: float) -> _Plan:
    """What takes about so many planned seconds: first fewer repeats and rows, then columns."""
    features = sum(part.space.width for part in model.parts)
    price = model.row_price + 2e-6 + 3e-9 * features  # each shuffle copies the features
    for repeats in (MOST_REPEATS, 3, 2):
        most = int(planned / (price * repeats * max(1, columns)))
        if most >= min(rows, 4 * FEWEST_ROWS):
            return _Plan(columns, repeats, min(rows, most, MOST_ROWS))
    fewest = min(rows, FEWEST_ROWS)
    return _Plan(max(10, min(columns, int(planned / (price * 2 * fewest)))), 2, fewest)
