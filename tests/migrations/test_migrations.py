"""The migrations, up and down, on both databases, against the tables that the code knows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Boolean,
    Float,
    Integer,
    String,
    Table,
    bindparam,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.types import JSON, TypeEngine

from app.config import Settings
from app.db.migrate import migrate
from app.db.revisions import MIGRATIONS, current_revision, head_revision, known_revisions
from app.db.session import Database
from app.db.tables import Base, Dataset, ModelMeta, PredictionJob, Project, Run, User
from app.db.types import UTCDateTime


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings that name an empty database."""
    named = {"UAM_HOME": str(tmp_path), "SECRET_KEY": "0123456789abcdef" * 4}
    if request.param == "postgresql":
        named["DATABASE_URL"] = request.getfixturevalue("postgres").fresh_database()
    return named


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[Database]:
    fields = {name.lower(): value for name, value in environment.items()}
    opened = Database(Settings(_env_file=None, **fields))
    yield opened
    opened.dispose()


def configuration(connection: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def test_the_files_tell_the_revisions_that_alembic_reads_in_them() -> None:
    script = ScriptDirectory.from_config(configuration(None))
    steps = [step.revision for step in script.walk_revisions()]
    assert known_revisions() == tuple(reversed(steps))
    assert head_revision() == script.get_current_head()


def shape(database: Database) -> dict[str, Any]:
    """Everything that the database says of its tables."""
    found = inspect(database.engine)
    return {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in found.get_columns(table)
            ],
            "key": found.get_pk_constraint(table),
            "foreign keys": found.get_foreign_keys(table),
            "unique": sorted(found.get_unique_constraints(table), key=str),
            "indexes": sorted(found.get_indexes(table), key=str),
        }
        for table in sorted(found.get_table_names())
    }


def value_for(kind: TypeEngine[Any], text: str) -> Any:
    if isinstance(kind, UTCDateTime):
        return datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    plain = {JSON: {"a": [1, None, "é"]}, Boolean: True, Integer: 7, Float: 0.5, String: text[:10]}
    return next(value for known, value in plain.items() if isinstance(kind, known))


def row_for(table: Table) -> dict[str, Any]:
    """A row with every column filled; every id is the table's name, so that rows fit together."""
    row = {column.name: value_for(column.type, column.name) for column in table.columns}
    row["id"] = table.name
    for key in table.foreign_keys:
        row[key.parent.name] = key.column.table.name
    return row


def fill(database: Database) -> None:
    with database.unit() as unit:
        for table in Base.metadata.sorted_tables:
            unit.session.execute(table.insert().values(row_for(table)))


