"""What each column that is known in advance is worth to a forecast."""

import time

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.budget import Budget
from app.analysis.automl.forecasting.candidates import Ground, judge, load_portfolio
from app.analysis.automl.forecasting.importance import known_importance, told_of_known
from app.analysis.automl.forecasting.panel import Roles, read_panel
from app.analysis.automl.forecasting.selection import Choice
from app.analysis.automl.forecasting.windows import plan_windows
from app.analysis.schema import Column


@pytest.fixture(scope="module")
def ground():
    """Promotions add 40, the weather nothing; the holdout has no promotion."""
    rng = np.random.default_rng(0)
    when = pd.date_range("2012-01-01", periods=120, freq="MS")
    parts = []
    for level, shop in ((100, "east"), (300, "west")):
        promo = np.where(rng.random(120) < 0.3, "yes", "no").astype(object)
        promo[-6:] = "no"
        weather = rng.normal(size=120)
        sales = level + 40.0 * (promo == "yes") + rng.normal(size=120)
        parts.append(
            pd.DataFrame({"t": when, "s": shop, "promo": promo, "weather": weather, "sales": sales})
        )
    columns = (Column("promo", "categorical"), Column("weather", "number"))
    panel = read_panel(pd.concat(parts, ignore_index=True), Roles("sales", "t", "s", columns))
    windows = plan_windows(panel, 6, 60.0, 2)
    return Ground(panel, 1, windows, "mae", Budget(60.0, time.monotonic(), 3), 0, 1)


def candidate(ground, kind):
    entry = next(one for one in load_portfolio() if one.kind == kind)
    return judge(entry, ground, lambda: False)


def alone(*members):
    forecast = np.mean([one.forecast for one in members], axis=0)
    return Choice(tuple((1 / len(members), one) for one in members), forecast, 0.0)


@pytest.mark.parametrize("kind", ["straight", "boosted"])
def test_what_moves_the_target_is_worth_what_it_moves(ground, kind):
    first, second = known_importance(alone(candidate(ground, kind)), ground)
    assert (first["feature"], second["feature"]) == ("promo", "weather")
    # Three draws of ten are a promotion where there was none: 12 of 40. Shuffled within the
    # holdout, where there was no other, it would be worth nothing.
    assert first["value"] == pytest.approx(12, abs=5)
    assert abs(second["value"]) < 1.5
    assert first["std"] > 0


def test_a_member_that_does_not_look_ahead_halves_it(ground):
    learned, naive = candidate(ground, "straight"), candidate(ground, "seasonal_naive")
    whole = {row["feature"]: row for row in known_importance(alone(learned), ground)}
    half = known_importance(alone(learned, naive), ground)[0]
    assert half["feature"] == "promo"
    assert 0 < half["value"] < whole["promo"]["value"]


def test_without_a_learned_member_it_is_worth_nothing_and_that_is_told(ground):
    found = known_importance(alone(candidate(ground, "seasonal_naive")), ground)
    assert found == [
        {"feature": "promo", "value": 0.0, "std": 0.0},
        {"feature": "weather", "value": 0.0, "std": 0.0},
    ]
    assert "worth nothing" in told_of_known(found, "mae")[0]


def test_the_same_seed_measures_the_same(ground):
    choice = alone(candidate(ground, "straight"))
    assert known_importance(choice, ground) == known_importance(choice, ground)


def test_nothing_known_is_nothing_told():
    assert told_of_known([], "mae") == []
