"""Rate limits: sign-in failures and registrations, counted in Redis where there is one.

While Redis is away each process counts in its own memory, so that sign-in keeps working
and stays limited.
"""

from __future__ import annotations

import logging
import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from app.core.redis_urls import for_limits

logger = logging.getLogger(__name__)

# A Redis that does not answer costs one request this long, and is left alone for a while.
ANSWER_S = 0.5
LEFT_ALONE_S = 5.0
LOGIN_FAILURES = RateLimitItemPerMinute(10, 5, namespace="uam-login")
REGISTRATIONS = RateLimitItemPerMinute(60, 1, namespace="uam-register")


class RateLimits:
    """The limits of one installation."""

    def __init__(self, redis_url: str) -> None:
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        self._left_alone_until = 0.0
        if redis_url:
            storage = RedisStorage(
                for_limits(redis_url),
                wrap_exceptions=True,
                socket_timeout=ANSWER_S,
                socket_connect_timeout=ANSWER_S,
            )
            self._shared = MovingWindowRateLimiter(storage)

    def login_blocked_for(self, address: str, account: str) -> int | None:
        """Seconds until this account may be tried again from this address; ``None`` if now."""
        return self._wait(LOGIN_FAILURES, address, account)

    def login_failed(self, address: str, account: str) -> bool:
        """Count a failed sign-in; ``False`` when the limit was reached before it."""
        return self._hit(LOGIN_FAILURES, address, account)

    def register(self, address: str) -> int | None:
        """Count a registration; seconds to wait when the address has used up its share."""
        return None if self._hit(REGISTRATIONS, address) else self._wait(REGISTRATIONS, address)

    def _hit(self, item: RateLimitItem, *keys: str) -> bool:
        shared = self._reachable()
        if shared is not None:
            try:
                return bool(shared.hit(item, *keys))
            except StorageError:
                self._leave_alone()
        return bool(self._local.hit(item, *keys))

    def _wait(self, item: RateLimitItem, *keys: str) -> int | None:
        for limiter in (self._reachable(), self._local):
            if limiter is None:
                continue
            try:
                if not limiter.test(item, *keys):
                    reset = limiter.get_window_stats(item, *keys).reset_time
                    return max(1, math.ceil(reset - time.time()))
            except StorageError:
                self._leave_alone()
        return None

    def _reachable(self) -> MovingWindowRateLimiter | None:
        return self._shared if time.monotonic() >= self._left_alone_until else None

    def _leave_alone(self) -> None:
        logger.warning("Redis is away: rate limits are counted per process")
        self._left_alone_until = time.monotonic() + LEFT_ALONE_S
