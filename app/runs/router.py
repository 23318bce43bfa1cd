"""HTTP for runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.auth.dependencies import CurrentUser
from app.core.problems import NotFound, Unprocessable
from app.runs import results, service
from app.runs.schemas import (
    ArtifactOut,
    Leaderboard,
    Rerun,
    RunOut,
    RunStarted,
    RunStatus,
    StartRun,
)
from app.runs.states import Status
from app.runs.watch import RunWatcher
from app.web import SETTLED, Held, IdempotencyKey, Page, Unit, answers, paginate

router = APIRouter(prefix="/runs", tags=["runs"])


@router.post("/start", status_code=202, responses=answers(401, 404, 409, 422, 429))
def start(
    body: StartRun,
    user: CurrentUser,
    unit: Unit,
    held: Held,
    idempotency_key: IdempotencyKey = None,
) -> RunStarted:
    """Start a run: it is accepted even while the queue is away."""
    run = service.start_run(
        unit,
        held,
        user,
        dataset_id=body.dataset_id,
        project_id=body.project_id,
        options=body.options,
        idempotency_key=idempotency_key,
    )
    return RunStarted(run_id=run.id, status=run.status)


@router.get("", responses=answers(401, 404, 422))
def list_runs(
    user: CurrentUser,
    unit: Unit,
    page: Page,
    request: Request,
    response: Response,
    project_id: str | None = None,
    status: Status | None = None,
) -> list[RunOut]:
    """The runs, newest first."""
    statement = service.list_runs(unit, user, project_id, status)
    return [RunOut.of(row) for row in paginate(unit, statement, page, request, response)]


@router.get("/{run_id}/status", responses=answers(401, 404))
def status(run_id: str, user: CurrentUser, unit: Unit) -> RunStatus:
    """A run as it stands, with its log."""
    run = service.get_run(unit, user, run_id)
    return RunStatus.with_logs(run, results.list_logs(unit, run))


def _followed(run_id: str, user: CurrentUser, held: Held) -> str:
    """The run to follow, found before the stream begins and without keeping a connection."""
    with held.database.unit(write=False) as unit:
        return service.get_run(unit, user, run_id).id


def _last_event_id(last_event_id: Annotated[str | None, Header()] = None) -> int:
    """Where to resume: the number after which events are wanted."""
    text = (last_event_id or "").strip()
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 18:
        message = "must be the number of an event"
        raise Unprocessable(
            f"Last-Event-ID {message}",
            errors=[{"location": "header.Last-Event-ID", "message": message}],
        )
    return int(text)


@router.get(
    "/{run_id}/events", response_class=EventSourceResponse, responses=answers(401, 404, 422)
)
async def events(
    run_id: Annotated[str, Depends(_followed)],
    after: Annotated[int, Depends(_last_event_id)],
    request: Request,
) -> AsyncIterator[ServerSentEvent]:
    """``status``, ``log`` and ``leaderboard`` events as they happen, at last ``done``."""
    watcher: RunWatcher = request.app.state.watcher
    async for event in watcher.follow(run_id, after):
        yield ServerSentEvent(id=event["id"], event=event["event"], data=event["data"])


@router.delete("/{run_id}", status_code=204, responses=answers(401, 404))
def delete(run_id: str, user: CurrentUser, unit: Unit, held: Held) -> None:
    """Delete a run and all it made; one under way is cancelled first."""
    service.delete_run(unit, held, service.get_run(unit, user, run_id))


@router.post("/{run_id}/cancel", status_code=202, responses=answers(401, 404, 409))
def cancel(run_id: str, user: CurrentUser, unit: Unit) -> RunStarted:
    """Cancel a run: it has ended at once, its work within seconds."""
    run = service.cancel_run(unit, user, run_id)
    return RunStarted(run_id=run.id, status=run.status)


@router.post("/{run_id}/retry", status_code=202, responses=answers(401, 404, 409, 429))
def retry(run_id: str, user: CurrentUser, unit: Unit, held: Held) -> RunStarted:
    """Resume a failed or cancelled run from its first unfinished stage."""
    run = service.retry_run(unit, held, user, run_id)
    return RunStarted(run_id=run.id, status=run.status)


@router.post("/{run_id}/finish", status_code=202, responses=answers(401, 404, 409))
def finish(run_id: str, user: CurrentUser, unit: Unit) -> RunStarted:
    """Stop training now and keep the best so far; the run goes on to its report."""
    run = service.finish_run(unit, user, run_id)
    return RunStarted(run_id=run.id, status=run.status)


@router.post("/{run_id}/rerun", status_code=202, responses=answers(401, 404, 409, 422, 429))
def rerun(
    run_id: str,
    user: CurrentUser,
    unit: Unit,
    held: Held,
    body: Rerun | None = None,
    idempotency_key: IdempotencyKey = None,
) -> RunStarted:
    """Start another run with the same options, on the newest version unless one is named."""
    run = service.rerun(
        unit,
        held.settings,
        user,
        run_id,
        version=None if body is None else body.dataset_version,
        idempotency_key=idempotency_key,
    )
    return RunStarted(run_id=run.id, status=run.status)


@router.get("/{run_id}/artifacts", responses=answers(401, 404, 422), dependencies=[SETTLED])
def artifacts(
    run_id: str,
    user: CurrentUser,
    unit: Unit,
    held: Held,
    page: Page,
    request: Request,
    response: Response,
    type: Annotated[str | None, Query(max_length=20)] = None,
) -> list[ArtifactOut]:
    """What a run has made, each with a link to download it."""
    run = service.get_run(unit, user, run_id)
    rows = paginate(unit, results.list_artifacts(run, type), page, request, response)
    return [ArtifactOut.of(row, results.download_url(held, row)) for row in rows]


@router.get("/{run_id}/leaderboard", responses=answers(401, 404))
def leaderboard(run_id: str, user: CurrentUser, unit: Unit) -> Leaderboard:
    """The candidates so far, the best first."""
    run = service.get_run(unit, user, run_id)
    board = results.leaderboard(unit, run)
    if not board.get("rows"):
        raise NotFound("leaderboard")
    return Leaderboard.model_validate(board)
