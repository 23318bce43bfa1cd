"""What no row points to goes; what somebody may still write down stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, update

from app.config import Settings
from app.db.migrate import migrate
from app.db.session import Database
from app.db.tables import (
    Artifact,
    Dataset,
    ModelMeta,
    PredictionJob,
    Project,
    Run,
    User,
    new_id,
)
from app.runs import claims
from app.storage.orphans import OrphanSweep

NOW = datetime.now(UTC)
ALL_ARE_OLD = -60.0


@pytest.fixture(params=["embedded", pytest.param("services", marks=pytest.mark.services)])
def backend(request, tmp_path):
    """A database and a storage, with a bucket that holds nothing."""
    if request.param == "services":
        url = request.getfixturevalue("postgres").fresh_database()
        settings = Settings(database_url=url, secret_key="0123456789abcdef" * 4, _env_file=None)
        bucket = f"orphans-{new_id()}"
        storage = request.getfixturevalue("s3").storage(bucket)
    else:
        settings = Settings(uam_home=tmp_path, _env_file=None)
        bucket = "artifacts"
        storage = request.getfixturevalue("local")
    database = Database(settings)
    migrate(database)
    yield database, storage, bucket
    database.dispose()


class Estate:
    """A project with a dataset, a run, a model and a job, each with its objects stored."""

    def __init__(self, database, storage, bucket):
        self.database, self.storage, self.bucket = database, storage, bucket
        self.project, self.dataset, self.run, self.model, self.job = (new_id() for _ in range(5))
        self.runs = f"projects/{self.project}/runs/{self.run}"
        self.datasets = f"projects/{self.project}/datasets/{self.dataset}"
        user = new_id()
        rows = (
            User(id=user, name="A", email=f"{user}@example.org", password_hash="", created_at=NOW),
            Project(id=self.project, user_id=user, name="P", created_at=NOW),
            self._dataset(),
            self._run(user),
            self._model(),
            self._artifact(),
            self._job(user),
        )
        for row in rows:
            with database.unit() as unit:
                unit.session.add(row)

    def _dataset(self):
        return Dataset(
            id=self.dataset,
            project_id=self.project,
            filename="a.csv",
            storage_key=self.put(f"{self.datasets}/data.parquet"),
            preview_key=self.put(f"{self.datasets}/preview.json"),
            profile_key=self.put(f"{self.datasets}/profile-1.json"),
            rows=1,
            cols=1,
            columns_json=[],
            warnings_json=[],
            read_json={},
            size_bytes=1,
            uploaded_at=NOW,
        )

    def _run(self, user):
        return Run(
            id=self.run,
            user_id=user,
            project_id=self.project,
            dataset_id=self.dataset,
            parameters_json={},
            created_at=NOW,
        )

    def _model(self):
        return ModelMeta(
            id=self.model,
            run_id=self.run,
            project_id=self.project,
            name="m",
            version=1,
            task="regression",
            storage_key=self.put(f"{self.runs}/2-3/model/model.joblib"),
            sha256="",
            signature="",
            size_bytes=1,
            metrics_json={},
            input_schema_json=[],
            importance_json=[],
            created_at=NOW,
        )

    def _artifact(self):
        return Artifact(
            run_id=self.run,
            type="profile",
            filename="profile.json",
            storage_key=self.put(f"{self.runs}/1-2/profile/profile.json"),
            size_bytes=1,
            sha256="",
            metadata_json={},
            created_at=NOW,
        )

    def _job(self, user):
        return PredictionJob(
            id=self.job,
            user_id=user,
            model_id=self.model,
            filename="a.csv",
            source_key=self.put(f"{self.runs}/prediction-jobs/{self.job}"),
            warnings_json=[],
            created_at=NOW,
        )

    def put(self, key):
        self.storage.upload_bytes(self.bucket, key, b"x")
        return key

    def stored(self):
        return {item.key for item in self.storage.list_prefix(self.bucket, "")}

    def change(self, statement):
        with self.database.unit() as unit:
            unit.session.execute(statement)

    def claim(self):
        with self.database.unit() as unit:
            return claims.claim(unit, self.run, 0, "me", 30)

    def orphans(self, old_after_s=ALL_ARE_OLD):
        return OrphanSweep(self.database, self.storage, self.bucket, old_after_s)


@pytest.fixture
def estate(backend):
    return Estate(*backend)


def test_whatever_a_row_points_to_stays(estate):
    before = estate.stored()
    orphans = estate.orphans()
    assert [orphans.sweep() for _ in range(3)] == [0, 0, 0]
    assert estate.stored() == before


def test_what_an_upload_left_goes_when_it_is_old_and_was_seen_twice(estate):
    before = estate.stored()
    left = {
        estate.put(f"projects/{estate.project}/datasets/{new_id()}/data.parquet"),
        estate.put(f"projects/{new_id()}/datasets/{new_id()}/preview.json"),
        estate.put(f"{estate.datasets}/{new_id()}/data.parquet"),
        estate.put(f"{estate.runs}/predictions/{new_id()}.csv"),
        estate.put(f"{estate.runs}/prediction-jobs/{new_id()}"),
    }
    young, old = estate.orphans(old_after_s=1800), estate.orphans()
    assert [young.sweep(), young.sweep(), old.sweep()] == [0, 0, 0]
    assert estate.stored() == before | left
    assert old.sweep() == len(left)
    assert estate.stored() == before


def test_an_upload_that_was_seen_before_its_row_stays(estate):
    orphans = estate.orphans()
    key = estate.put(f"{estate.datasets}/{new_id()}/data.parquet")
    orphans.sweep()
    estate.change(update(Dataset).values(storage_key=key))
    # What it replaced is an orphan from now on.
    assert [orphans.sweep(), orphans.sweep()] == [0, 1]
    assert key in estate.stored()


def test_an_attempt_that_is_over_leaves_nothing_and_one_under_way_is_let_be(estate):
    before = estate.stored()
    first = estate.claim()
    estate.put(f"{first.prefix}dataset/cleaned.parquet")
    assert estate.orphans().sweep() == 0
    with estate.database.unit() as unit:
        claims.release(unit, first, charge=True)
    second = estate.claim()
    key = estate.put(f"{second.prefix}dataset/cleaned.parquet")
    assert estate.orphans(old_after_s=1800).sweep() == 1
    assert estate.stored() == before | {key}


def test_a_lease_that_ran_out_still_lets_its_owner_write(estate):
    """Only another claim, or the reaper, takes the right away."""
    held = estate.claim()
    key = estate.put(f"{held.prefix}dataset/cleaned.parquet")
    estate.change(update(Run).values(lease_until=NOW))
    assert estate.orphans().sweep() == 0
    with estate.database.unit() as unit:
        claims.complete(unit, held)
    assert estate.orphans().sweep() == 1
    assert key not in estate.stored()


def test_checkpoints_stay_until_their_run_is_over(estate):
    before = estate.stored()
    key = estate.put(f"{estate.runs}/checkpoints/1-0001.candidate")
    orphans = estate.orphans()
    assert [orphans.sweep(), orphans.sweep()] == [0, 0]
    assert key in estate.stored()
    estate.change(update(Run).values(status="FAILED", finished_at=NOW))
    assert orphans.sweep() == 1
    assert estate.stored() == before


def test_a_file_goes_when_its_job_is_over(estate):
    orphans = estate.orphans()
    estate.change(update(PredictionJob).values(status="FAILED", finished_at=NOW))
    assert [orphans.sweep(), orphans.sweep()] == [0, 1]
    assert not any(estate.job in key for key in estate.stored())


def test_what_a_deleted_project_left_goes(estate):
    estate.change(delete(Project).where(Project.id == estate.project))
    orphans = estate.orphans()
    orphans.sweep()
    orphans.sweep()
    assert estate.stored() == set()


def test_what_uam_never_stored_is_let_be(estate):
    foreign = {estate.put("projects/readme.txt"), estate.put("other/datasets/x/y/z")}
    orphans = estate.orphans()
    orphans.sweep()
    orphans.sweep()
    assert foreign <= estate.stored()
