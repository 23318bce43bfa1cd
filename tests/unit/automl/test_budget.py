"""The budget: plans follow counted work, and the clock only cuts."""

import time

import numpy as np
import pytest

from app.analysis.automl.budget import LAST_S, MOST_TAIL, Budget
from app.analysis.automl.combined import Combined, Part
from app.analysis.automl.crossval import cross_validate
from app.analysis.automl.drawn import drawn
from app.analysis.automl.estimators.base import Shape
from app.analysis.automl.judgement import LEAST_IMPORTANCE_S, importances
from app.analysis.automl.options import RunOptions
from app.analysis.automl.portfolio import Facts, applicable, load_portfolio, within
from app.analysis.automl.prepare import Setting, prepare
from app.analysis.automl.probe import probe
from app.analysis.automl.tasks import TASKS
from tests.unit.automl.tables import customers, numbers, trained


class Clock:
    """A clock that moves on by ``step`` seconds each time it is read."""

    def __init__(self, step: float) -> None:
        self.step, self.time = step, 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


def test_planned_and_wall_time_are_told_apart():
    clock = Clock(0.0)
    budget = Budget(60, 0.0, tail=3, now=clock)
    budget.charge(10)
    budget.reserve = 5
    assert budget.planned_left == 42
    assert budget.wall_left == 52
    clock.time = 50
    assert budget.pace == 5
    assert budget.expired()
    assert budget.cut


def test_asking_in_time_does_not_cut():
    budget = Budget(60, 0.0, tail=3, now=Clock(0.0))
    assert not budget.expired()
    assert not budget.cut


def test_on_a_slow_machine_the_plan_is_made_by_the_clock():
    clock = Clock(0.0)
    budget = Budget(60, 0.0, tail=0, now=clock)
    budget.charge(10)
    clock.time = 14
    assert budget.afforded(round) == 50
    clock.time = 40
    assert budget.afforded(lambda left: left > 4)
    assert not budget.cut, "what is planned is the same"
    assert budget.afforded(round) == 5
    assert budget.cut


def test_a_candidate_gets_a_share_of_the_time_that_is_left():
    clock = Clock(0.0)
    budget = Budget(60, 0.0, tail=0, now=clock)
    over = budget.allowance(0.5)
    clock.time = 29
    assert not over()
    clock.time = 31
    assert over()
    assert not budget.expired()
    assert budget.cut


def test_final_fits_may_use_what_was_kept():
    budget = Budget(60, 0.0, tail=3, now=Clock(0.0), reserve=20)
    assert budget.wall_left == 37
    budget.open_reserve()
    assert budget.wall_left == budget.last_call == 60 - LAST_S


def test_what_follows_the_models_takes_longer_on_a_slow_machine():
    budget = Budget(60, 0.0, tail=3, now=Clock(0.0), probed=4)
    assert budget.wall_left == 60 - 4 * 3
    assert budget.last_call == 60 - 4 * LAST_S
    assert Budget(60, 0.0, tail=3, now=Clock(0.0), probed=1.4).wall_left == 57
    short = Budget(10, 0.0, tail=2, now=Clock(0.0), probed=9)
    assert short.wall_left == pytest.approx(10 * (1 - MOST_TAIL))
    budget.charge(20)
    assert budget.pace == 1, "what was planned and done says more than the trial"


def test_boosters_are_planned_at_the_pace_of_a_trial():
    frame, columns = numbers(900)
    setting, options = Setting([], 2, time.monotonic()), RunOptions(target="y", time_budget_s=60)
    material = prepare(frame, columns, options, setting).material
    shape = material.shape()
    entry = next(entry for entry in load_portfolio() if entry.name == "LightGBM, tiny leaves")
    spent = material.budget.spent
    probe(within(entry, shape, 1e6), shape, material)
    assert material.budget.probed >= 1
    assert spent < material.budget.spent < spent + 2
    material.budget.probed = 1.0
    assert material.budget.afforded(float) == material.budget.planned_left
    material.budget.probed = 4.0
    assert material.budget.afforded(float) < 15
    assert material.budget.cut


def test_importances_end_with_the_clock():
    frame, columns = numbers(400)
    setting, options = Setting([], 1, 0.0, now=Clock(0.0)), RunOptions(target="y")
    material = prepare(frame, columns, options, setting).material
    ridge = next(entry for entry in load_portfolio() if entry.kind == "ridge")
    fitted = cross_validate(ridge, material, None).early
    model = Combined("regression", (Part(fitted[0], ((1.0, fitted[1]),)),))
    names = [column.name for column in columns if column.name != "y"]
    every = importances(model, material, names, 5.0)
    assert len(every) > 1
    assert not material.budget.cut
    material.budget.now = Clock(2 * LEAST_IMPORTANCE_S)
    material.budget.seconds = 0.0
    assert len(importances(model, material, names, 5.0)) == 1
    assert material.budget.cut


