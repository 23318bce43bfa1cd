"""The engine and the unit of work.

A request or a stage step has one unit of work. Services never commit; the edge commits once,
and what must follow a commit (enqueue, publish, delete objects) is registered on the unit.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.config import Settings

logger = logging.getLogger(__name__)

# What is raised when the database is gone, goes, or has no connection or lock to give.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)

BUSY_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 3
POOL_TIMEOUT_S = 5
# Kept open by a process of PostgreSQL's clients, and at most when much is going on: a server
# takes a hundred by default, and every API process, worker and beat has its own.
KEPT_CONNECTIONS = 5
MAX_CONNECTIONS = 20
# A server whose machine is gone, or cut off, is given up after this long.
SILENCE_S = 20


class UnitOfWork:
    """A session and what is to happen once it is committed."""

    def __init__(self, session: Session, database: Database) -> None:
        self.session = session
        self.database = database
        self._after_commit: list[Callable[[], None]] = []

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run ``action`` after the commit; its failure is logged and undoes nothing."""
        self._after_commit.append(action)

    def now(self) -> datetime:
        """The time by the database's clock, the only one that every machine shares."""
        if self.session.get_bind().dialect.name == "sqlite":
            return datetime.now(UTC)
        # Reading the clock shall not flush a row that is still being filled in.
        with self.session.no_autoflush:
            value = self.session.scalars(select(func.clock_timestamp())).one()
        assert isinstance(value, datetime)
        return value.astimezone(UTC)

    def commit(self) -> None:
        """Commit, then do what was waiting for it."""
        self.session.commit()
        actions, self._after_commit = self._after_commit, []
        for action in actions:
            try:
                action()
            except Exception:
                logger.exception("an action after the commit failed")


class Database:
    """The engine of one process. Connections are made when first needed."""

    def __init__(self, settings: Settings, connections: int = MAX_CONNECTIONS) -> None:
        """``connections`` is how many there are at most."""
        self.engine = _make_engine(settings, connections)

    def ask(self) -> None:
        """Return once the database has answered. Raises SQLAlchemy's errors when it refuses."""
        engine = self.engine.execution_options(uam_write=False)
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    @contextmanager
    def unit(self, *, write: bool = True) -> Iterator[UnitOfWork]:
        """A unit of work, committed at the end and rolled back on any error.

        On SQLite a writing unit takes the write lock when it begins: a transaction that
        read first and writes later would otherwise fail instead of waiting its turn.
        """
        engine = self.engine.execution_options(uam_write=write)
        with Session(engine, expire_on_commit=False) as session:
            unit = UnitOfWork(session, self)
            try:
                yield unit
                unit.commit()
            except BaseException:
                # Not left to the session's end: that would keep what was added for stored.
                session.rollback()
                raise

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _make_engine(settings: Settings, connections: int) -> Engine:
    if settings.is_postgres:
        kept = min(KEPT_CONNECTIONS, connections)
        return create_engine(
            settings.sqlalchemy_url,
            pool_size=kept,
            max_overflow=connections - kept,
            pool_timeout=POOL_TIMEOUT_S,
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60000",
                "tcp_user_timeout": SILENCE_S * 1000,
                "keepalives_idle": SILENCE_S // 2,
                "keepalives_interval": SILENCE_S // 4,
                "keepalives_count": 2,
            },
        )
    if not settings.database_url:
        settings.uam_home.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        settings.sqlalchemy_url,
        # Connections to a file are cheap, and a writer keeps its own while it waits its turn.
        pool_size=connections,
        max_overflow=connections,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transaction handling would begin too late: `_begin_sqlite` does it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("uam_write", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
