"""The gate before the database: while it is away, requests are told so at once.

A database that is gone refuses connections; one that is frozen answers nothing, and every
thread that asks it hangs. The gate asks by a thread and a connection of its own; on an error,
or when no answer came for a while, it closes, turns new requests away and answers for those
that hang, so that no caller waits and no thread pool runs dry. An answer opens it again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.problem_answers import MEDIA_TYPE
from app.core.problems import RETRY_AFTER_S
from app.db.session import Database

logger = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
FROZEN_AFTER_S = 2.5

# What needs no database, and must answer whatever is down.
OPEN = ("/health", "/ready", "/docs", "/openapi.json", "/console/", "/files/")


class DatabaseGate:
    """Knows whether the database answers; told by a thread, and read anywhere."""

    def __init__(self, database: Database) -> None:
        """``database`` is asked by this gate alone: whoever shares it might wait for others."""
        self._database = database
        self._answered = time.monotonic()
        self._refused = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="database-gate", daemon=True)

    @property
    def closed(self) -> bool:
        """Whether the last question was refused, or one has waited for its answer too long."""
        return self._refused or time.monotonic() - self._answered > FROZEN_AFTER_S

    def start(self) -> None:
        """Begin to ask."""
        self._answered = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _ask(self) -> None:
        while not self._ended.wait(ASK_EVERY_S):
            try:
                self._database.ask()
            except SQLAlchemyError as error:
                if not self.closed:
                    logger.warning("the database is away: %s", type(error).__name__)
                self._refused = True
                continue
            if self.closed:
                logger.warning("the database answers again")
            self._answered = time.monotonic()
            self._refused = False


class GateMiddleware:
    """Answers 503 for every request that the database keeps waiting."""

    def __init__(self, app: ASGIApp, gate: DatabaseGate) -> None:
        self._app = app
        self._gate = gate
        self._hanging: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or turn it away."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path == "/" or path.startswith(OPEN):
            await self._app(scope, receive, send)
            return
        if self._gate.closed:
            await self._refuse(scope, send)
            return
        begun = False
        abandoned = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if not abandoned:
                begun = True
                await send(message)

        task = asyncio.ensure_future(self._serve(scope, receive, guarded))
        try:
            # An answer that has begun can only be waited for: a stream of events stays open.
            while not task.done() and not begun:
                await asyncio.wait({task}, timeout=ASK_EVERY_S)
                if not task.done() and not begun and self._gate.closed:
                    abandoned = True
                    self._hanging.add(task)
                    task.add_done_callback(self._hanging.discard)
                    await self._refuse(scope, send)
                    return
        except asyncio.CancelledError:
            task.cancel()
            raise
        await task

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @staticmethod
    async def _refuse(scope: Scope, send: Send) -> None:
        body = {
            "type": "urn:uam:problem:unavailable",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "The database does not answer at the moment; try again shortly.",
            "instance": scope["path"],
        }
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"retry-after", str(RETRY_AFTER_S).encode()),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})
