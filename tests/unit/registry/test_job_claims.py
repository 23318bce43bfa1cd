"""A prediction job has one owner at a time, and is sent again when it has none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.config import Settings
from app.db.migrate import migrate
from app.db.session import Database
from app.db.steadiness import Steadiness
from app.db.tables import Dataset, ModelMeta, PredictionJob, Project, Run, Trash, User, new_id
from app.registry import job_claims
from app.registry.job_claims import Claim, LostJob
from app.registry.jobs import MAX_ATTEMPTS, resend_lost_jobs

LEASE = 30.0
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
SOON = "in a while"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        settings = Settings(uam_home=tmp_path, _env_file=None)
    else:
        url = request.getfixturevalue("postgres").fresh_database()
        settings = Settings(database_url=url, secret_key="0123456789abcdef" * 4, _env_file=None)
    opened = Database(settings)
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def job_id(database: Database) -> str:
    """A job that waits, with all that it hangs on."""
    user, project, dataset, run, model, job = (new_id() for _ in range(6))
    rows: list[Any] = [
        User(id=user, name="A", email=f"{user}@x.org", password_hash="x", created_at=EARLIER),
        Project(id=project, user_id=user, name="P", created_at=EARLIER),
        Dataset(
            **{"id": dataset, "project_id": project, "filename": "a.csv", "storage_key": "k"},
            **{"preview_key": "p", "rows": 1, "cols": 1, "size_bytes": 1, "columns_json": []},
            **{"warnings_json": [], "read_json": {}, "uploaded_at": EARLIER},
        ),
        Run(
            **{"id": run, "user_id": user, "project_id": project, "dataset_id": dataset},
            **{"parameters_json": {}, "created_at": EARLIER},
        ),
        ModelMeta(
            **{"id": model, "run_id": run, "project_id": project, "name": "M", "version": 1},
            **{"task": "binary", "storage_key": "m", "sha256": "0" * 64, "signature": "0" * 64},
            **{"size_bytes": 1, "metrics_json": {}, "input_schema_json": []},
            **{"importance_json": [], "created_at": EARLIER},
        ),
        PredictionJob(
            **{"id": job, "user_id": user, "model_id": model, "filename": "a.csv"},
            **{"source_key": "s", "warnings_json": [], "created_at": EARLIER},
        ),
    ]
    with database.unit() as unit:
        for row in rows:
            unit.session.add(row)
            unit.session.flush()
    return job


def claim(database: Database, job_id: str) -> Claim | None:
    with database.unit() as unit:
        return job_claims.claim(unit, job_id, LEASE)


def claimed(database: Database, job_id: str) -> Claim:
    found = claim(database, job_id)
    assert found is not None
    return found


def change(database: Database, job_id: str, **values: Any) -> None:
    with database.unit() as unit:
        unit.session.execute(
            update(PredictionJob).where(PredictionJob.id == job_id).values(**values)
        )


def status(database: Database, job_id: str) -> str:
    with database.unit(write=False) as unit:
        return unit.session.get_one(PredictionJob, job_id).status


def test_of_many_at_once_one_gets_it(database: Database, job_id: str) -> None:
    barrier, found = threading.Barrier(8), []

    def race() -> None:
        barrier.wait()
        found.append(claim(database, job_id))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.attempt for one in found if one is not None] == [1]


def test_a_lapsed_lease_may_be_taken_over_and_its_owner_writes_no_more(
    database: Database, job_id: str
) -> None:
    first = claimed(database, job_id)
    change(database, job_id, lease_until=datetime.now(UTC) - timedelta(seconds=1))
    second = claimed(database, job_id)
    assert second.attempt == first.attempt + 1
    with pytest.raises(LostJob), database.unit() as unit:
        job_claims.end(unit, first, "COMPLETED")
    with database.unit() as unit:
        job_claims.end(unit, second, "FAILED", error="why")
    assert status(database, job_id) == "FAILED"


def test_what_is_over_cannot_be_claimed(database: Database, job_id: str) -> None:
    with database.unit() as unit:
        job_claims.end(unit, job_claims.claim(unit, job_id, LEASE) or Claim("", 0), "COMPLETED")
    assert claim(database, job_id) is None


def test_a_job_given_back_is_sent_again(database: Database, job_id: str) -> None:
    change(database, job_id, sent_at=datetime.now(UTC))
    with database.unit() as unit:
        job_claims.release(unit, job_claims.claim(unit, job_id, LEASE) or Claim("", 0))
    assert resent(database, job_id)


def resent(database: Database, job_id: str) -> bool:
    """Whether the job was taken for lost; without a broker the message itself goes nowhere."""
    resend_lost_jobs(database, Steadiness())
    with database.unit(write=False) as unit:
        sent_at = unit.session.get_one(PredictionJob, job_id).sent_at
    return sent_at is not None and abs(datetime.now(UTC) - sent_at) < timedelta(seconds=20)


@pytest.mark.parametrize(
    ("values", "lost"),
    [
        ({"status": "PENDING"}, True),
        ({"sent_at": EARLIER}, True),
        ({"status": "RUNNING", "lease_until": EARLIER, "sent_at": EARLIER}, True),
        ({"status": "RUNNING", "lease_until": SOON}, False),
        # Written before the clock was put back.
        ({"status": "RUNNING", "lease_until": datetime(2100, 1, 1, tzinfo=UTC)}, True),
        ({"sent_at": datetime(2100, 1, 1, tzinfo=UTC)}, True),
        ({"status": "COMPLETED"}, False),
        ({"status": "FAILED", "sent_at": EARLIER}, False),
    ],
)
def test_only_what_nobody_works_at_is_sent_again(
    database: Database, job_id: str, values: dict[str, Any], lost: bool
) -> None:
    # Counted from now: between collecting this file and running it minutes may pass.
    soon = datetime.now(UTC) + timedelta(minutes=10)
    change(database, job_id, **{n: soon if v == SOON else v for n, v in values.items()})
    assert resent(database, job_id) is lost


def test_a_job_that_costs_a_worker_each_time_is_given_up(database: Database, job_id: str) -> None:
    change(
        database,
        job_id,
        status="RUNNING",
        attempt=MAX_ATTEMPTS,
        lease_until=EARLIER,
        sent_at=EARLIER,
    )
    resend_lost_jobs(database, Steadiness())
    with database.unit(write=False) as unit:
        job = unit.session.get_one(PredictionJob, job_id)
        prefixes = unit.session.scalars(select(Trash.prefix)).all()
    assert (job.status, job.error) == ("FAILED", f"Its worker was lost {MAX_ATTEMPTS} times.")
    assert prefixes == [job.source_key]


def test_the_lease_is_renewed_while_the_child_works(database: Database, job_id: str) -> None:
    with database.unit() as unit:
        held = job_claims.claim(unit, job_id, 0.03)
    assert held is not None
    stop = job_claims.keep_alive(database, held, 0.03, threading.Event())
    threading.Event().wait(0.05)
    assert stop() is False
    change(database, job_id, attempt=9)
    threading.Event().wait(0.05)
    with pytest.raises(LostJob):
        stop()


def test_a_stopping_worker_stops_its_child(database: Database) -> None:
    stopping = threading.Event()
    stop = job_claims.keep_alive(database, Claim("x", 1), LEASE, stopping)
    assert stop() is False
    stopping.set()
    assert stop() is True
