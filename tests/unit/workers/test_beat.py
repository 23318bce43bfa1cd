"""A duty is done every so often, and hears how the database answered before it began."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.db.session import Database
from app.db.steadiness import Steadiness
from app.runs.reaper import Reaper
from app.workers.beat import Duty
from tests.unit.runs.test_claims import LEASE, database, run_id
from tests.unit.runs.test_reaper import mark

__all__ = ["database", "run_id"]


def thawed() -> bool:
    time.sleep(1.2)
    return True


def ended_by_the_server() -> bool:
    raise OperationalError("SELECT", {}, Exception("the server closed the connection"))


@pytest.mark.parametrize(
    ("first", "reaped"), [(lambda: True, [1, 0]), (thawed, [0, 0]), (ended_by_the_server, [0])]
)
def test_leases_are_not_judged_after_a_freeze_that_held_up_what_was_asked_before(
    database: Database, run_id: str, first: Callable[[], bool], reaped: list[int]
) -> None:
    mark(database, run_id, created_at=-timedelta(seconds=LEASE * 2))
    ended, answers, seen = threading.Event(), [first, lambda: True], []
    steady = Steadiness(LEASE)
    reaper = Reaper(database, LEASE, steady)

    def may_work() -> bool:
        answer = answers.pop(0)
        if not answers:
            ended.set()
        return answer()

    Duty("runs", 0.01, lambda: seen.append(reaper.reap()), steady).keep_doing(ended, may_work)
    assert seen == reaped
