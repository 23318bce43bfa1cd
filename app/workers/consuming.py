"""Whether this worker takes work: not while the database is of another version's schema.

A message that comes all the same is dropped without touching its run: the run's row says what
is due, and a beat of the right version sends it again. The queue of work is left alone from
then on, or this worker would go on taking what others could do; its own queue of canaries is
consumed as ever, so that it is seen to live.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from app.core.queue import QUEUE
from app.db.currency import SchemaCheck

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0


class Consumer(Protocol):
    """What is used of Celery's consumer."""

    def call_soon(self, action: Callable[..., Any], *args: Any) -> Any:
        """Have ``action`` called by the thread that consumes."""

    def cancel_task_queue(self, queue: str) -> None:
        """Consume ``queue`` no more."""

    def add_task_queue(self, queue: str) -> None:
        """Consume ``queue``, too."""


class Intake:
    """Opens and closes the queue of work of one worker process."""

    def __init__(self, schema: SchemaCheck, lease_seconds: float) -> None:
        self._schema = schema
        self._look_every_s = min(LOOK_EVERY_S, lease_seconds / 2)
        self._consumer: Consumer | None = None
        self._closed = False
        self._lock = threading.Lock()

    def watch(self, consumer: Consumer) -> None:
        """Begin with a worker that is up; one that is ahead of its database takes nothing."""
        self._consumer = consumer
        try:
            self.is_open()
        except SQLAlchemyError as error:
            # The first message will ask again.
            logger.warning("the database is away: %s", type(error).__name__)

    def is_open(self) -> bool:
        """Whether work may be claimed now. Raises SQLAlchemy's errors."""
        if self._schema.fits():
            return True
        with self._lock:
            if not self._closed:
                self._closed = True
                self._tell(lambda consumer: consumer.cancel_task_queue(QUEUE))
                threading.Thread(target=self._reopen, name="intake", daemon=True).start()
        return False

    def _reopen(self) -> None:
        """Wait until the schema is this version's, and consume again."""
        pause = threading.Event()
        while not self._fits():
            pause.wait(self._look_every_s)
        with self._lock:
            self._closed = False
            self._tell(lambda consumer: consumer.add_task_queue(QUEUE))

    def _fits(self) -> bool:
        try:
            return self._schema.fits()
        except SQLAlchemyError:
            return False

    def _tell(self, action: Callable[[Consumer], None]) -> None:
        if self._consumer is not None:
            self._consumer.call_soon(action, self._consumer)
