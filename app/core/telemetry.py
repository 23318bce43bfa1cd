"""Seeing inside: structured logs, request ids, Prometheus metrics, Sentry."""

from __future__ import annotations

import logging
import os
import re
import time
import uuid
from contextvars import ContextVar
from typing import Any

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings

REQUEST_ID_HEADER = "X-Request-ID"
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
request_id_var: ContextVar[str | None] = ContextVar("request_id", default=None)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "path", "status"])
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time until the answer began.",
    ["method", "path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
STAGE_SECONDS = Histogram(
    "uam_stage_duration_seconds",
    "Time a finished stage took.",
    ["stage"],
    buckets=(1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600),
)
PREDICTIONS = Counter("uam_predictions_total", "Rows predicted.", ["kind"])


def new_request_id() -> str:
    """A fresh id for a request that brought none."""
    return uuid.uuid4().hex


def _add_request_id(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    request_id = request_id_var.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def configure_logging(settings: Settings) -> None:
    """Send every log line, the libraries' too, through one renderer to stderr."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    )
    final: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_format == "json":
        final.append(structlog.processors.format_exc_info)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[*final, renderer]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in (
        "uvicorn.access",
        "urllib3",
        "httpx",
        "kombu",
        "amqp",
        "alembic",
        "python_multipart",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in settings.unused:
        root.warning("%s is set, but this version does not use it yet", name)
    for own in ("uvicorn", "uvicorn.error", "gunicorn.error"):
        logging.getLogger(own).handlers = []
        logging.getLogger(own).propagate = True


def configure_sentry(settings: Settings, part: str) -> None:
    """Report errors to Sentry when ``SENTRY_DSN`` is set; never request bodies or users."""
    if not settings.sentry_dsn:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
    )
    sentry_sdk.set_tag("part", part)


def metrics_page(*collectors: Collector) -> tuple[bytes, str]:
    """The metrics and their content type: this process's, or those of all that share a directory.

    ``PROMETHEUS_MULTIPROC_DIR`` is the library's own variable: with it several processes
    write into one directory, and each can answer for all. ``collectors`` add what is
    counted at this moment.
    """
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    if MULTIPROCESS_VARIABLE in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(REGISTRY) + generate_latest(registry), CONTENT_TYPE_LATEST


def serve_metrics(settings: Settings) -> None:
    """Answer ``/metrics`` of a worker or a beat on ``UAM_METRICS_PORT``, where one is set."""
    if settings.metrics_port:
        start_http_server(settings.metrics_port)


def _route_path(scope: Scope) -> str:
    """The route's template, so that ids do not become label values."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "(none)"


class TelemetryMiddleware:
    """Gives each request its id, and counts and times it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(REQUEST_ID_HEADER.lower().encode(), b"").decode("latin-1")
        request_id = given if _SAFE_ID.fullmatch(given) else new_request_id()
        token = request_id_var.set(request_id)
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
                path = _route_path(scope)
                REQUESTS.labels(scope["method"], path, str(message["status"])).inc()
                DURATION.labels(scope["method"], path).observe(time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            request_id_var.reset(token)
