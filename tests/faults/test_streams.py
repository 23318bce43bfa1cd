"""Streams of events: what many cost, and how one goes on over the death of its server."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import psutil
import pytest

from bench.streams import MB, open_stream
from tests import loopback
from tests.api.world import World
from tests.faults.frail import CONNECTIONS, Frail
from tests.faults.installation import EMBEDDED, Installation, until
from tests.faults.runs import EXPLORED
from tests.ports import free_port

STREAMS = 300
# A thousand may cost 100 MiB; a few hundred their share.
MB_PER_STREAM = 0.1


@pytest.mark.services
def test_hundreds_of_streams_cost_little_memory_and_no_connection(
    frail: Frail, frail_user: World
) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    installation = frail.installation
    with (
        installation.frozen(installation.part("worker")),
        installation.another("api", "--port", str(port)) as api,
    ):
        run_id = frail_user.start(dataset_id, **EXPLORED)
        until(lambda: _is_ready(url), what="the other API")
        asyncio.run(_open_many(frail, frail_user, url, run_id, api))
        # The worker is frozen, so that none of it is left to be undone.
        assert frail_user.api.delete(f"/runs/{run_id}").status_code == 204


async def _open_many(frail: Frail, user: World, url: str, run_id: str, api: psutil.Process) -> None:
    token = user.access_token
    first = [await _open(url, token, run_id) for _ in range(10)]
    before = api.memory_info().rss
    opened = []
    for _ in range(STREAMS // 10):
        opened += await asyncio.gather(*(_open(url, token, run_id) for _ in range(10)))
    await asyncio.sleep(1)
    cost = (api.memory_info().rss - before) / MB
    assert cost < STREAMS * MB_PER_STREAM
    # A part of the installation may be in the middle of a statement; streams would be for ever.
    until(lambda: connections(frail)[1] == 0, what="no transaction")
    assert connections(frail)[0] < CONNECTIONS
    assert user.api.get("/projects").status_code == 200
    for _, writer in (*first, *opened):
        writer.close()


def connections(frail: Frail) -> tuple[int, int]:
    """How many connections the database has, and how many of them wait in a transaction."""
    with frail.postgres.connect() as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in%') FROM pg_stat_activity "
            "WHERE backend_type = 'client backend'"
        ).fetchone()
    assert row is not None
    total, in_transaction = (int(str(value)) for value in row)
    return total, in_transaction


async def _open(
    url: str, token: str, run_id: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream, asked for again while the few connections are all taken by others."""
    while True:
        try:
            return await open_stream(url, token, run_id)
        except asyncio.IncompleteReadError as error:
            if not error.partial.startswith(b"HTTP/1.1 503 "):
                raise
            await asyncio.sleep(0.5)


def _is_ready(url: str) -> bool:
    try:
        return loopback.get(f"{url}/ready", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def read_events(
    user: World, run_id: str, after: int | None, until_s: float
) -> list[dict[str, Any]]:
    """The events of a stream until its end, the server's, or the time given."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + until_s
    event: dict[str, Any] = {}
    try:
        with user.api.stream("GET", f"/runs/{run_id}/events", headers=headers) as answer:
            if answer.status_code != 200:
                return found
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name in {"id", "event", "data"}:
                    event[name] = json.loads(value) if name == "data" else value
                elif event:
                    found.append(event)
                    event = {}
                if time.monotonic() > deadline:
                    break
    except httpx.TransportError:
        pass
    return found


@EMBEDDED
def test_a_stream_goes_on_where_its_server_was_killed(
    installation: Installation, user: World
) -> None:
    run_id = user.start(user.upload()["dataset_id"], **EXPLORED)
    events = read_events(user, run_id, None, 2)
    assert events
    killed = installation.kill_part("api")
    until(lambda: not killed.is_running(), what="the end of the API")
    deadline = time.monotonic() + 240
    while events[-1]["event"] != "done":
        assert time.monotonic() < deadline
        events += read_events(user, run_id, int(events[-1]["id"]), 240)
        time.sleep(0.2)
    done = events.pop()
    assert done["data"] == {"status": "COMPLETED"}
    assert [int(event["id"]) for event in events] == list(range(1, len(events) + 1))
    whole = read_events(user, run_id, None, 60)
    assert whole[:-1] == events
