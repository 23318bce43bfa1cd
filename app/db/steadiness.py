"""Whether what a database says about time can be acted upon.

A lease that ran out while the database was away, frozen, or had its clock set says nothing
about its holder, who could not renew it. Whoever judges leases waits a little after such a
moment, in which every holder that lives renews its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger(__name__)

# Holders look every second, and try again as often while the database is away; on a busy
# machine they take a few seconds to come back.
HOLD_S = 5.0
PROMPT_S = 1.0


class Steadiness:
    """Notes how a database has answered lately, and how true its clock has run."""

    def __init__(self, lease_seconds: float = 30.0) -> None:
        """A third of a lease is the longest that an answer, or a step of the clock, passes for none."""
        self._prompt_s = min(PROMPT_S, lease_seconds / 3)
        self._offset: float | None = None
        self._holds_from = 0.0

    def shaken(self) -> None:
        """The database did not answer at all."""
        self._holds_from = time.monotonic() + HOLD_S

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note when a question that is asked in the block fails, or is answered late."""
        asked = time.monotonic()
        try:
            yield
        except SQLAlchemyError:
            self.shaken()
            raise
        if time.monotonic() - asked > self._prompt_s:
            self.shaken()

    def holds(self, asked: float, told: datetime) -> bool:
        """Whether an answer can be acted upon.

        ``asked`` is when it was asked for, by this machine's monotonic clock, and ``told`` the
        time that the database gave with it.
        """
        now = time.monotonic()
        offset = told.timestamp() - now
        stepped = self._offset is not None and abs(offset - self._offset) > self._prompt_s
        self._offset = offset
        if stepped or now - asked > self._prompt_s:
            logger.warning("the database was slow, or its clock was set: leases get a respite")
            self.shaken()
        return now >= self._holds_from
