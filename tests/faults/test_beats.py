"""Several beats at once: every orphan is sent again once, not once by each."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.core.queue import QUEUE
from app.db.tables import Run
from tests.api.world import register
from tests.faults.frail import Frail
from tests.faults.installation import until
from tests.faults.runs import EXPLORED

pytestmark = pytest.mark.services

BEATS = 3
USERS = 2
# Several rounds of each beat, and less than the lease after which a run may be sent anew.
ROUNDS_S = 6.0
LEASE_S = "60"


def test_three_beats_send_each_orphan_once(frail: Frail) -> None:
    installation = frail.installation
    users = [register(installation.server) for _ in range(USERS)]
    with ExitStack() as stack:
        for name in ("worker", "beat"):
            stack.enter_context(installation.frozen(installation.part(name)))
        runs = []
        for user in users:
            dataset_id = user.upload()["dataset_id"]
            runs += [(user, user.start(dataset_id, **EXPLORED)) for _ in range(3)]
        ids = [run_id for _, run_id in runs]
        broker = frail.valkey.client()
        until(lambda: unsent(frail, ids) == 0, what="the messages of the API")
        forget(frail, ids)
        broker.flushall()

        for _ in range(BEATS):
            stack.enter_context(installation.another("beat", UAM_LEASE_SECONDS=LEASE_S))
        until(lambda: unsent(frail, ids) == 0, what="the messages of the beats")
        time.sleep(ROUNDS_S)
        assert broker.llen(QUEUE) == len(runs)

        for user, run_id in runs:
            assert user.api.delete(f"/runs/{run_id}").status_code == 204
        broker.flushall()


def forget(frail: Frail, ids: list[str]) -> None:
    """Make the runs as if their API had been killed before it could send them."""
    with frail.installation.database.unit() as unit:
        long_ago = unit.now() - timedelta(minutes=5)
        statement = update(Run).where(Run.id.in_(ids))
        unit.session.execute(statement.values(sent_at=None, created_at=long_ago))


def unsent(frail: Frail, ids: list[str]) -> int:
    with frail.installation.database.unit(write=False) as unit:
        count = select(func.count()).where(Run.id.in_(ids), Run.sent_at.is_(None))
        return unit.session.scalar(count) or 0
