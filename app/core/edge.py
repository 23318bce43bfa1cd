"""Small ASGI middleware at the edge: body size, response headers, trailing slashes."""

from __future__ import annotations

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON_BODY_BYTES = 64 * 1024 * 1024
# What a multipart envelope may add to the file itself.
ENVELOPE_BYTES = 1024 * 1024


class _TooLarge(Exception):
    pass


class BodyLimitMiddleware:
    """Answers 413 as soon as a body passes its limit: at once when its length is declared."""

    def __init__(self, app: ASGIApp, max_upload_bytes: int) -> None:
        self._app = app
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        multipart = headers.get("content-type", "").startswith("multipart/form-data")
        limit = self._max_upload_bytes + ENVELOPE_BYTES if multipart else JSON_BODY_BYTES
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await self._refuse(scope, send, limit)
            return
        seen = 0
        refused = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLarge
            return message

        async def guarded(message: Message) -> None:
            # The frameworks above turn what `counted` raises into answers of their own.
            nonlocal refused
            if seen > limit and message["type"] == "http.response.start":
                refused = True
                await self._refuse(scope, send, limit)
            if not refused:
                await send(message)

        try:
            await self._app(scope, counted, guarded)
        except _TooLarge:
            if not refused:
                await self._refuse(scope, send, limit)

    @staticmethod
    async def _refuse(scope: Scope, send: Send, limit: int) -> None:
        body = {
            "type": "urn:uam:problem:too-large",
            "title": "Content Too Large",
            "status": 413,
            "detail": f"The request is larger than {limit // 1024 // 1024} MB.",
            "instance": scope["path"],
        }
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'{origins}; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)


class SecurityHeadersMiddleware:
    """Tells browsers to guess nothing, frame nothing and run nothing that is not UAM's."""

    def __init__(self, app: ASGIApp, link_origin: str = "") -> None:
        self._app = app
        # The console reads charts by signed links, which may lead to the object store.
        self._policy = PAGE_POLICY.format(origins=f" {link_origin}" if link_origin else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Content-Security-Policy", self._policy)
            await send(message)

        await self._app(scope, receive, guarded)


class TrailingSlashMiddleware:
    """``/datasets/`` is ``/datasets``: no redirect, which would drop the Authorization header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path", "")
        http = scope["type"] == "http"
        if http and len(path) > 1 and path.endswith("/") and not path.startswith("/files/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        await self._app(scope, receive, send)
