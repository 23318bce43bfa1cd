"""How a worker takes messages in: no message and no refusal of the broker ends the worker.

Kombu's Redis transport raises whatever reading a broken message raises, and Celery's worker
ends with it. Anybody who may write to the broker, or one bad disk, could stop every worker.
"""

from __future__ import annotations

import logging
from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis

logger = logging.getLogger(__name__)

# What kombu's reading raises on bytes that are no message of its own.
_UNREADABLE = (ValueError, LookupError, TypeError)


class Channel(kombu_redis.Channel):
    """A channel on which a broken message costs a line of the log."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except _UNREADABLE:
            # It was taken off the queue already. If it was the bell of a run, the run's row is
            # there and the beat rings again.
            logger.exception("refused what is no message")
            return True


class Transport(kombu_redis.Transport):
    """The Redis transport with that channel, patient with a broker that refuses."""

    Channel = Channel

    # Celery answers these by connecting anew, until that works. A broker may be there and refuse
    # every command for a while: its disk is full, or it has become a replica.
    connection_errors = (*kombu_redis.Transport.connection_errors, redis.ResponseError)


def install() -> None:
    """Let every ``redis://`` and ``rediss://`` of this process be read so."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
