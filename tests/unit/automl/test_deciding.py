"""Groups and times that splits respect, and decisions by weights, costs and thresholds."""

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.deciding import describe_decision
from app.analysis.automl.decision import Decision, mean_cost, weighted_costs
from app.analysis.automl.options import check_options
from app.analysis.automl.serving import Predictor
from app.analysis.errors import BadOption
from app.analysis.schema import Column, columns_to_json
from tests.unit.automl.tables import customers, numbers, trained


def shops(rows=600):
    """Rare sales, so that a decision by the larger probability finds few of them."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=rows)
    sold = rng.random(rows) < 1 / (1 + np.exp(-(1.5 * x - 2.2)))
    frame = pd.DataFrame({"x": x, "z": rng.normal(size=rows)})
    frame["sold"] = pd.Series(np.where(sold, "Yes", "No"), dtype=object)
    kinds = {"x": "number", "z": "number", "sold": "categorical"}
    return frame, [Column(name, kind) for name, kind in kinds.items()]


def made(**options):
    return trained(*shops(), target="sold", time_budget_s=60, **options)


@pytest.fixture(scope="module")
def plain():
    return made()


def test_without_wishes_the_likelier_class_is_taken(plain):
    assert plain.facts["decision"] is None
    assert "threshold" not in {chart.name for chart in plain.charts}


def test_balanced_weights_find_more_of_the_rare_class_and_keep_probabilities(plain):
    balanced = made(class_weight="balanced")
    assert balanced.facts["metrics"]["recall"] > plain.facts["metrics"]["recall"] + 0.1
    wanted = pytest.approx(plain.facts["metrics"]["log_loss"], abs=0.02)
    assert balanced.facts["metrics"]["log_loss"] == wanted
    decision = balanced.facts["decision"]
    assert decision["kind"] == "class_weight"
    share = float((shops()[0]["sold"] == "Yes").mean())
    assert decision["threshold"] == pytest.approx(share, abs=0.02)
    assert decision["message"] in balanced.facts["notes"]


def test_costs_lower_the_threshold_as_theory_says(plain):
    costly = made(costs={"false_negative": 9, "false_positive": 1})
    decision = costly.facts["decision"]
    assert decision["threshold"] == pytest.approx(0.1)
    assert decision["costs"] == {"No": {"No": 0, "Yes": 1}, "Yes": {"No": 9, "Yes": 0}}
    half = next(row for row in decision["trade"] if row["threshold"] == 0.5)
    assert decision["mean_cost"] < half["mean_cost"]
    named = made(costs={"Yes": {"No": 9}, "No": {"Yes": 1}})
    assert named.facts["decision"]["threshold"] == pytest.approx(0.1)


def test_a_tuned_threshold_is_shown_with_its_trade(plain):
    tuned = made(threshold="f1")
    decision = tuned.facts["decision"]
    assert decision["chosen_by"] == "the best f1 out of fold"
    assert 0 < decision["threshold"] < 0.5
    assert tuned.facts["metrics"]["recall"] > plain.facts["metrics"]["recall"]
    shares = [row["share_called"] for row in decision["trade"]]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) >= 20
    assert "threshold" in {chart.name for chart in tuned.charts}
    assert made(threshold="auto").facts["decision"]["threshold"] == decision["threshold"]


def test_a_threshold_decides_what_is_served():
    bundle = made(threshold=0.05).bundle
    frame, _ = shops(200)
    answers = Predictor(bundle).predict_rows(frame[["x", "z"]].to_dict("records"))["predictions"]
    for one in answers:
        assert (one["prediction"] == "Yes") == (one["probabilities"]["Yes"] >= 0.05)
    row = Predictor(bundle).predict_rows([{"x": 0.0, "z": 0.0}], explain=True)["predictions"][0]
    assert row["prediction"] == "Yes"
    assert row["explanation"]["scale"] == "probability of Yes"


def test_costs_of_several_classes():
    frame, columns = numbers(400)
    frame["y"] = pd.Series(np.digitize(frame["y"], [-1.5, 1.0]).astype(str), dtype=object)
    columns[-1] = Column("y", "categorical")
    costs = {"2": {"0": 20, "1": 20}}
    costly = trained(frame, columns, target="y", time_budget_s=60, costs=costs)
    even = trained(frame, columns, target="y", time_budget_s=60)
    decision = costly.facts["decision"]
    assert [row["rule"] for row in decision["trade"]] == ["decided", "most probable class"]
    assert decision["mean_cost"] == decision["trade"][0]["mean_cost"]
    output = costly.bundle.model.predict(costly.bundle.background)
    called = costly.bundle.decision.positions(output)
    assert (called == 2).sum() >= (even.bundle.decision.positions(output) == 2).sum()


def test_rows_count_by_their_weight_in_what_a_threshold_brings():
    truth = np.array([1, 1, 0, 0])
    chances = np.array([0.9, 0.3, 0.6, 0.1])
    prediction = np.column_stack([1 - chances, chances])
    weights = np.array([1.0, 3.0, 2.0, 2.0])
    costs = np.array([[0.0, 1.0], [4.0, 0.0]])
    decision = Decision("costs", costs=costs)
    found = describe_decision(decision, "asked for", ("No", "Yes"), truth, prediction, weights)
    half = next(row for row in found["trade"] if row["threshold"] == 0.5)
    # Called are the first (1) and the third (2) of 8; missed is the second (3), which costs 4.
    assert half["share_called"] == pytest.approx(3 / 8)
    assert half["precision"] == pytest.approx(1 / 3, abs=1e-5)
    assert half["recall"] == pytest.approx(1 / 4)
    assert half["accuracy"] == pytest.approx(3 / 8)
    assert half["mean_cost"] == pytest.approx((3 * 4 + 2 * 1) / 8)
    # From 0.2 on the second is called, too: only the third costs.
    assert found["mean_cost"] == pytest.approx(2 / 8)


def weighed_shops():
    """The same, each sale standing for eight."""
    frame, columns = shops()
    frame["w"] = np.where(frame["sold"] == "Yes", 8.0, 1.0)
    return frame, [*columns, Column("w", "number")]


def test_balanced_classes_balance_the_weight_of_their_rows():
    frame, columns = weighed_shops()
    asked = {"target": "sold", "class_weight": "balanced", "time_budget_s": 60}
    made = trained(frame, columns, weight_column="w", **asked)
    sold = frame["sold"] == "Yes"
    share = frame["w"][sold].sum() / frame["w"].sum()
    assert made.facts["decision"]["threshold"] == pytest.approx(share, abs=0.02)


def test_a_trade_by_weight_agrees_with_the_figures_and_says_so():
    frame, columns = weighed_shops()
    costs = {"false_negative": 1, "false_positive": 1}
    asked = {"target": "sold", "costs": costs, "time_budget_s": 60}
    made = trained(frame, columns, weight_column="w", **asked)
    decision, figures = made.facts["decision"], made.facts["metrics"]
    half = next(row for row in decision["trade"] if row["threshold"] == 0.5)
    for name in ("precision", "recall", "f1", "accuracy"):
        assert half[name] == figures[name]
    assert decision["mean_cost"] == pytest.approx(1 - figures["accuracy"], abs=1e-5)
    assert decision["weight_column"] == "w"
    assert "Rows count by their weight in 'w'" in decision["message"]
    assert decision["message"] in made.facts["notes"]
    chart = next(chart for chart in made.charts if chart.name == "threshold")
    assert "Rows count by their weight in w." in chart.notes
    plain = trained(frame.drop(columns="w"), columns[:-1], **asked)
    assert "weight_column" not in plain.facts["decision"]


def test_the_decision_in_numbers():
    costs = weighted_costs(np.array([1.0, 3.0]))
    assert costs.tolist() == [[0, 1], [3, 0]]
    chances = np.array([[0.8, 0.2], [0.7, 0.3]])
    assert Decision("class_weight", costs=costs).positions(chances).tolist() == [0, 1]
    assert mean_cost(np.array([0, 1]), np.array([1, 0]), costs) == 2


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": "recall"}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"class_weight": "heavy"}, "class_weight"),
        ({"class_weight": {"Yes": 0}}, "class_weight"),
        ({"class_weight": {}}, "class_weight"),
        ({"costs": {"Yes": 3}}, "costs"),
        ({"costs": {"false_positive": 0, "false_negative": 0}}, "costs"),
        ({"costs": {"Yes": {"No": -1}}}, "costs"),
        ({"costs": {"false_positive": 2}, "threshold": 0.2}, "threshold"),
        ({"time_column": "nowhere"}, "time_column"),
        ({"time_column": "plan"}, "time_column"),
        ({"time_column": "joined", "split": "random"}, "split"),
        ({"group_column": "nowhere"}, "group_column"),
        ({"group_column": "left"}, "group_column"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_name(options, where):
    _, columns = customers(3)
    with pytest.raises(BadOption) as caught:
        check_options(
            columns=columns_to_json(columns), rows=3, options={"target": "left", **options}
        )
    assert caught.value.details["option"] == where


@pytest.mark.parametrize("option", [{"threshold": 0.3}, {"class_weight": "balanced"}])
def test_numbers_are_not_decided_on(option):
    _, columns = numbers(3)
    asked = {"target": "y", "task": "regression", **option}
    with pytest.raises(BadOption, match="cannot be used"):
        check_options(columns=columns_to_json(columns), rows=3, options=asked)


def test_a_class_that_is_not_there_is_refused():
    for option in ({"class_weight": {"Perhaps": 2}}, {"costs": {"Perhaps": {"No": 2}}}):
        with pytest.raises(BadOption, match="no class 'Perhaps'"):
            made(**option)


def test_groups_that_give_the_answer_away_no_longer_do():
    """Every group has one answer and a fingerprint: rows of the same group give it away."""
    rng = np.random.default_rng(1)
    group = np.arange(900) // 6
    marks = rng.normal(size=(150, 3))
    frame = pd.DataFrame({f"m{j}": marks[group, j] + 1e-3 * rng.normal(size=900) for j in range(3)})
    frame["household"] = [f"H{g}" for g in group]
    frame["left"] = pd.Series(np.where(rng.random(150) < 0.5, "Yes", "No")[group], dtype=object)
    columns = [
        *(Column(f"m{j}", "number") for j in range(3)),
        Column("household", "categorical"),
        Column("left", "categorical"),
    ]
    asked = {"target": "left", "time_budget_s": 60}
    lying = trained(frame, columns, ignore=("household",), **asked)
    honest = trained(frame, columns, group_column="household", **asked)
    assert lying.facts["metrics"]["roc_auc"] > 0.8
    assert honest.facts["metrics"]["roc_auc"] < 0.7
    assert "household" not in {item["name"] for item in honest.facts["input_schema"]}
    assert any("no group ever divided" in note for note in honest.facts["notes"])


def test_rows_are_judged_by_later_ones_when_time_is_named():
    frame, columns = customers(400)
    frame["day"] = np.random.default_rng(0).permutation(400)
    columns = [*columns, Column("day", "integer")]
    made_by_day = trained(frame, columns, target="left", time_budget_s=60, time_column="day")
    assert any("by time, the newest rows judging" in n for n in made_by_day.facts["notes"])
