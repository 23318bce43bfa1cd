"""Tables as series: put in order, repaired, and all of that told; or one sentence why not."""

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl.forecasting.panel import Roles, read_panel
from app.analysis.errors import BadOption, HopelessTable
from app.analysis.schema import Column

MONTHS = [f"{y}-{m:02d}" for y in (2021, 2022, 2023) for m in range(1, 13)]


def table(times=MONTHS, values=None, **more):
    values = np.arange(len(times), dtype=float) if values is None else values
    return pd.DataFrame({"t": pd.Series(list(times), dtype=object), "y": values, **more})


def read(frame, series=None, known=()):
    return read_panel(frame, Roles("y", "t", series, tuple(known)))


def test_rows_are_put_in_order():
    panel = read(table().sample(frac=1, random_state=0).reset_index(drop=True))
    assert panel.y.tolist() == [list(range(36))]
    assert panel.notes == ["Column 't' was read as a calendar: monthly."]


def test_gaps_are_filled_told_and_judge_nothing():
    panel = read(table().drop(index=[5, 6]).reset_index(drop=True))
    assert panel.y[0].tolist() == list(range(36))
    assert panel.seen[0, 4:7].tolist() == [True, False, False]
    assert any("2 times are missing" in note for note in panel.notes)


def test_a_long_gap_is_filled_a_season_away():
    wave = np.tile(np.arange(12.0), 3)
    panel = read(table(values=wave).drop(index=range(13, 22)).reset_index(drop=True))
    assert panel.y[0].tolist() == wave.tolist()


def test_what_was_known_by_a_time_tells_nothing_of_what_came_after_it():
    wave = np.tile(np.arange(12.0), 3)
    panel = read(table(values=wave).drop(index=[*range(13, 22), 29, 30, 31]).reset_index(drop=True))
    by_then = panel.until(31)
    # The values of a season later were not to be had, and the gap at its end is no gap yet.
    known = read(table(MONTHS[:29], wave[:29]).drop(index=range(13, 22)).reset_index(drop=True))
    assert (by_then.start[0], by_then.end[0]) == (0, 29)
    assert by_then.y[0, :29].tolist() == known.y[0].tolist()
    assert np.isnan(by_then.y[0, 29:]).all()
    assert panel.carried(31)[0].tolist() == [*known.y[0], wave[28], wave[28]]


def test_a_series_that_had_not_begun_is_empty_until_then():
    frame = pd.concat([table(shop="a"), table(shop="b").iloc[20:]], ignore_index=True)
    by_then = read(frame, "shop").until(10)
    assert (by_then.start.tolist(), by_then.end.tolist()) == ([0, 0], [10, 0])
    assert np.isnan(read(frame, "shop").carried(10)[1]).all()


def test_repeated_times_are_averaged_and_told():
    frame = pd.concat([table(), table().iloc[[3]].assign(y=5.0)], ignore_index=True)
    panel = read(frame)
    assert panel.y[0, 3] == 4.0
    assert any("1 rows repeat a time" in note for note in panel.notes)


def test_series_that_nobody_named_are_asked_for():
    frame = pd.concat([table(shop="a"), table(shop="b")], ignore_index=True)
    with pytest.raises(BadOption, match=r"about 2 times.*perhaps 'shop'"):
        read(frame)
    assert read(frame, "shop").names == ("a", "b")


def test_series_may_begin_and_end_apart():
    frame = pd.concat(
        [table(shop=1.0), table(shop=2.0).iloc[12:30], table(shop=3.0).iloc[:4]], ignore_index=True
    )
    panel = read(frame, "shop")
    assert panel.names == ("1", "2")
    assert (panel.start.tolist(), panel.end.tolist()) == ([0, 12], [36, 30])
    assert np.flatnonzero(np.isfinite(panel.y[1])).tolist() == list(range(12, 30))
    assert any("fewer than 8 times were left out: '3'" in note for note in panel.notes)
    assert any("end before the others" in note for note in panel.notes)


def test_the_calendar_ends_with_the_last_series_that_is_kept():
    frame = pd.concat(
        [table(shop=1.0).iloc[:30], table(shop=2.0).iloc[31:]], ignore_index=True
    ).assign(price=1.0)
    panel = read(frame, "shop", [Column("price", "number")])
    assert (panel.names, panel.times) == (("1",), 30)
    assert panel.y.shape == panel.seen.shape == (1, 30)
    assert not any("end before the others" in note for note in panel.notes)


def test_rows_to_come_bring_what_is_known_ahead():
    frame = table(values=[*np.arange(34.0), np.nan, np.nan], price=np.arange(36.0))
    panel = read(frame, known=[Column("price", "number")])
    assert panel.times == 34
    assert panel.known[0, 0].tolist() == list(range(36))


def test_some_unreadable_times_are_left_out_and_told():
    frame = table([*MONTHS, "unknown"], np.arange(37.0))
    panel = read(frame)
    assert panel.times == 36
    assert any("1 rows hold no readable time ('unknown')" in note for note in panel.notes)


def test_a_column_of_no_times_is_refused():
    with pytest.raises(BadOption, match="holds 'red', which names no time"):
        read(table(["red", "green"] * 10))


@pytest.mark.parametrize("count", [1, 7])
def test_too_short_a_series_is_refused(count):
    with pytest.raises(HopelessTable, match="at least 8 are needed"):
        read(table(MONTHS[:count]))


def test_a_target_without_numbers_is_refused():
    with pytest.raises(HopelessTable, match="no number"):
        read(table(values=np.full(36, np.nan)))


@pytest.mark.parametrize(
    "values", [[f"A{i:03d}" for i in range(36)], ["A"] * 36, [pd.Timestamp("2024-01-01")] * 36]
)
def test_a_target_that_holds_no_numbers_is_named(values):
    with pytest.raises(BadOption, match=r"Column 'y' holds '?(A|2024).*made of numbers") as caught:
        read(table(values=values))
    assert caught.value.details["option"] == "target"