def test_a_slow_clock_still_leaves_a_model_and_says_that_the_plan_was_cut():
    frame, columns = customers(200)
    made = trained(frame, columns, target="left", time_budget_s=5, now=Clock(0.15))
    names = [row["name"] for row in made.leaderboard["rows"]]
    assert {"Baseline", "Logistic regression"} <= set(names)
    assert "LightGBM" not in names
    assert any("cut the plan short" in note for note in made.facts["notes"])
    assert any("Skipped" in note or "ran out of time" in note for note in made.facts["notes"])


def test_boosters_that_the_clock_stops_stop_in_every_fold_alike_and_count():
    # Planned for a machine of several times the speed.
    frame, columns = numbers(1_500)
    made = trained(frame, columns, target="y", time_budget_s=30, now=Clock(0.045))
    names = [row["name"] for row in made.leaderboard["rows"]]
    assert "LightGBM" in names
    assert any("LightGBM was stopped by the clock" in note for note in made.facts["notes"])


def test_a_plan_that_ends_in_time_gives_the_same_model_again():
    frame, columns = numbers(150)
    still = [trained(frame, columns, target="y", time_budget_s=60) for _ in range(2)]
    first, second = (made.bundle.model.predict(made.bundle.background) for made in still)
    np.testing.assert_array_equal(first, second)
    assert still[0].facts["metrics"] == still[1].facts["metrics"]
    assert any("finished in time" in note for note in still[0].facts["notes"])


def test_the_portfolio_serves_every_supervised_task_with_at_least_six_kinds_of_candidates():
    for task in TASKS:
        if task != "clustering":
            names = [e.name for e in load_portfolio() if not e.tasks or task in e.tasks]
            assert len(names) == len(set(names))
            assert len(names) > 10
            assert names[0] == "Baseline"


@pytest.mark.parametrize("limit", [0.011, 1_000.0])
def test_a_limit_on_the_time_of_a_prediction_is_kept_or_told(limit):
    frame, columns = numbers(150)
    made = trained(frame, columns, target="y", time_budget_s=60, max_predict_ms=limit)
    told = any("max_predict_ms" in note for note in made.facts["notes"])
    assert told == (limit < 1)
    assert any("Times of predictions were measured" in note for note in made.facts["notes"])
    if told:
        assert not made.facts["name"].startswith("Ensemble")


def test_a_longer_budget_tries_what_a_shorter_one_did_and_more():
    assert [drawn(k, 3) for k in range(4)] == [drawn(k, 3) for k in range(9)][:4]
    assert drawn(0, 3) != drawn(0, 4) != drawn(1, 4)
    shape = Shape(1_000, 20, 30, 2, 10.0)
    for number in range(20):
        planned = within(drawn(number, 0), shape, 1e6)
        assert planned.drawn
        if planned.boosts:
            assert 0.01 <= planned.params["learning_rate"] <= 0.12


def test_boosters_and_networks_are_drawn_in_turn_and_networks_not_for_many_rows():
    some = [drawn(k, 0) for k in range(6)]
    assert [entry.kind for entry in some] == ["boosting", "network"] * 3
    assert len({entry.name for entry in some}) == 6
    few, many = (
        applicable(some, Facts("binary", rows, 20, False, "roc_auc"))[0] for rows in (5e3, 1e5)
    )
    assert len(few) == 6
    assert {entry.kind for entry in many} == {"boosting"}


def test_what_went_by_before_the_plan_began_says_nothing_of_the_pace():
    clock = Clock(0.0)
    budget = Budget(60, 0.0, tail=3, now=clock)
    clock.time = 9  # reading, cleaning, preparing
    budget.begin()
    budget.charge(10)
    clock.time = 21
    assert budget.pace == pytest.approx(1.2)
    assert budget.wall_left == 36


def test_a_view_is_charged_for_once_a_fold_and_that_of_trees_is_not():
    frame, columns = customers(400)
    made = prepare(frame, columns, RunOptions(target="left"), Setting([], 1, 0.0, now=lambda: 0.0))
    material, spent = made.material, []
    for folds, view in (((0, 1), "tree"), ((0, 1), "dense"), ((0, 1), "dense"), ((2,), "dense")):
        before = material.budget.spent
        material.charge_views(folds, view)
        spent.append(material.budget.spent - before)
    assert spent[0] == spent[2] == 0
    assert spent[1] > spent[3] > 0
