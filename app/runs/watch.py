"""Following runs live: one watcher a process, whatever the number of streams.

The watcher asks the database once for all runs that somebody follows, when the bell rings
and else every so often; a stream waits in memory and holds no connection meanwhile. Streams
that are at the same place of a run share what is read for them. While the database is away
they stay open and wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.core.lanes import Lane
from app.core.queue import CHANNEL
from app.db.session import Database
from app.db.tables import Log, Run
from app.runs.states import TERMINAL

logger = logging.getLogger(__name__)

POLL_S = 1.0
BELL_RETRY_S = 2.0
BATCH = 500
# Threads, and so connections, that all streams of a process read with.
READERS = 4

Batch = tuple[list[dict[str, Any]], str, int]


class RunWatcher:
    """Wakes the streams of a run when it has news."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database = database
        self._redis_url = redis_url
        self._followers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._known: dict[str, int] = {}
        self._lane = Lane(READERS)
        self._reading: dict[tuple[str, int, int | None], asyncio.Task[Batch | None]] = {}
        self._rung = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.closing = asyncio.Event()

    async def __aenter__(self) -> RunWatcher:
        self._tasks = [asyncio.create_task(self._poll())]
        if self._redis_url:
            self._tasks.append(asyncio.create_task(self._listen()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """End every stream; their clients resume elsewhere."""
        self.closing.set()
        for events in self._followers.values():
            for event in events:
                event.set()

    async def follow(self, run_id: str, after: int) -> AsyncIterator[dict[str, Any]]:
        """The run's events after number ``after``, as they come, and a ``done`` at its end.

        Each is ``{"id", "event", "data"}``. Ends without ``done`` when the run is deleted or
        the server shuts down.
        """
        news = asyncio.Event()
        self._followers[run_id].add(news)
        try:
            while not self.closing.is_set():
                news.clear()
                try:
                    batch = await self._batch(run_id, after)
                except SQLAlchemyError as error:
                    logger.warning("following a run: %s", type(error).__name__)
                    await asyncio.sleep(POLL_S)
                    continue
                if batch is None:
                    return
                events, status, last = batch
                for event in events:
                    after = int(event["id"])
                    yield event
                if len(events) == BATCH:
                    continue
                if status in TERMINAL and after >= last:
                    yield {"id": str(after), "event": "done", "data": {"status": status}}
                    return
                await news.wait()
        finally:
            self._followers[run_id].discard(news)
            if not self._followers[run_id]:
                del self._followers[run_id]
                self._known.pop(run_id, None)

    async def _batch(self, run_id: str, after: int) -> Batch | None:
        """What :meth:`_read` finds, read once for all that ask for it at the same time.

        The number that is known is part of the key: whoever was woken for an event must not
        share a read that began before that event was there.
        """
        key = (run_id, after, self._known.get(run_id))
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.create_task(self._lane.run(self._read, run_id, after))
            self._reading[key] = reading
            reading.add_done_callback(lambda _: self._reading.pop(key, None))
        # One follower that goes away must not end the read of the others.
        return await asyncio.shield(reading)

    def _read(self, run_id: str, after: int) -> Batch | None:
        with self._database.unit(write=False) as unit:
            run = unit.session.execute(
                select(Run.status, Run.event_seq).where(Run.id == run_id)
            ).first()
            if run is None:
                return None
            rows = unit.session.scalars(
                select(Log)
                .where(Log.run_id == run_id, Log.seq > after)
                .order_by(Log.seq)
                .limit(BATCH)
            ).all()
        return [event_of(row) for row in rows], run.status, run.event_seq

    async def _poll(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), POLL_S)
            self._rung.clear()
            if not self._followers:
                continue
            try:
                numbers = await self._lane.run(self._numbers, list(self._followers))
            except SQLAlchemyError as error:
                logger.warning("watching runs: %s", type(error).__name__)
                continue
            for run_id in list(self._followers):
                number = numbers.get(run_id, -1)
                if self._known.get(run_id) != number:
                    self._known[run_id] = number
                    for event in self._followers.get(run_id, ()):
                        event.set()

    def _numbers(self, run_ids: list[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        with self._database.unit(write=False) as unit:
            for start in range(0, len(run_ids), BATCH):
                part = run_ids[start : start + BATCH]
                rows = unit.session.execute(
                    select(Run.id, Run.event_seq).where(Run.id.in_(part))
                ).all()
                found.update({row.id: row.event_seq for row in rows})
        return found

    async def _listen(self) -> None:
        while True:
            try:
                async with (
                    redis.asyncio.Redis.from_url(self._redis_url) as client,
                    client.pubsub() as channel,
                ):
                    await channel.subscribe(CHANNEL)
                    async for _message in channel.listen():
                        self._rung.set()
            except (RedisError, OSError):
                # Without the bell the poll is the only ear.
                await asyncio.sleep(BELL_RETRY_S)


def event_of(row: Log) -> dict[str, Any]:
    """A stored event as a stream sends it."""
    if row.event == "log":
        stamp = row.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data: dict[str, Any] = {"timestamp": stamp, "level": row.level, "message": row.message}
    else:
        data = row.data_json or {}
    return {"id": str(row.seq), "event": row.event, "data": data}
