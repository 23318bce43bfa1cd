"""Bringing a database to the schema of this version.

The library for it is only loaded when there is something to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from app.db.revisions import MIGRATIONS, current_revision, head_revision
from app.db.session import Database

if TYPE_CHECKING:
    from alembic.config import Config

# Any number; it keeps two processes that start at once from migrating at once.
ADVISORY_LOCK = 7_203_518


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(database: Database, revision: str = "head") -> str:
    """Upgrade (or downgrade) the database to ``revision``; returns where it stands then."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        current = current_revision(connection)
        if current is not None and current == (head_revision() if revision == "head" else revision):
            return current
        from alembic import command

        config = _config()
        config.attributes["connection"] = connection
        going_down = revision == "base" or (revision != "head" and _is_before(revision, current))
        (command.downgrade if going_down else command.upgrade)(config, revision)
        connection.commit()
        return current_revision(connection) or "base"


def _is_before(revision: str, current: str | None) -> bool:
    if current is None or revision == current:
        return False
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_config())
    return any(step.revision == revision for step in script.iterate_revisions(current, "base"))
