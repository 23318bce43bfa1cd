"""The methods: right where the answer is known, blind to the future, and never out of bounds."""

import time

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.budget import Budget
from app.analysis.automl.forecasting.bands import fit_widths, widened
from app.analysis.automl.forecasting.candidates import Ground, applicable, judge, load_portfolio
from app.analysis.automl.forecasting.decomposition import decompose
from app.analysis.automl.forecasting.direct import Lesson, Unfit, _rows_of
from app.analysis.automl.forecasting.histories import Histories, naive_scale
from app.analysis.automl.forecasting.panel import Roles, read_panel
from app.analysis.automl.forecasting.scoring import figure
from app.analysis.automl.forecasting.simple import drift, recent_mean, seasonal_naive
from app.analysis.automl.forecasting.smoothing import smooth, smooth_best
from app.analysis.automl.forecasting.theta import theta
from app.analysis.automl.forecasting.windows import Windows, plan_windows
from app.analysis.errors import HopelessTable

STEPS = np.arange(120)
GROWN = (50 + STEPS) * (1 + 0.3 * np.sin(2 * np.pi * STEPS / 12))


def panel_of(*series, start="2010-01-01"):
    rows = [
        pd.DataFrame(
            {
                "t": pd.date_range(start, periods=len(y), freq="MS"),
                "y": y,
                "s": f"s{i}",
            }
        )
        for i, y in enumerate(series)
    ]
    return read_panel(pd.concat(rows, ignore_index=True), Roles("y", "t", "s", ()))


def ground_of(panel, horizon=6, season=12, budget=60.0):
    clock = Budget(budget, time.monotonic(), 3)
    windows = plan_windows(panel, horizon, budget, None)
    return Ground(panel, season, windows, "mase", clock, 0, 1)


def test_simple_methods_by_hand():
    histories = Histories.of([np.array([1.0, 2, 3, 4, 5, 6])], 3)
    assert seasonal_naive(histories, 4).tolist() == [[4, 5, 6, 4]]
    assert drift(histories, 3).tolist() == [[7, 8, 9]]
    assert recent_mean(histories, 3, 2).tolist() == [[2.5, 3.5, 4.5]]


def test_histories_of_different_lengths_do_not_disturb_each_other():
    both = Histories.of([GROWN, GROWN[-40:]], 12)
    for method in (
        lambda h: theta(h, 12, multiply=True),
        lambda h: smooth(h, 12, "damped", "multiply", 0).forecast,
        lambda h: smooth(h, 12, "straight", "add", 0).forecast,
    ):
        alone = method(Histories.of([GROWN[-40:]], 12))
        assert method(both)[1] == pytest.approx(alone[0], rel=1e-6)


def test_indices_of_a_pure_season_are_found():
    factors = decompose(Histories.of([GROWN], 12), multiply=True).indices[0]
    wanted = 1 + 0.3 * np.sin(2 * np.pi * STEPS[:12] / 12)
    assert factors == pytest.approx(wanted, abs=0.02)
    none = decompose(Histories.of([GROWN[:20]], 12), multiply=True).indices[0]
    assert none.tolist() == [1.0] * 12


@pytest.mark.parametrize("method", ["theta", "smooth", "best"])
def test_a_clean_trend_and_season_go_on(method):
    known, truth = Histories.of([GROWN[:108]], 12), GROWN[108:]
    forecast = {
        "theta": lambda: theta(known, 12, multiply=True),
        "smooth": lambda: smooth(known, 12, "straight", "multiply", 0).forecast,
        "best": lambda: smooth_best(known, 12, 0),
    }[method]()[0]
    assert np.mean(np.abs(forecast - truth)) < 0.35 * naive_scale(known)[0]


def test_the_scale_is_never_nothing():
    flat = Histories.of([np.full(30, 7.0), np.zeros(30), np.tile([1.0, 2, 3], 10)], 3)
    assert naive_scale(flat).tolist() == [7.0, 1.0, pytest.approx(1.31, abs=0.05)]


