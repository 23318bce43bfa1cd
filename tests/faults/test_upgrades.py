"""While an installation is upgraded, two versions of UAM work on one database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from sqlalchemy import text

from app.db.revisions import head_revision
from tests.api.world import World
from tests.faults.installation import LEASE_S, Installation, until
from tests.faults.runs import EXPLORED, cancel, start
from tests.faults.test_messages import FIRST, celery_of

NEWER = "9999"
UNKNOWN = f"the database is at revision {NEWER}, which this version does not know"


def set_revision(installation: Installation, revision: str) -> None:
    with installation.database.unit() as unit:
        unit.session.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": revision})


@contextmanager
def migrated(installation: Installation, revision: str) -> Iterator[None]:
    """The database at the schema of another version meanwhile."""
    set_revision(installation, revision)
    try:
        yield
    finally:
        set_revision(installation, head_revision())


def readiness(installation: Installation) -> httpx.Response:
    return installation.server.client().get("/ready")


def test_old_code_leaves_work_to_the_version_that_migrated(
    installation: Installation, user: World
) -> None:
    worker, before = installation.part("worker").pid, len(installation.server.log)

    def lines(who: str) -> int:
        return installation.server.log[before:].count(f"{who}: {UNKNOWN}")

    with migrated(installation, NEWER):
        run_id = start(user, EXPLORED)
        celery_of(installation).send_task("train_models_v2", args=(run_id,), kwargs={"version": 2})
        celery_of(installation).send_task(FIRST, args=(run_id,))
        until(lambda: lines("this worker") and lines("this beat"), what="the lines of the log")
        until(lambda: readiness(installation).status_code == 503, what="/ready to say so")
        assert "migrations" in readiness(installation).json()["detail"]
        celery_of(installation).send_task(FIRST, args=(run_id,))
        until(lambda: "Canceling queue" in installation.server.log[before:], what="the queue left")
        run = installation.run(run_id)
        assert (run.status, run.attempt, run.lease_owner) == ("PENDING", 0, None)
    until(lambda: installation.run(run_id).attempt > 0, 10 + LEASE_S + 20, "the run's worker")
    cancel(user, run_id)
    assert (lines("this worker"), lines("this beat")) == (1, 1)
    assert installation.part("worker").pid == worker
    assert readiness(installation).status_code == 200


def test_a_worker_that_comes_before_its_migration_waits_for_it(
    installation: Installation, user: World
) -> None:
    before = len(installation.server.log)
    waits = "the database is at revision 0001 and this version needs"

    def log() -> str:
        return installation.server.log[before:]

    with migrated(installation, "0001"), installation.another("worker"):
        until(lambda: log().count(waits) >= 2, what="the new worker and the beat to say so")
        assert "uam migrate" in log()
    run_id = start(user, EXPLORED)
    until(lambda: installation.run(run_id).attempt > 0, what="a worker")
    cancel(user, run_id)
