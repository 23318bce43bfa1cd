"""Orphans are found by the database's clock, and each is taken by one reaper."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.db import steadiness
from app.db.tables import Run
from app.runs import reaper
from app.runs.reaper import Reaper
from tests.unit.runs.test_claims import LEASE, database, get, run_id, take

__all__ = ["database", "run_id"]

HOURS = timedelta(hours=2)
MOMENT = timedelta(seconds=LEASE * 2)


def mark(database, run_id, **seconds):
    """Set times of the run's row, each so far from now."""
    with database.unit() as unit:
        times = {name: unit.now() + delta for name, delta in seconds.items()}
        unit.session.execute(update(Run).where(Run.id == run_id).values(times))


@pytest.mark.parametrize(
    ("times", "orphaned"),
    [
        ({"created_at": -MOMENT}, True),
        ({"created_at": timedelta(0)}, False),
        ({"created_at": -MOMENT, "sent_at": timedelta(0)}, False),
        ({"sent_at": -MOMENT}, True),
        # Written before the clock was put back by two hours.
        ({"created_at": HOURS}, True),
        ({"sent_at": HOURS}, True),
    ],
)
def test_a_run_that_nobody_claimed(database, run_id, times, orphaned):
    mark(database, run_id, **times)
    assert Reaper(database, LEASE).reap() == orphaned


@pytest.mark.parametrize(
    ("lease_until", "orphaned"),
    [(timedelta(seconds=-1), True), (timedelta(seconds=1), False), (HOURS, True)],
)
def test_a_run_that_somebody_claimed(database, run_id, lease_until, orphaned, monkeypatch):
    monkeypatch.setattr(steadiness, "HOLD_S", 0)
    held = take(database, run_id)
    mark(database, run_id, lease_until=lease_until)
    assert Reaper(database, LEASE).reap() == orphaned
    assert (get(database, run_id).lease_owner == held.owner) is not orphaned


def test_a_holder_can_correct_a_lease_from_before_the_clock_was_put_back(database, run_id):
    held = take(database, run_id)
    mark(database, run_id, lease_until=HOURS)
    one = Reaper(database, LEASE)
    assert (one.reap(), one.reap()) == (0, 0)
    assert get(database, run_id).lease_owner == held.owner


def test_of_many_reapers_one_has_an_orphan(database, run_id, monkeypatch):
    sent = []
    monkeypatch.setattr(reaper, "send_run", lambda *sending: sent.append(sending) or True)
    mark(database, run_id, created_at=-MOMENT)
    reapers = [Reaper(database, LEASE) for _ in range(8)]
    ready = threading.Barrier(len(reapers))

    def reap(one):
        ready.wait()
        one.reap()

    threads = [threading.Thread(target=reap, args=(one,)) for one in reapers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent == [(run_id, 0)]


def test_a_broker_that_is_away_is_asked_once_a_round(database, run_id, monkeypatch):
    asked = []
    monkeypatch.setattr(reaper, "send_run", lambda *sending: asked.append(sending))
    mark(database, run_id, created_at=-MOMENT)
    one = Reaper(database, LEASE)
    assert (one.reap(), one.reap()) == (0, 0)
    assert asked == [(run_id, 0)] * 2
    assert get(database, run_id).sent_at is None
