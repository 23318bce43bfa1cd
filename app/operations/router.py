"""HTTP for those who operate UAM, and what is public by nature."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi import Path as PathParam
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel

from app.core.problems import Forbidden, NotFound, Unavailable
from app.core.telemetry import metrics_page
from app.operations.health import check_all
from app.operations.run_counts import RunCounts, count_runs
from app.storage.local import LinkRefused, LocalStorage
from app.web import Held, Store, answers

router = APIRouter(tags=["operations"])

CONSOLE = Path(__file__).resolve().parents[1] / "console"


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Every part answers."""

    status: Literal["ready"] = "ready"
    parts: dict[str, str]


@router.get("/health")
async def health() -> Health:
    """The process lives."""
    return Health()


@router.get("/ready", responses=answers())
async def ready(held: Held) -> Readiness:
    """Every part answers; else 503 with the part that is down."""
    parts = await check_all(held)
    down = [f"{name} {state}" for name, state in parts.items() if state != "ok"]
    if down:
        raise Unavailable("; ".join(down), parts=parts)
    return Readiness(parts=parts)


@router.get("/metrics", response_class=Response)
def metrics(held: Held) -> Response:
    """Prometheus metrics."""
    body, media_type = metrics_page(RunCounts(count_runs(held.database)))
    return Response(body, media_type=media_type)


@router.get("/files/{path:path}", include_in_schema=False)
def signed_file(path: Annotated[str, PathParam()], store: Store) -> StreamingResponse:
    """An object of the local storage, by a link that was signed for it."""
    if not isinstance(store, LocalStorage):
        raise NotFound("file")
    try:
        found = store.open_signed(f"/files/{path}")
    except LinkRefused:
        raise Forbidden("This link is not valid, or no longer.") from None
    # Of a small object this is all, and verified: one that is damaged is told as such. Of a
    # large one the end is held back until it is verified, and the transfer breaks off.
    begin = next(found.stream, b"")
    disposition = f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}"
    headers = {
        "Content-Disposition": disposition,
        "Content-Length": str(found.info.size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(
        chain([begin], found.stream), media_type=found.content_type, headers=headers
    )


@router.get("/", include_in_schema=False)
def console() -> FileResponse:
    """The console's page."""
    return FileResponse(CONSOLE / "index.html")


@router.get("/docs", include_in_schema=False)
def documentation() -> FileResponse:
    """The API's documentation, with an Authorize button; it needs nothing from elsewhere."""
    return FileResponse(CONSOLE / "docs.html")


@router.get("/console/{name:path}", include_in_schema=False)
def console_file(name: str) -> FileResponse:
    """A file of the console, or Plotly's script from its own package."""
    if name == "plotly.min.js":
        return FileResponse(_plotly_script(), media_type="text/javascript")
    try:
        path = (CONSOLE / name).resolve()
        known = path.is_relative_to(CONSOLE) and path.is_file()
    except (OSError, ValueError):
        # No name of a file at all: too long, or with a NUL in it.
        known = False
    if not known:
        raise NotFound("file")
    return FileResponse(path)


def _plotly_script() -> Path:
    from importlib.util import find_spec

    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise NotFound("file")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"
