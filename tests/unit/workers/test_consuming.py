"""A worker leaves the queue of work while the database is of another version's schema."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.config import Settings
from app.core.queue import QUEUE
from app.db.currency import SchemaCheck
from app.db.migrate import migrate
from app.db.revisions import head_revision
from app.db.session import Database
from app.workers.consuming import Intake


class Consumer:
    """Notes what it is told; ``told`` is set with each word."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.told = threading.Event()

    def call_soon(self, action: Callable[..., Any], *args: Any) -> None:
        action(*args)
        self.told.set()

    def cancel_task_queue(self, queue: str) -> None:
        self.heard.append(("cancel", queue))

    def add_task_queue(self, queue: str) -> None:
        self.heard.append(("add", queue))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(Settings(uam_home=tmp_path, _env_file=None))
    migrate(opened)
    yield opened
    opened.dispose()


def set_revision(database: Database, revision: str) -> None:
    with database.unit() as unit:
        unit.session.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": revision})


def test_the_queue_is_left_once_and_taken_up_again(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    consumer, intake = Consumer(), Intake(SchemaCheck(database, "this worker"), 0.02)
    with caplog.at_level(logging.WARNING):
        intake.watch(consumer)
        assert intake.is_open()
        assert consumer.heard == []
        set_revision(database, "9999")
        assert [intake.is_open() for _ in range(5)] == [False] * 5
        assert consumer.heard == [("cancel", QUEUE)]
        consumer.told.clear()
        set_revision(database, head_revision())
        assert consumer.told.wait(30)
    assert consumer.heard == [("cancel", QUEUE), ("add", QUEUE)]
    assert intake.is_open()
    assert len(caplog.messages) == 2
    assert "does not know" in caplog.messages[0]
    assert "works again" in caplog.messages[1]


def test_a_worker_before_its_migration_begins_with_nothing(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(database, "base")
    consumer, intake = Consumer(), Intake(SchemaCheck(database, "this worker"), 0.02)
    intake.watch(consumer)
    assert consumer.heard == [("cancel", QUEUE)]
    assert "uam migrate" in caplog.messages[0]
    consumer.told.clear()
    migrate(database)
    assert consumer.told.wait(30)
    assert intake.is_open()
