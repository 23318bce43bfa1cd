"""Times as tables spell them, and the calendar that they run on."""

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.forecasting.grid import find_grid
from app.analysis.automl.forecasting.seasons import find_season
from app.analysis.automl.forecasting.spelling import read_time, read_times

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def calendar(values):
    series = pd.Series(values, dtype=object if isinstance(values[0], str) else None)
    times, style, bad = read_times(series)
    assert not bad
    return find_grid([np.unique(times)], style), times


@pytest.mark.parametrize(
    ("values", "name", "following"),
    [
        ([f"{y}-{m:02d}" for y in (2022, 2023) for m in range(1, 13)], "monthly", "2024-01"),
        ([f"{m} {y}" for y in (2022, 2023) for m in MONTHS], "monthly", "Jan 2024"),
        ([f"{m}-{y}" for y in (22, 23) for m in MONTHS], "monthly", "Jan 2024"),
        (["janvier 2023", "février 2023", "mars 2023", "avril 2023"], "monthly", "May 2023"),
        (["Mai 2023", "Juni 2023", "Juli 2023", "August 2023"], "monthly", "Sep 2023"),
        (["2023M10", "2023M11", "2023M12"], "monthly", "2024-01"),
        ([202310, 202311, 202312], "monthly", 202401),
        ([1949 + k / 12 for k in range(24)], "monthly", 1951.0),
        ([f"{y}Q{q}" for y in (2022, 2023) for q in (1, 2, 3, 4)], "quarterly", "2024Q1"),
        ([f"Q{q} {y}" for y in (2022, 2023) for q in (1, 2, 3, 4)], "quarterly", "2024Q1"),
        (["2022H1", "2022H2", "2023H1", "2023H2"], "half-yearly", "2024H1"),
        ([f"2020-W{w:02d}" for w in range(40, 54)], "weekly", "2021-W01"),
        (list(range(1990, 2010)), "yearly", 2010),
        (["1990", "1991", "1992", "1993"], "yearly", 1994),
        (list(range(5, 30)), "numbered one by one", 30),
        (["31.01.2023", "28.02.2023", "31.03.2023"], "monthly", "2023-04-30"),
        (pd.date_range("2023-01-31", periods=12, freq="ME"), "monthly", "2024-01-31"),
        (pd.date_range("2023-01-02", periods=20, freq="B"), "on working days", "2023-01-30"),
        (pd.date_range("2023-01-02", periods=20, freq="D"), "daily", "2023-01-22"),
        (pd.date_range("2023-01-02", periods=20, freq="h"), "hourly", "2023-01-02T20:00:00"),
        (
            pd.date_range("2023-01-02", periods=20, freq="15min"),
            "every 15 minutes",
            "2023-01-02T05:00:00",
        ),
        (pd.date_range("2023-01-02", periods=9, freq="QE"), "quarterly", "2025-06-30"),
    ],
)
def test_a_calendar_is_found_and_goes_on_in_its_own_spelling(values, name, following):
    grid, times = calendar(values)
    assert grid.name == name
    places = grid.positions(times)
    assert places.tolist() == list(range(len(values)))
    assert grid.spelled(len(values)) == following


def test_what_is_spelled_is_read_again():
    for values in ([f"2023-{m:02d}" for m in range(1, 13)], [f"2023Q{q}" for q in (1, 2, 3, 4)]):
        grid, _ = calendar(values)
        for place in range(40):
            again = read_time(grid.spelled(place), grid.style)
            assert grid.positions(np.array([again.value])).tolist() == [place]


def test_months_of_unequal_days_and_straying_weeks_keep_their_place():
    days = pd.to_datetime(["2023-01-31", "2023-02-27", "2023-03-31", "2023-04-28"])
    grid, times = calendar(days)
    assert grid.positions(times).tolist() == [0, 1, 2, 3]
    weeks = pd.date_range("2023-01-06", periods=12, freq="7D").to_list()
    weeks[5] -= pd.Timedelta(days=1)
    grid, times = calendar(weeks)
    assert grid.name == "weekly"
    assert grid.positions(times).tolist() == list(range(12))


@pytest.mark.parametrize("cell", ["soon", "2023-13", "Foo 2023", "2023Q5", "2023-W60", True])
def test_what_is_no_time_is_none(cell):
    assert read_time(cell) is None


def test_the_season_is_the_calendars_if_the_series_show_it():
    rng = np.random.default_rng(0)
    steps = np.arange(120)
    wave = 5 * np.sin(2 * np.pi * steps / 12) + rng.normal(size=120)
    assert find_season([wave], (12,)) == 12
    assert find_season([rng.normal(size=120).cumsum()], (12,)) in (1, 12)
    assert find_season([rng.normal(size=120)], (12,)) == 1
    assert find_season([np.ones(120)], (12,)) == 1
    assert find_season([wave], ()) == 12  # no calendar: by the peak of the autocorrelation
