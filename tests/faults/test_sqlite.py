"""The embedded database under many writers, and killed in the middle of their transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.api.world import World
from tests.faults.installation import EMBEDDED, Installation, until

WRITERS = 20
BUSY_S = 3.0
KILLS = 3


@dataclass
class Writers:
    """Threads that make projects until they are told to end."""

    user: World
    made: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Writers:
        self._threads = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        api = self.user.server.client(self.user.access_token)
        while not self.ended.is_set():
            try:
                answer = api.post("/projects", json={"name": "P"})
            except httpx.TransportError:
                self.unanswered += 1
                time.sleep(0.1)
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                self.made.append(answer.json()["id"])


@EMBEDDED
def test_twenty_writers_never_find_it_locked(installation: Installation, user: World) -> None:
    with Writers(user) as writers:
        time.sleep(BUSY_S)
    assert writers.statuses.keys() == {201}
    assert writers.unanswered == 0
    assert len(writers.made) >= WRITERS


@EMBEDDED
def test_a_lock_that_is_held_keeps_writers_waiting_and_readers_not(
    installation: Installation, user: World
) -> None:
    answers: list[int] = []
    writer = threading.Thread(
        target=lambda: answers.append(user.api.post("/projects", json={"name": "P"}).status_code)
    )
    holder = sqlite3.connect(installation.home / "uam.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        writer.start()
        reader = user.server.client(user.access_token)
        deadline = time.monotonic() + BUSY_S
        while time.monotonic() < deadline:
            assert reader.get("/projects").status_code == 200
        assert reader.get("/ready").status_code == 200
        assert answers == []
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    writer.join()
    assert answers == [201]


@EMBEDDED
def test_what_was_answered_outlives_an_api_that_is_killed(
    installation: Installation, user: World
) -> None:
    with Writers(user) as writers:
        for _ in range(KILLS):
            before = len(writers.made)
            until(lambda before=before: len(writers.made) > before + WRITERS, what="writes")
            killed = installation.kill_part("api")
            until(lambda killed=killed: not killed.is_running(), what="the end of the API")
            until(lambda: installation.part("api"), what="the next API")
        before = len(writers.made)
        until(lambda: len(writers.made) > before + WRITERS, what="writes")
    assert writers.statuses.keys() <= {201, 503}
    listed: set[str] = set()
    while page := user.api.get("/projects", params={"limit": 500, "offset": len(listed)}).json():
        listed |= {project["id"] for project in page}
    assert set(writers.made) <= listed
    with sqlite3.connect(installation.home / "uam.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
