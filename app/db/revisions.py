"""Which schema this version ships, and which one a database has, without what migrates it.

Every process asks this, and one of them migrates: importing Alembic takes each half a second.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@lru_cache(maxsize=1)
def known_revisions() -> tuple[str, ...]:
    """The revisions that this version ships, oldest first: their files' names begin with them.

    Raises :class:`RuntimeError` when none are there.
    """
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    found = tuple(sorted(file.name.partition("_")[0] for file in files))
    if not found:
        raise RuntimeError(f"no migrations in {MIGRATIONS}")
    return found


def head_revision() -> str:
    """The newest revision that this version ships."""
    return known_revisions()[-1]


def is_known(revision: str | None) -> bool:
    """Whether this version ships that revision, or the database is still empty."""
    return revision is None or revision in known_revisions()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; ``None`` when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
