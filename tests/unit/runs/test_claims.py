"""A stage has one owner: claims by compare-and-set, leases, fences."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.config import Settings
from app.db.migrate import migrate
from app.db.session import Database
from app.db.tables import Dataset, Log, Project, Run, Trash, User, new_id
from app.runs import claims
from app.runs.reaper import Reaper

LEASE = 30.0


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request, tmp_path):
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
def run_id(database):
    now = datetime.now(UTC)
    ids = [new_id() for _ in range(4)]
    with database.unit() as unit:
        user, project, dataset, run = ids
        unit.session.add(
            User(id=user, name="A", email=f"{user}@example.org", password_hash="x", created_at=now)
        )
        unit.session.flush()
        unit.session.add(Project(id=project, user_id=user, name="P", created_at=now))
        unit.session.flush()
        unit.session.add(
            Dataset(
                id=dataset,
                project_id=project,
                filename="a.csv",
                storage_key="k",
                preview_key="p",
                rows=1,
                cols=1,
                columns_json=[],
                warnings_json=[],
                read_json={},
                size_bytes=1,
                uploaded_at=now,
            )
        )
        unit.session.flush()
        unit.session.add(
            Run(
                id=run,
                user_id=user,
                project_id=project,
                dataset_id=dataset,
                parameters_json={},
                created_at=now,
            )
        )
    return ids[3]


def take(database, run_id, stage=0, owner="me"):
    with database.unit() as unit:
        return claims.claim(unit, run_id, stage, owner, LEASE)


def expire(database, run_id):
    with database.unit() as unit:
        past = unit.now() - timedelta(seconds=1)
        unit.session.execute(update(Run).where(Run.id == run_id).values(lease_until=past))


def get(database, run_id):
    with database.unit(write=False) as unit:
        return unit.session.get(Run, run_id)


def test_only_the_stage_that_is_due_can_be_claimed(database, run_id):
    assert take(database, run_id, stage=1) is None
    claim = take(database, run_id)
    assert (claim.stage, claim.attempt, claim.stage_attempts) == (0, 1, 1)
    assert get(database, run_id).status == "RUNNING"
    assert take(database, run_id, owner="other") is None


def test_of_many_at_once_one_wins(database, run_id):
    won, ready = [], threading.Barrier(12)

    def try_it(number):
        ready.wait()
        claim = take(database, run_id, owner=str(number))
        if claim is not None:
            won.append(claim)

    threads = [threading.Thread(target=try_it, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_lost_lease_is_fenced_off(database, run_id):
    old = take(database, run_id, owner="old")
    expire(database, run_id)
    new = take(database, run_id, owner="new")
    assert new.attempt == old.attempt + 1
    for act in (
        lambda unit: claims.complete(unit, old),
        lambda unit: claims.renew(unit, old, LEASE),
        lambda unit: claims.report_progress(unit, old, 5),
        lambda unit: claims.fail(unit, old, "late"),
        lambda unit: claims.release(unit, old, charge=True),
    ):
        with pytest.raises(claims.LostClaim), database.unit() as unit:
            act(unit)
    with database.unit() as unit:
        claims.complete(unit, new)
    run = get(database, run_id)
    assert (run.stage, run.status, run.lease_owner) == (1, "PREPROCESSED", None)


def test_progress_never_falls(database, run_id):
    claim = take(database, run_id)
    for percent in (2.0, 7.0, 3.0):
        with database.unit() as unit:
            claims.report_progress(unit, claim, percent)
    assert get(database, run_id).progress == 7.0


def test_the_whole_way_to_the_end(database, run_id):
    seen = []
    for stage in range(4):
        claim = take(database, run_id, stage)
        with database.unit() as unit:
            claims.complete(unit, claim)
        seen.append(get(database, run_id).status)
    assert seen == ["PREPROCESSED", "EDA_COMPLETED", "TRAINED", "COMPLETED"]
    run = get(database, run_id)
    assert (run.progress, run.current_task, run.stage) == (100, None, 4)
    assert run.finished_at is not None
    with database.unit(write=False) as unit:
        numbers = list(
            unit.session.scalars(select(Log.seq).where(Log.run_id == run_id).order_by(Log.seq))
        )
    assert numbers == list(range(1, len(numbers) + 1))
    assert take(database, run_id, 3) is None


def test_a_release_without_charge_does_not_count(database, run_id):
    for charge, counted in ((False, 0), (True, 1)):
        claim = take(database, run_id)
        with database.unit() as unit:
            claims.release(unit, claim, charge=charge)
        assert get(database, run_id).stage_attempts == counted


def test_a_run_that_is_ended_under_its_worker_is_lost_and_its_objects_are_noted(database, run_id):
    claim = take(database, run_id)
    with database.unit() as unit:
        claims.close(unit, unit.session.get_one(Run, run_id), "CANCELLED")
    with pytest.raises(claims.LostClaim), database.unit() as unit:
        claims.complete(unit, claim)
    assert take(database, run_id) is None
    assert Reaper(database, LEASE).reap() == 0
    with database.unit(write=False) as unit:
        assert unit.session.scalars(select(Trash.prefix)).all() == [claim.prefix]


def test_checkpoints_are_noted_once_the_training_is_over(database, run_id):
    for stage in range(2):
        with database.unit() as unit:
            claims.complete(unit, take(database, run_id, stage))
    claim = take(database, run_id, claims.TRAINING)
    prefix = claims.checkpoint_prefix(claim.project_id, run_id)
    with database.unit() as unit:
        claims.release(unit, claim, charge=True)
    assert prefix not in noted(database)
    with database.unit() as unit:
        claims.complete(unit, take(database, run_id, claims.TRAINING))
    assert noted(database).count(prefix) == 1
    with database.unit() as unit:
        claims.fail(unit, take(database, run_id, claims.TRAINING + 1), "broken")
    assert noted(database).count(prefix) == 1


def test_checkpoints_are_noted_when_the_training_fails(database, run_id):
    for stage in range(2):
        with database.unit() as unit:
            claims.complete(unit, take(database, run_id, stage))
    claim = take(database, run_id, claims.TRAINING)
    with database.unit() as unit:
        claims.fail(unit, claim, "broken")
    assert claims.checkpoint_prefix(claim.project_id, run_id) in noted(database)


def noted(database):
    with database.unit(write=False) as unit:
        return list(unit.session.scalars(select(Trash.prefix)))


def test_what_a_lost_attempt_stored_is_noted_by_the_next(database, run_id):
    old = take(database, run_id)
    expire(database, run_id)
    take(database, run_id)
    with database.unit(write=False) as unit:
        assert unit.session.scalars(select(Trash.prefix)).all() == [old.prefix]


def test_a_run_whose_worker_was_lost_too_often_fails(database, run_id):
    for _ in range(3):
        assert take(database, run_id) is not None
        expire(database, run_id)
    assert Reaper(database, LEASE).reap() == 1
    run = get(database, run_id)
    assert run.status == "FAILED"
    assert run.error == "cleaning failed: its worker was lost 3 times."


def test_a_held_run_is_left_alone(database, run_id):
    take(database, run_id)
    assert Reaper(database, LEASE).reap() == 0
