"""The FastAPI application, assembled: middleware, error handlers, routers. Decides nothing."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.concurrency import run_in_threadpool

from app import __version__
from app.config import Settings, get_settings
from app.core import problem_answers, problems, sandbox, scratch
from app.core.afterwards import Afterwards
from app.core.edge import BodyLimitMiddleware, SecurityHeadersMiddleware, TrailingSlashMiddleware
from app.core.limits import RateLimits
from app.core.queue import celery
from app.core.sandbox_pool import PredictorPool
from app.core.telemetry import TelemetryMiddleware, configure_logging, configure_sentry
from app.db.session import Database
from app.openapi import install_openapi
from app.operations.gate import DatabaseGate, GateMiddleware
from app.resources import Resources
from app.routers import ROUTERS, SHOWN
from app.runs.watch import RunWatcher
from app.storage.errors import ObjectMissing, StorageCorrupted, StorageFull, StorageUnavailable
from app.storage.factory import open_storage

# The gate, and two checks of readiness.
PROBES = 3

# The jobs of an API's children, and what they import only when they work.
READER_JOBS = {
    "app.analysis.ingest.jobs": ["duckdb"],
    "app.analysis.profile.jobs": [],
    "app.analysis.questions.jobs": ["duckdb"],
    "app.registry.file_child": ["duckdb", "lightgbm", "pyarrow.pandas_compat"],
    "app.registry.warm": ["lightgbm"],
}

STORAGE_PROBLEMS: dict[type[Exception], problems.Problem] = {
    ObjectMissing: problems.Gone("The stored object behind this is missing."),
    StorageCorrupted: problems.Gone("The stored object behind this is damaged."),
    StorageUnavailable: problems.Unavailable("The storage cannot be reached at the moment."),
    StorageFull: problems.InsufficientStorage("There is no room left in the storage."),
}


def create_app(settings: Settings) -> FastAPI:
    """The application for ``settings``; connects to nothing until it is used."""
    held = Resources(
        settings=settings,
        database=Database(settings),
        probe=Database(settings, connections=PROBES),
        storage=open_storage(settings),
        limits=RateLimits(settings.redis_url),
        predictors=PredictorPool(memory_mb=settings.child_memory_mb),
        afterwards=Afterwards("afterwards"),
    )

    gate = DatabaseGate(held.probe)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Whoever held this place before may have been killed in the middle of an upload.
        await run_in_threadpool(scratch.sweep)
        sandbox.use_nursery(READER_JOBS)
        gate.start()
        # No start of a run is to wait until the sender is there.
        await run_in_threadpool(celery)
        async with RunWatcher(held.database, settings.redis_url) as watcher:
            app.state.watcher = watcher
            yield
        await run_in_threadpool(held.afterwards.close)
        gate.stop()
        held.predictors.close()
        sandbox.leave_nursery()
        held.database.dispose()
        held.probe.dispose()

    app = FastAPI(
        title="UAM, the Universal Analyst Model",
        version=__version__,
        description="Hand it a table, get an analyst's work back.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.resources = held
    problem_answers.install(app, STORAGE_PROBLEMS)
    for router in ROUTERS:
        app.include_router(router)
    install_openapi(app, SHOWN)
    app.add_middleware(GateMiddleware, gate=gate)
    app.add_middleware(SecurityHeadersMiddleware, link_origin=settings.link_origin)
    app.add_middleware(BodyLimitMiddleware, max_upload_bytes=settings.max_upload_bytes)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["X-Total-Count", "Link", "X-Request-ID", "Retry-After"],
        )
    app.add_middleware(TrailingSlashMiddleware)
    app.add_middleware(TelemetryMiddleware)
    return app


def make_app() -> FastAPI:
    """The application of this process's environment (``uvicorn app.main:make_app --factory``)."""
    settings = get_settings()
    configure_logging(settings)
    configure_sentry(settings, "api")
    return create_app(settings)
