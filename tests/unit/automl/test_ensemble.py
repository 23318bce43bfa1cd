"""Selection, calibration and intervals on predictions whose right answer is known."""

import numpy as np
import pytest

from app.analysis.automl.calibration import find_temperature, tempered
from app.analysis.automl.ensemble import Member, Mixture, members_per_family, select
from app.analysis.automl.intervals import fit_intervals
from app.analysis.automl.metrics import log_loss, rmse, roc_auc
from app.analysis.automl.transforms import TargetScale, smearing


@pytest.fixture
def truth():
    return np.random.default_rng(0).normal(size=2_000)


def test_two_that_err_apart_beat_either_alone(truth):
    rng = np.random.default_rng(1)
    members = [Member(i, f"f{i}", truth + rng.normal(size=2_000)) for i in range(2)]
    weights = select(members, lambda p: rmse(truth, p), per_family=1)
    assert set(weights) == {0, 1}
    assert sum(weights.values()) == pytest.approx(1)
    mixed = sum(w * members[i].prediction for i, w in weights.items())
    assert rmse(truth, mixed) < 0.8 * min(rmse(truth, m.prediction) for m in members)


def test_the_best_stands_alone_when_others_add_nothing(truth):
    members = [
        Member(3, "a", truth + 0.1),
        Member(5, "b", truth + 0.2),
        Member(6, "c", np.zeros(2_000)),
    ]
    assert select(members, lambda p: rmse(truth, p), per_family=1) == {3: 1.0}


def test_the_choice_does_not_depend_on_the_unit(truth):
    rng = np.random.default_rng(1)
    noise = [rng.normal(size=2_000) * scale for scale in (2.0, 0.5, 0.7)]

    def weights(unit):
        members = [Member(i, f"f{i}", unit * (truth + e)) for i, e in enumerate(noise)]
        return select(members, lambda p: rmse(unit * truth, p), per_family=1)

    assert weights(1e-9) == weights(1.0) == weights(1e6)


def test_a_family_and_the_whole_are_bounded(truth):
    rng = np.random.default_rng(1)
    members = [Member(i, "one", truth + rng.normal(size=2_000), price=1.0) for i in range(9)]
    error = lambda p: rmse(truth, p)  # noqa: E731
    assert len(select(members, error, per_family=2)) == 2
    assert len(select(members, error, per_family=9)) == 6
    assert len(select(members, error, per_family=9, most_price=3.0)) == 3


def test_one_dear_member_does_not_keep_out_cheap_ones_that_are_better_together(truth):
    rng = np.random.default_rng(2)
    dear = Member(0, "dear", truth + 0.9 * rng.normal(size=2_000), price=3.0)
    cheap = [Member(i, f"f{i}", truth + rng.normal(size=2_000), price=1.0) for i in (1, 2, 3)]
    found = select([dear, *cheap], lambda p: rmse(truth, p), per_family=1, most_price=3.0)
    assert set(found) == {1, 2, 3}


def test_a_mixture_takes_up_what_helps_and_nothing_else(truth):
    rng = np.random.default_rng(3)
    mixture = Mixture(lambda p: rmse(truth, p))
    mixture.join(truth + rng.normal(size=2_000))
    alone = mixture.best
    mixture.join(np.full(2_000, 9.0))
    assert mixture.best == alone
    mixture.join(truth + rng.normal(size=2_000))
    assert mixture.best < 0.9 * alone


def test_more_rows_bear_more_members_of_a_family():
    assert [members_per_family(n) for n in (500, 2_000, 8_000, 30_000)] == [1, 2, 3, 8]


def test_a_temperature_repairs_probabilities_that_are_too_bold():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=(4_000, 3))
    honest = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(3, p=p) for p in honest])
    bold = tempered(honest, 0.4)
    temperature = find_temperature("multiclass", truth, bold)
    assert temperature == pytest.approx(2.5, rel=0.15)
    assert log_loss(truth, tempered(bold, temperature)) < log_loss(truth, bold)
    assert find_temperature("multiclass", truth, honest) == 1.0
    assert find_temperature("binary", truth[:1_000], bold[:1_000]) == 1.0


def test_intervals_cover_the_share_they_promise_where_errors_grow():
    rng = np.random.default_rng(0)

    def draw(rows):
        predicted = rng.uniform(1, 10, rows)
        return predicted + rng.normal(size=rows) * predicted, predicted

    intervals = fit_intervals(*draw(4_000))
    truth, predicted = draw(20_000)
    bounds = intervals.around(predicted)
    inside = (truth >= bounds[:, 0]) & (truth <= bounds[:, 1])
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
    assert inside[predicted < 2].mean() == pytest.approx(0.9, abs=0.05)
    assert inside[predicted > 9].mean() == pytest.approx(0.9, abs=0.05)


def test_too_few_rows_promise_nothing():
    assert fit_intervals(np.arange(20.0), np.arange(20.0)) is None


def test_the_logarithm_comes_back_and_its_mean_is_repaired():
    values = np.exp(np.random.default_rng(0).normal(size=500) * 1.5) + 7
    scale = TargetScale.fit("log", values)
    np.testing.assert_allclose(scale.back(scale.forth(values)), values, rtol=1e-9)
    medians = np.full(500, np.median(values))
    assert smearing("log", values, medians) == pytest.approx(values.mean() / medians[0])
    assert smearing("plain", values, medians) == 1.0


def test_values_that_hardly_scatter_are_fitted_larger_and_lose_no_digit(truth):
    scale = TargetScale.fit("plain", 1e-9 * truth)
    fitted = scale.forth(1e-9 * truth)
    assert 1 <= fitted.std() < 2
    assert np.array_equal(scale.back(fitted), 1e-9 * truth)
    wide = TargetScale.fit("plain", 50 * truth)
    assert wide.forth(truth) is truth
    assert wide.back(truth) is truth


def test_auc_counts_ties_as_half():
    assert roc_auc(np.array([0, 1]), np.array([0.5, 0.5])) == 0.5
    assert roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.9])) == 0.875
    assert np.isnan(roc_auc(np.array([1, 1]), np.array([0.1, 0.4])))
