"""How many seeds the final fit averages."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.analysis.automl.portfolio import MOST_ROW_S
from app.analysis.automl.refit import MOST_CHEAP_SEEDS, MOST_SEEDS, planned_fits, planned_seeds
from tests.unit.automl.tables import numbers, trained


def member(share: float, work: float = 1.0, family: str = "network", size: int = 1_000) -> Any:
    """A member that takes that share of what the model may take a row."""
    estimator = SimpleNamespace(size_bytes=size)
    return SimpleNamespace(
        row_price=share * MOST_ROW_S,
        refit_work=work,
        family=family,
        early=(None, SimpleNamespace(estimator=estimator)),
    )


def plan(spare_s: float) -> Any:
    """A material with so much of its plan left."""
    budget = SimpleNamespace(planned_left=spare_s, reserve=0.0)
    return SimpleNamespace(budget=budget, planned=sum, outputs=1)


def seeds(members: list[Any], spare_s: float) -> tuple[int, int]:
    return planned_seeds(members, plan(spare_s))


def test_where_there_is_room_for_one_seed_of_all_the_cheap_get_more() -> None:
    dear, cheap = member(0.7, family="boosting"), member(0.01)
    assert seeds([dear, cheap], 100.0) == (1, MOST_CHEAP_SEEDS)
    assert seeds([dear, member(0.05)], 100.0) == (1, 8)
    assert seeds([member(0.9, family="boosting"), member(0.05)], 100.0) == (1, 4)
    assert seeds([dear, cheap], 4.5) == (1, 3)
    assert seeds([dear, cheap], 1.0) == (1, 1)


def test_dear_members_have_as_many_as_their_predictions_have_time_for() -> None:
    assert seeds([member(0.4, family="boosting")], 100.0)[0] == 2
    assert seeds([member(0.11, family="boosting")], 100.0)[0] == MOST_SEEDS
    assert seeds([member(0.11, size=30_000_000)], 100.0) == (1, 1)


def test_further_seeds_of_the_cheap_do_not_make_a_bundle_too_large() -> None:
    assert seeds([member(0.01, size=15_000_000)], 100.0) == (2, 2)


@pytest.mark.parametrize("family", ["linear", "tree", "baseline"])
def test_what_another_seed_does_not_change_is_fitted_once(family: str) -> None:
    assert seeds([member(0.7, family="boosting"), member(0.02, family=family)], 100.0) == (1, 1)


def test_all_seeds_that_there_is_room_for_are_counted() -> None:
    dear, cheap = member(0.7, 5.0, "boosting"), member(0.01, 2.0)
    linear = member(0.01, 1.0, "linear")
    assert planned_fits([dear, cheap, linear], plan(1_000.0)) == 5.0 + 8 * 2.0 + 1.0
    assert planned_fits([dear, cheap, linear], plan(1.0)) == 5.0 + 2.0 + 1.0


@pytest.mark.parametrize(("limit_ms", "averaged"), [(1e6, True), (1e-3, False)])
def test_a_limit_on_the_time_of_a_prediction_bounds_the_seeds(
    limit_ms: float, averaged: bool
) -> None:
    frame, columns = numbers(150)
    notes = trained(frame, columns, target="y", time_budget_s=60, max_predict_ms=limit_ms).facts[
        "notes"
    ]
    assert any("seeds" in note for note in notes) == averaged
    assert any("A prediction takes" in note for note in notes) != averaged
