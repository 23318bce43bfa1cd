"""Is every part there? Each check is short and none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import redis

from app.db.revisions import current_revision, head_revision
from app.resources import Resources

CHECK_TIMEOUT_S = 1.5

_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="ready")
_pending: dict[str, Future[str]] = {}


def _database(held: Resources) -> None:
    held.probe.ask()


def _migrations(held: Resources) -> None:
    with held.probe.unit(write=False) as unit:
        at = current_revision(unit.session.connection())
    if at != head_revision():
        raise RuntimeError(f"the database is at revision {at}, not {head_revision()}")


def _broker(held: Resources) -> None:
    url = held.settings.redis_url
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        client.ping()


def _storage(held: Resources) -> None:
    held.storage.check()


CHECKS: dict[str, Callable[[Resources], None]] = {
    "database": _database,
    "broker": _broker,
    "storage": _storage,
    "migrations": _migrations,
}


async def check_all(held: Resources) -> dict[str, str]:
    """``{part: "ok" | why not}``, within two seconds whatever hangs.

    A check that still hangs from an earlier call is waited for, not begun again: a part that
    is frozen for an hour costs one thread, not one for each probe.
    """
    for name, check in CHECKS.items():
        if name not in _pending or _pending[name].done():
            _pending[name] = _pool.submit(_answer, check, held)
    pending = dict(_pending)
    futures = [asyncio.wrap_future(future) for future in pending.values()]
    await asyncio.wait(futures, timeout=CHECK_TIMEOUT_S)
    return {
        name: future.result() if future.done() else "does not answer"
        for name, future in pending.items()
    }


def _answer(check: Callable[[Resources], None], held: Resources) -> str:
    try:
        check(held)
    except Exception as error:
        # The class alone: a driver's message may hold addresses and names.
        return f"down ({type(error).__name__})"
    return "ok"
