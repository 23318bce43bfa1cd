"""HTTP for the life of a model: judged by new rows, promoted, watched, exported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from app.auth.dependencies import CurrentUser
from app.auth.principal import Principal
from app.core.lanes import Lane
from app.core.multipart import ReceivedFile, is_multipart, receive_form
from app.core.problems import Unprocessable, UnsupportedMedia
from app.db.tables import PredictionJob
from app.registry import champions, evaluating, exporting, monitoring
from app.registry.bodies import file_form, is_json, parse_object
from app.registry.predicting import find_model
from app.registry.refitting import answered
from app.registry.schemas import (
    EvaluateIn,
    Evaluation,
    JobAccepted,
    ModelOut,
    Monitoring,
)
from app.resources import Resources
from app.web import SETTLED, Held, Since, Unit, answers

router = APIRouter(tags=["models"])
# Each waits for a child of its own: only a few at once.
_lane = Lane(2)

EVALUATE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            **file_form("A table that holds the target, too."),
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["dataset_id"],
                    "additionalProperties": False,
                    "properties": {
                        "dataset_id": {"type": "string"},
                        "version": {"type": "integer", "minimum": 1},
                    },
                }
            },
        },
    }
}
Version = Annotated[int | None, Query(ge=1, le=2_147_483_647)]


@router.post(
    "/models/{model_id}/evaluate",
    openapi_extra=EVALUATE_BODY,
    responses={
        **answers(400, 401, 404, 409, 410, 413, 415, 422, 429, 507),
        200: {"model": Evaluation, "description": "How good the model is on these rows."},
        202: {"model": JobAccepted, "description": "The table is large: a worker judges by it."},
    },
    response_class=JSONResponse,
)
async def evaluate(model_id: str, request: Request, user: CurrentUser, held: Held) -> Response:
    """Judge a model by new rows with the truth in them: a file, or one of your data sets."""
    if is_multipart(request):
        async with receive_form(request) as form:
            form.refuse_unknown("file")
            found = await _lane.run(_evaluate_file, held, user, model_id, form.file())
        return _evaluated(found)
    if not is_json(request):
        raise UnsupportedMedia("Send a file as a form, or a dataset_id as application/json.")
    body = await request.body()
    return _evaluated(await _lane.run(_evaluate_dataset, held, user, model_id, body))


def _evaluate_dataset(
    held: Resources, user: Principal, model_id: str, body: bytes
) -> dict[str, Any] | PredictionJob:
    find_model(held, user, model_id)
    asked = parse_object(body, EvaluateIn)
    return _judged(
        held,
        user,
        model_id,
        lambda one: evaluating.evaluate_dataset(held, user, one, asked.dataset_id, asked.version),
    )


def _evaluate_file(
    held: Resources, user: Principal, model_id: str, received: ReceivedFile
) -> dict[str, Any] | PredictionJob:
    return _judged(
        held, user, model_id, lambda one: evaluating.evaluate_file(held, user, one, received)
    )


def _judged(
    held: Resources,
    user: Principal,
    model_id: str,
    ask: Callable[[str], dict[str, Any] | PredictionJob],
) -> dict[str, Any] | PredictionJob:
    found, told = answered(held, user, model_id, ask)
    if isinstance(found, dict):
        found["warnings"].extend(told)
    return found


def _export(held: Resources, user: Principal, model_id: str) -> exporting.Export:
    found, _ = answered(held, user, model_id, lambda one: exporting.export_model(held, user, one))
    return found


def _evaluated(found: dict[str, Any] | PredictionJob) -> Response:
    if isinstance(found, PredictionJob):
        headers = {"Location": f"/predictions/{found.id}", "Retry-After": "2"}
        return JSONResponse({"job_id": found.id, "status": found.status}, 202, headers=headers)
    return JSONResponse(found)


@router.post("/models/{model_id}/promote", responses=answers(401, 404))
def promote(model_id: str, user: CurrentUser, unit: Unit) -> ModelOut:
    """Make a model the champion of its project and target, in the place of who was it."""
    return ModelOut.of(champions.promote_model(unit, user, model_id))


@router.get(
    "/models/{model_id}/monitoring",
    responses=answers(401, 404, 409, 410, 422, 429, 507),
    dependencies=[SETTLED],
)
async def monitor(
    model_id: str,
    user: CurrentUser,
    held: Held,
    since: Annotated[Since | None, Query(description="A time; UTC unless it says.")] = None,
    dataset_id: Annotated[
        str | None, Query(max_length=36, description="Look at this data set's rows instead.")
    ] = None,
    version: Version = None,
) -> Monitoring:
    """What a model was asked, and how far that is from the rows it was trained on."""
    if dataset_id is None and version is None:
        found = await _lane.run(_monitor_predictions, held, user, model_id, since)
    elif dataset_id is None or since is not None:
        wrong = "version" if dataset_id is None else "since"
        message = "a version is of a dataset_id" if wrong == "version" else "a dataset has no since"
        raise Unprocessable(message, errors=[{"location": f"query.{wrong}", "message": message}])
    else:
        found = await _lane.run(_monitor_dataset, held, user, model_id, dataset_id, version)
    return Monitoring.model_validate(found)


def _monitor_predictions(
    held: Resources, user: Principal, model_id: str, since: datetime | None
) -> dict[str, Any]:
    return _watched(
        held,
        user,
        model_id,
        lambda one: monitoring.monitor_predictions(held, user, one, since),
    )


def _monitor_dataset(
    held: Resources, user: Principal, model_id: str, dataset_id: str, version: int | None
) -> dict[str, Any]:
    return _watched(
        held,
        user,
        model_id,
        lambda one: monitoring.monitor_dataset(held, user, one, dataset_id, version),
    )


def _watched(
    held: Resources, user: Principal, model_id: str, ask: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    found, told = answered(held, user, model_id, ask)
    return {**found, "warnings": [*found.get("warnings", []), *told]}


@router.get(
    "/models/{model_id}/export",
    responses={
        **answers(401, 404, 409, 410, 422, 429, 507),
        200: {
            "description": "A zip that predicts without UAM.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
    },
    response_class=StreamingResponse,
)
async def export(model_id: str, user: CurrentUser, held: Held) -> StreamingResponse:
    """A zip that works without UAM: the model, predict.py, pinned requirements, a model card."""
    found = await _lane.run(_export, held, user, model_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}",
        "Content-Length": str(found.size),
    }
    return StreamingResponse(found.stream(), media_type="application/zip", headers=headers)
