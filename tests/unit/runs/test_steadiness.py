"""After a moment in which no lease could be renewed, none is judged for a while."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from app.db import steadiness
from app.db.steadiness import Steadiness


def now(ahead: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=ahead)


def test_a_database_that_answers_at_once_is_believed() -> None:
    steady = Steadiness()
    assert steady.holds(time.monotonic(), now())
    assert steady.holds(time.monotonic(), now())


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_was_set_is_not_believed_for_a_while(
    hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steadiness, "HOLD_S", 0.2)
    steady = Steadiness()
    assert steady.holds(time.monotonic(), now())
    assert not steady.holds(time.monotonic(), now(hours * 3600))
    assert not steady.holds(time.monotonic(), now(hours * 3600))
    time.sleep(0.3)
    assert steady.holds(time.monotonic(), now(hours * 3600))


def test_nor_is_a_database_that_was_slow_or_away() -> None:
    slow, away = Steadiness(), Steadiness()
    assert not slow.holds(time.monotonic() - 5, now())
    away.shaken()
    assert not away.holds(time.monotonic(), now())
