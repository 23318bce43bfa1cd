"""Gaps at a column's own frequency, cycles, and what changes while the rows go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.profile.rhythm import gaps, seasonality
from tests.unit.profile.tables import column, kinds, profiled

DAY = 86_400_000_000
RNG = np.random.default_rng(5)


def moments(first: str, count: int, unit: str, step: int = 1) -> np.ndarray:
    """Every ``step`` units from the first, in microseconds."""
    start = np.datetime64(first).astype(f"datetime64[{unit}]")
    return (start + step * np.arange(count)).astype("datetime64[us]").astype(np.int64)


@pytest.mark.parametrize(
    ("unit", "name", "step"),
    [("Y", "year", 1), ("M", "month", 1), ("M", "month", 3), ("D", "day", 1), ("h", "hour", 1),
     ("m", "minute", 15), ("s", "second", 30)],
)  # fmt: skip
def test_what_is_left_out_is_found_at_the_frequency_of_the_column(
    unit: str, name: str, step: int
) -> None:
    whole = moments("1990-01-01", 100, unit, step)
    found = gaps(whole)
    assert found is not None
    assert (found["unit"], found["step"], found["periods"]) == (name, step, 100)
    assert (found["missing"], found["longest"], found["never"]) == (0, None, [])
    found = gaps(np.delete(whole, [40, 60, 61, 62]))
    assert found is not None
    assert (found["missing"], found["stretches"], found["longest"]["periods"]) == (4, 2, 3)
    begins = str(whole[60:61].view("datetime64[us]")[0])
    assert begins.startswith(found["longest"]["from"])


def test_a_week_is_known_by_its_monday() -> None:
    tuesdays = moments("2024-01-02", 20, "D", 7)
    found = gaps(np.delete(tuesdays, [4]))
    assert found is not None
    assert (found["unit"], found["missing"]) == ("week", 1)
    assert found["longest"]["from"] == "2024-01-29"


def test_days_off_are_no_gaps() -> None:
    days = moments("2024-01-01", 70, "D")
    working = days[np.arange(70) % 7 < 5]
    found = gaps(np.repeat(working, 3))
    assert found is not None
    assert (found["missing"], found["never"]) == (0, ["Saturday", "Sunday"])


def test_moments_without_an_order_have_no_frequency_unless_each_day_should_have_some() -> None:
    sparse = np.sort(RNG.integers(0, 300 * DAY, 300))
    assert gaps(sparse) is None
    dense = np.sort(RNG.integers(0, 100 * DAY, 5_000))
    found = gaps(dense[(dense < 50 * DAY) | (dense >= 53 * DAY)])
    assert found is not None
    assert (found["unit"], found["missing"], found["longest"]["from"]) == ("day", 3, "1970-02-20")


@settings(deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), max_size=30))
def test_no_moments_break_it(values: list[int]) -> None:
    ordered = np.sort(np.array(values, np.int64))
    found = gaps(ordered)
    assert found is None or 0 <= found["missing"] <= found["periods"]
    assert seasonality(ordered) == []


def test_a_week_with_quiet_sundays_is_a_cycle_and_chance_is_none() -> None:
    days = np.arange(400)
    rows = RNG.poisson(np.where((days + 3) % 7 == 6, 5, 20))
    found = seasonality(np.repeat(days * DAY, rows))
    assert [cycle["cycle"] for cycle in found] == ["week"]
    parts = {part["value"]: part["mean"] for part in found[0]["parts"]}
    assert min(parts, key=parts.__getitem__) == "Sunday"
    assert parts["Sunday"] == pytest.approx(5, rel=0.2)
    for seed in range(20):
        even = np.random.default_rng(seed).poisson(20, 400)
        assert seasonality(np.repeat(days * DAY, even)) == []


@pytest.mark.parametrize(("unit", "step"), [("h", 4), ("h", 6), ("M", 3), ("Y", 1)])
def test_the_distance_of_moments_is_no_rhythm(unit: str, step: int) -> None:
    assert seasonality(moments("1900-01-01", 3_000 if unit == "h" else 120, unit, step)) == []


def test_one_crowded_day_is_no_cycle() -> None:
    rows = np.full(400, 3)
    rows[200] = 10_000
    assert seasonality(np.repeat(np.arange(400) * DAY, rows)) == []


def test_gaps_cycles_and_drift_are_told_with_their_figures(tmp_path: Path) -> None:
    days = np.repeat(np.arange(300), np.where(np.arange(300) % 7 == 3, 2, 6))
    days = days[(days < 100) | (days >= 104)]
    n, late = len(days), days > 150
    found = profiled(
        tmp_path,
        {
            "day": ("datetime", pa.array((19_000 + days) * DAY, pa.timestamp("us"))),
            "clock": ("integer", days),
            "grows": ("number", RNG.normal(size=n) + 2 * late),
            "steady": ("number", RNG.normal(size=n)),
            "measured": ("number", np.where(RNG.random(n) < 0.5 * late, np.nan, 1.0 + days % 9)),
            "note": ("text", np.where(late, None, np.array([f"note no {i}" for i in range(n)]))),
            "channel": ("categorical", np.where(late & (RNG.random(n) < 0.6), "web", "shop")),
        },
    )
    day = column(found, "day")
    assert day["gaps"]["missing"] == 4
    assert [cycle["cycle"] for cycle in day["seasonality"]] == ["week"]
    assert {row["name"] for row in found["drift"]["columns"]} == {"grows", "channel"}
    assert found["drift"]["tested"] == 4
    emptier = found["drift"]["missing"]
    assert [row["name"] for row in emptier] == ["note", "measured"]
    assert (emptier[0]["first"], emptier[0]["last"]) == (0.0, 1.0)
    assert emptier[1]["p_corrected"] < 1e-15
    told = kinds(found)
    assert "4 of 300 periods (1.3 %)" in told["date_gaps"]["message"]
    assert "of Sunday" in told["seasonal"]["message"] or "of" in told["seasonal"]["message"]
    assert told["drift"]["severity"] == "medium"
    assert "“note” goes missing over “day”: 0 % of the rows" in told["missing_over_time"]["message"]
    page = (tmp_path / "out" / "profile.html").read_text("utf-8")
    assert "missing before" in page
    assert "&lt;1e-15" in page
    assert "Rows are due every day" in page
    assert "By the week" in page


def test_a_shuffled_table_does_not_drift(tmp_path: Path) -> None:
    n = 900
    found = profiled(
        tmp_path,
        {"at": ("datetime", pa.array(RNG.integers(0, 900 * DAY, n), pa.timestamp("us")))}
        | {f"x{i}": ("number", RNG.normal(size=n)) for i in range(20)},
    )
    assert found["drift"]["tested"] == 20
    assert found["drift"]["columns"] == []
    assert found["drift"]["missing"] == []
