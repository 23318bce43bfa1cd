"""Whether this worker still consumes, and what becomes of one that does not.

A worker can be connected, answer a ping, and yet take no message any more, as after some
reconnections of Celery to Redis (celery issue 8030). So each worker sends itself canaries,
through a queue of its own that it consumes on the same connection and with the same slots as
its work. While all slots are at work no canary can be consumed, and the work is the sign of life.
Several canaries that the broker took and nobody consumed, with a slot free all the while, end
the process; its supervisor or restart policy starts it anew.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from app.config import Settings
from app.core.queue import CANARY_TASK, QUEUE, send_canary

logger = logging.getLogger(__name__)

PATIENCE_S = 60.0
SHORTEST_PATIENCE_S = 6.0
CANARIES = 4
SHUTDOWN_S = 20.0
FORGET_S = 3600
DAY_S = 86_400.0


def patience_s(settings: Settings) -> float:
    """How long a worker may consume nothing: a minute, or two leases where they are short."""
    return min(PATIENCE_S, max(SHORTEST_PATIENCE_S, 2 * settings.lease_seconds))


def is_no_canary(record: logging.LogRecord) -> bool:
    """Whether a line of Celery's log is about anything else: canaries would fill it."""
    return f"Task {CANARY_TASK}[" not in record.getMessage()


class Canaries:
    """Watches over the consuming of one worker process, which works in ``slots`` slots."""

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.worker_slots
        self._settings = settings
        self._working = 0
        self._unanswered = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        name = f"{socket.gethostname()}-{os.getpid()}"
        self.queue = f"{QUEUE}.canary.{name}"
        self._sign = _signs(settings) / name

    def start(self) -> None:
        """Begin to send, once the worker is there to consume."""
        self._sign.parent.mkdir(parents=True, exist_ok=True)
        _forget_dead(self._sign.parent)
        self._live()
        threading.Thread(target=self._watch, name="canaries", daemon=True).start()

    def stop(self) -> None:
        """Send no more, and leave no sign of life behind."""
        self._ended.set()
        self._sign.unlink(missing_ok=True)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around the work at one message: it was consumed, and it takes a slot."""
        self.consumed()
        with self._lock:
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1

    def consumed(self) -> None:
        """A message has come."""
        self._unanswered = 0
        self._live()

    def _live(self) -> None:
        """Leave the sign that :func:`check` looks at; monotonic, so that no clock can be set."""
        with suppress(OSError):
            self._sign.write_text(f"{time.monotonic():.1f}")

    def _watch(self) -> None:
        while not self._ended.wait(patience_s(self._settings) / CANARIES):
            if self._working >= self.slots:
                self.consumed()
                continue
            if self._unanswered >= CANARIES:
                self._give_up()
                return
            # What the broker does not take says nothing about this worker.
            self._unanswered = self._unanswered + 1 if send_canary(self.queue) else 0
            self._let_expire()

    def _let_expire(self) -> None:
        """What the broker keeps of this queue goes with its worker, even if that is killed."""
        with (
            suppress(redis.RedisError),
            redis.Redis.from_url(
                self._settings.redis_url, socket_timeout=2, socket_connect_timeout=2
            ) as client,
        ):
            for key in (self.queue, f"_kombu.binding.{self.queue}"):
                client.expire(key, FORGET_S)

    def _give_up(self) -> None:
        logger.critical("this worker consumes nothing any more; it ends, to be started again")
        self._sign.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SHUTDOWN_S)
        # It does not even end.
        os._exit(1)


def _signs(settings: Settings) -> Path:
    return settings.uam_home / "workers"


def _forget_dead(directory: Path) -> None:
    """Remove the signs of workers that were killed; those of other hosts after a day."""
    mine = f"{socket.gethostname()}-"
    for sign in directory.iterdir():
        with suppress(OSError):
            here = sign.name.startswith(mine)
            if not (_lives(sign.name.removeprefix(mine)) if here else _is_of_today(sign)):
                sign.unlink()


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _is_of_today(sign: Path) -> bool:
    return time.time() - sign.stat().st_mtime < DAY_S


def check(settings: Settings) -> str:
    """Why the workers of this machine are not all well, in a sentence; empty when they are.

    Well is a worker that has consumed within the last minute, or works in all its slots.
    """
    mine = f"{socket.gethostname()}-"
    ages = []
    for sign in _signs(settings).glob(f"{mine}*"):
        with suppress(OSError, ValueError):
            if _lives(sign.name.removeprefix(mine)):
                ages.append(time.monotonic() - float(sign.read_text()))
    if not ages:
        return "no worker runs here"
    oldest = max(ages)
    # A sign is written with fewer digits than the clock has: a fresh one may seem to be ahead.
    if not all(-1 <= age <= patience_s(settings) for age in ages):
        return f"a worker has consumed nothing for {oldest:.0f} s"
    return ""