def test_mase_by_hand():
    truth = np.array([[[1.0, 3], [np.nan, 2]]])
    told = np.array([[[2.0, 3], [9, 4]]])
    assert figure("mase", truth, told, np.array([[0.5, 2.0]])) == pytest.approx((1 + 1) / 2)
    assert figure("mae", truth, told, np.ones((1, 2))) == pytest.approx(1.0)
    assert figure("wape", truth, told, np.ones((1, 2))) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "gaps", [(), (-2, -1, 0), range(-16, -6)], ids=["none", "at the cut", "a long one before"]
)
def test_every_candidate_is_blind_to_what_comes_after_its_origin(gaps):
    rng = np.random.default_rng(1)
    y = GROWN[:72] + rng.normal(size=72)
    cut = ground_of(panel_of(y, y[::-1] + 100), horizon=3, budget=20.0).windows.cuts[1]
    y[[cut + gap for gap in gaps]] = np.nan
    other = y.copy()
    ground = ground_of(panel_of(y, y[::-1] + 100), horizon=3, budget=20.0)
    assert ground.windows.cuts[1] == cut
    other[cut + 1 :] = rng.normal(size=other[cut + 1 :].size) + 500
    changed = ground_of(panel_of(other, y[::-1] + 100), horizon=3, budget=20.0)
    kinds = {entry.kind: entry for entry in reversed(load_portfolio()) if applicable(entry, ground)}
    for entry in kinds.values():
        try:
            before, after = (
                judge(entry, ground, lambda: False),
                judge(entry, changed, lambda: False),
            )
        except Unfit:
            continue
        assert before.forecast[1, 0] == pytest.approx(after.forecast[1, 0], rel=1e-9), entry.name
    assert ground.scale[1] == pytest.approx(changed.scale[1], rel=1e-9)


def test_learned_models_learn_at_origins_that_were_seen():
    y = np.random.default_rng(5).normal(size=200).cumsum()
    y[1::2] = np.nan
    y[:4], y[-1] = 0.0, 0.0
    panel = panel_of(y)
    lesson = Lesson(panel, np.ones(1), 1, 1, 0)
    rows = _rows_of(lesson, log=False)
    assert rows.origin.size > 90
    # A value between a known one and the next would tell of the next.
    assert panel.seen[0, rows.origin].all()


def test_no_method_breaks_on_odd_series():
    rng = np.random.default_rng(2)
    odd = panel_of(
        np.full(48, 3.0),
        np.where(rng.random(48) < 0.8, 0.0, 5.0),
        np.exp(np.arange(48) / 3.0),
        rng.normal(size=48) * 1e-9,
        -np.arange(48.0) * 1e9,
    )
    ground = ground_of(odd)
    for entry in load_portfolio():
        if applicable(entry, ground) and not entry.name.endswith("larger"):
            found = judge(entry, ground, lambda: False)
            assert np.isfinite(found.forecast[np.isfinite(ground.truth)]).all(), entry.name


def test_windows_leave_half_of_the_history_and_a_holdout():
    windows = plan_windows(panel_of(GROWN), 12, 60, None)
    assert windows.held
    assert windows.last == 108
    assert (len(windows.cuts), windows.cuts[-1]) == (8, 96)
    assert windows.cuts[0] >= 60
    short = plan_windows(panel_of(GROWN[:20]), 6, 60, None)
    assert min(short.cuts) >= 8
    with pytest.raises(HopelessTable, match="ask for a horizon of 6 at most"):
        plan_windows(panel_of(GROWN[:20]), 30, 60, None)


def test_windows_lie_where_series_are_alive():
    young = np.concatenate([np.full(150, np.nan), np.arange(12.0)])
    windows = plan_windows(panel_of(GROWN, young), 12, 60, None)
    alone = plan_windows(panel_of(GROWN), 12, 60, None)
    assert (windows.cuts, windows.last) == (alone.cuts, alone.last)
    assert windows.later == 42
    # A series that goes on long enough judges to its end, by the history that it has itself.
    grown = np.concatenate([np.full(100, np.nan), np.arange(62.0)])
    windows = plan_windows(panel_of(GROWN, grown), 12, 60, None)
    assert (windows.last, windows.later) == (150, 0)
    assert windows.cuts[0] >= 100 + 31


def test_nothing_to_judge_by_is_said_in_one_sentence():
    windows = Windows((2,), 6, 8, False)
    with pytest.raises(HopelessTable, match="No series has values both before and after"):
        Ground(panel_of(GROWN), 12, windows, "mase", Budget(60.0, 0.0, 3), 0, 1)


def test_widths_cover_about_nine_in_ten_and_never_shrink():
    rng = np.random.default_rng(3)
    grown = np.sqrt(np.arange(1, 7))
    errors = rng.normal(size=(60, 3, 6)) * grown
    widths, told = fit_widths(errors, np.zeros_like(errors), np.ones((60, 3)))
    assert told is None
    assert np.all(np.diff(widths) >= 0)
    fresh = np.abs(rng.normal(size=(4000, 6)) * grown)
    assert np.mean(fresh <= widths) == pytest.approx(0.9, abs=0.03)
    assert widened(widths, 24)[-1] == pytest.approx(2 * widths[-1])


def test_few_errors_are_told():
    widths, told = fit_widths(np.ones((1, 1, 12)), np.zeros((1, 1, 12)), np.ones((1, 1)))
    assert widths is not None
    assert "cannot be promised" in told
    assert fit_widths(np.ones((1, 1, 3)), np.zeros((1, 1, 3)), np.ones((1, 1)))[0] is None
