"""Bringing a database to the schema of this version, and telling whether it is there."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.db.session import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
# Any number; it keeps two processes that start at once from migrating at once.
ADVISORY_LOCK = 7_203_518


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@lru_cache(maxsize=1)
def head_revision() -> str:
    """The newest revision that this version ships."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError(f"no migrations in {MIGRATIONS}")
    return head


def is_known(revision: str | None) -> bool:
    """Whether this version ships that revision, or the database is still empty."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return revision is None or any(step.revision == revision for step in steps)


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; ``None`` when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(database: Database, revision: str = "head") -> str:
    """Upgrade (or downgrade) the database to ``revision``; returns where it stands then."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        config = _config()
        config.attributes["connection"] = connection
        current = current_revision(connection)
        going_down = revision == "base" or (revision != "head" and _is_before(revision, current))
        (command.downgrade if going_down else command.upgrade)(config, revision)
        connection.commit()
        return current_revision(connection) or "base"


def _is_before(revision: str, current: str | None) -> bool:
    if current is None or revision == current:
        return False
    script = ScriptDirectory.from_config(_config())
    return any(step.revision == revision for step in script.iterate_revisions(current, "base"))
