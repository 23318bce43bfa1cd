"""Is every part there? Each check is short and none waits for another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow

import redis

from app.db.migrate import current_revision, head_revision
from app.web import Resources

CHECK_TIMEOUT_S = 1.8

_pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="ready")


def _database(held: Resources) -> None:
    with held.database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")


def _migrations(held: Resources) -> None:
    with held.database.engine.connect() as connection:
        at = current_revision(connection)
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


def check_all(held: Resources) -> dict[str, str]:
    """``{part: "ok" | why not}``, within two seconds whatever hangs."""
    pending = {name: _pool.submit(check, held) for name, check in CHECKS.items()}
    report: dict[str, str] = {}
    for name, future in pending.items():
        try:
            future.result(timeout=CHECK_TIMEOUT_S)
            report[name] = "ok"
        except TooSlow:
            report[name] = "does not answer"
        except Exception as error:
            # The class alone: a driver's message may hold addresses and names.
            report[name] = f"down ({type(error).__name__})"
    return report