def counts(database: Database) -> dict[str, int]:
    with database.unit(write=False) as unit:
        return {
            table.name: unit.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_up_down_and_up_again_gives_the_same_schema(database: Database) -> None:
    assert migrate(database) == head_revision()
    first = shape(database)
    assert set(first) == {*Base.metadata.tables, "alembic_version"}
    assert migrate(database, "base") == "base"
    assert set(shape(database)) == {"alembic_version"}
    assert migrate(database) == head_revision()
    assert shape(database) == first


def test_every_step_goes_down_and_up(database: Database) -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    revisions = [step.revision for step in reversed(list(script.walk_revisions()))]
    shapes = []
    for revision in revisions:
        assert migrate(database, revision) == revision
        shapes.append(shape(database))
    for revision, expected in reversed(list(zip(revisions, shapes, strict=True))):
        assert migrate(database, revision) == revision
        assert shape(database) == expected
    assert migrate(database, "base") == "base"


def test_a_full_database_goes_down_and_up(database: Database) -> None:
    migrate(database)
    fill(database)
    assert set(counts(database).values()) == {1}
    migrate(database, "base")
    migrate(database)
    assert set(counts(database).values()) == {0}
    fill(database)


Known = dict[str, list[str]]


def known_columns(database: Database) -> Known:
    """The tables that there are now, and their columns."""
    found = inspect(database.engine)
    names = [name for name in found.get_table_names() if name in Base.metadata.tables]
    return {name: [column["name"] for column in found.get_columns(name)] for name in names}


def write_as(database: Database, known: Known) -> None:
    """A row in every table, as an API writes it that knows these tables and columns alone."""
    with database.unit() as unit:
        for table in Base.metadata.sorted_tables:
            if table.name in known:
                row = {name: row_for(table)[name] for name in known[table.name]}
                if table is Dataset.__table__:
                    row["version"] = 1
                names = ", ".join(f'"{name}"' for name in row)
                values = ", ".join(f":{name}" for name in row)
                kinds = [bindparam(name, type_=table.c[name].type) for name in row]
                statement = text(f'INSERT INTO "{table.name}" ({names}) VALUES ({values})')
                unit.session.execute(statement.bindparams(*kinds), row)


def assert_of_version_1(database: Database) -> None:
    with database.unit(write=False) as unit:
        run = unit.session.scalars(select(Run)).one()
        dataset = unit.session.scalars(select(Dataset)).one()
    assert (run.dataset_version, dataset.version) == (1, 1)
    assert (dataset.mode, dataset.options_json) == ("upload", {})
    known = row_for(Base.metadata.tables["datasets"])
    for name in ("storage_key", "columns_json", "rows", "uploaded_at"):
        assert getattr(dataset, name) == known[name]
    full = dict.fromkeys(Base.metadata.tables, 1)
    later = ("dataset_versions", "dataset_version_keys", "prediction_tallies")
    assert counts(database) == {**full, **dict.fromkeys(later, 0)}


def test_what_was_there_before_versions_is_of_version_1(database: Database) -> None:
    migrate(database, "0001")
    write_as(database, known_columns(database))
    migrate(database)
    assert_of_version_1(database)
    with database.unit(write=False) as unit:
        dataset = unit.session.scalars(select(Dataset)).one()
    assert dataset.source_filename == dataset.filename


def test_an_api_from_before_versions_still_writes(database: Database) -> None:
    migrate(database, "0001")
    known = known_columns(database)
    migrate(database)
    write_as(database, known)
    assert_of_version_1(database)


def test_going_back_before_versions_keeps_the_newest(database: Database) -> None:
    migrate(database)
    fill(database)
    migrate(database, "0001")
    assert "dataset_versions" not in inspect(database.engine).get_table_names()
    with database.engine.connect() as connection:
        for name in ("datasets", "runs", "models", "artifacts", "logs"):
            count = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            assert count == 1, name
        key = connection.execute(text("SELECT storage_key FROM datasets")).scalar_one()
    assert key == row_for(Base.metadata.tables["datasets"])["storage_key"]
    migrate(database)
    assert counts(database)["dataset_versions"] == 0


def test_an_api_from_before_keys_of_versions_still_writes(database: Database) -> None:
    migrate(database, "0002")
    known = known_columns(database)
    write_as(database, known)
    migrate(database)
    full = dict.fromkeys(Base.metadata.tables, 1)
    assert counts(database) == {**full, "dataset_version_keys": 0, "prediction_tallies": 0}
    migrate(database, "0002")
    assert known_columns(database) == known


def test_an_api_from_before_the_life_of_models_still_writes(database: Database) -> None:
    migrate(database, "0003")
    known = known_columns(database)
    migrate(database)
    write_as(database, known)
    with database.unit(write=False) as unit:
        run = unit.session.scalars(select(Run)).one()
        model = unit.session.scalars(select(ModelMeta)).one()
        job = unit.session.scalars(select(PredictionJob)).one()
    assert (run.finish_requested, job.kind) == (False, "predict")
    assert (model.champion_since, model.decision_json) == (None, None)
    full = dict.fromkeys(Base.metadata.tables, 1)
    assert counts(database) == {**full, "prediction_tallies": 0}
    migrate(database, "0003")
    assert known_columns(database) == known
    assert_counts_of_0003_stay(database)


def assert_counts_of_0003_stay(database: Database) -> None:
    with database.engine.connect() as connection:
        for name in ("runs", "models", "prediction_jobs"):
            count = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            assert count == 1, name


def test_migrating_twice_changes_nothing(database: Database) -> None:
    migrate(database)
    fill(database)
    before = shape(database)
    assert migrate(database) == head_revision()
    assert shape(database) == before
    assert set(counts(database).values()) == {1}


def test_the_tables_of_the_code_are_those_of_the_migrations(database: Database) -> None:
    migrate(database)
    with database.engine.connect() as connection:
        # Raises AutogenerateDiffsDetected, naming what differs.
        command.check(configuration(connection))
        assert current_revision(connection) == head_revision()


def test_there_is_one_line_of_revisions() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_three_processes_at_once_migrate_once(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    uam = Path(sys.executable).with_name("uam")
    started = [
        subprocess.Popen(
            [uam, "migrate"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], told
    assert set(shape(database)) == {*Base.metadata.tables, "alembic_version"}


@pytest.mark.parametrize("table", [User, Project])
def test_what_hangs_on_a_row_goes_with_it(database: Database, table: type[Base]) -> None:
    migrate(database)
    fill(database)
    with database.unit() as unit:
        unit.session.delete(unit.session.get_one(table, table.__tablename__))
    left = {name for name, count in counts(database).items() if count}
    owned_by_user = {"refresh_tokens", "api_keys", "users"}
    assert left == ({"trash"} if table is User else {"trash", *owned_by_user})


def test_times_and_documents_come_back_as_they_went_in(database: Database) -> None:
    migrate(database)
    fill(database)
    with database.unit(write=False) as unit:
        for known in Base.metadata.sorted_tables:
            stored = unit.session.execute(select(known)).one()._asdict()
            assert stored == row_for(known)
