"""HTTP for models, predictions and prediction jobs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from app.analysis.automl.table_out import csv_lines
from app.auth.dependencies import CurrentUser
from app.auth.principal import Principal
from app.core.lanes import Lane
from app.core.multipart import ReceivedFile, is_multipart, receive_form
from app.core.problems import UnsupportedMedia
from app.db.tables import Artifact, ModelMeta, PredictionJob
from app.projects.service import get_project
from app.registry import champions, files, jobs, predicting, service
from app.registry.bodies import file_form, is_json, parse_champion_rows, parse_rows, prefers_csv
from app.registry.life import router as life
from app.registry.predicting import PredictedRows, shelf_of
from app.registry.refitting import answered
from app.registry.schemas import (
    JobAccepted,
    JobOut,
    ModelDetail,
    ModelOut,
    PredictIn,
    Predictions,
)
from app.resources import Resources
from app.web import SETTLED, Held, Page, Unit, answers, paginate

router = APIRouter(tags=["models"])

CSV = "text/csv; charset=utf-8"
# Whoever predicts waits for a child: never in the threads of the other routes. A file is a
# stranger's bytes and gets a child of its own, so that only a few are predicted at once.
_rows_lane, _files_lane = Lane(8), Lane(2)
ROWS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    },
}
HORIZON_SCHEMA: dict[str, Any] = {
    "description": "Of a forecast, instead of rows: the next steps of every series.",
    "type": "integer",
    "minimum": 1,
    "maximum": 1_000_000,
}


def _asking(needed: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """The object of a JSON body that must hold ``needed``, and may hold ``explain``."""
    known = {"rows": ROWS_SCHEMA, "horizon": HORIZON_SCHEMA, **more}
    properties = {name: known[name] for name in needed}
    properties["explain"] = {"type": "boolean", "default": False}
    return {
        "type": "object",
        "required": list(needed),
        "additionalProperties": False,
        "properties": properties,
    }


PREDICT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [_asking(("rows",)), ROWS_SCHEMA, _asking(("horizon",))]}
            },
            **file_form("CSV, Parquet or XLSX."),
        },
    }
}
TARGET_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
CHAMPION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        _asking(("target", "rows"), target=TARGET_SCHEMA),
                        _asking(("target", "horizon"), target=TARGET_SCHEMA),
                    ]
                }
            }
        },
    }
}
PREDICT_ANSWERS: dict[int | str, dict[str, Any]] = {
    **answers(400, 401, 404, 409, 410, 413, 415, 422, 429, 507),
    200: {
        "model": Predictions,
        "description": "The predictions; as CSV for `Accept: text/csv`.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    202: {"model": JobAccepted, "description": "The file is large: a worker predicts it."},
}


@router.get("/models", responses=answers(401, 404, 422))
def list_models(
    user: CurrentUser,
    unit: Unit,
    page: Page,
    request: Request,
    response: Response,
    project_id: str | None = None,
    champion: bool | None = None,
) -> list[ModelOut]:
    """The models, newest first; with ``champion`` only those that are it, or are not."""
    statement = service.list_models(unit, user, project_id, champion)
    return [ModelOut.of(model) for model in paginate(unit, statement, page, request, response)]


@router.get("/models/{model_id}", responses=answers(401, 404))
def get_model(model_id: str, user: CurrentUser, unit: Unit) -> ModelDetail:
    """One model: what it reads, how good it is, and what weighs in it."""
    return ModelDetail.of(service.get_model(unit, user, model_id))


@router.delete(
    "/models/{model_id}",
    status_code=204,
    responses=answers(401, 404, 409),
    dependencies=[SETTLED],
)
def delete_model(model_id: str, user: CurrentUser, unit: Unit, held: Held) -> None:
    """Delete a model; the predictions that it made stay."""
    service.delete_model(unit, held, user, model_id)


@router.post(
    "/models/{model_id}/predict",
    openapi_extra=PREDICT_BODY,
    responses=PREDICT_ANSWERS,
    response_class=JSONResponse,
)
async def predict(model_id: str, request: Request, user: CurrentUser, held: Held) -> Response:
    """Predict rows or a file; the answer is kept as an artifact of the model's run."""
    csv = prefers_csv(request.headers.get("accept", ""))
    if is_multipart(request):
        async with receive_form(request) as form:
            form.refuse_unknown("file")
            received = form.file()
            found = await _files_lane.run(_predict_file, held, user, model_id, received)
        return _file_answer(found, csv)
    if not is_json(request):
        raise UnsupportedMedia("Send the rows as application/json, or a file as a form.")
    body = await request.body()
    return await _rows_lane.run(_predict_rows, held, user, model_id, body, csv)


@router.post(
    "/projects/{project_id}/predict",
    openapi_extra=CHAMPION_BODY,
    responses={
        **answers(400, 401, 404, 409, 410, 413, 415, 422, 429, 507),
        200: PREDICT_ANSWERS[200],
    },
    response_class=JSONResponse,
)
async def predict_by_champion(
    project_id: str, request: Request, user: CurrentUser, held: Held
) -> Response:
    """Ask the champion of a project and target; the answer says which model it is."""
    csv = prefers_csv(request.headers.get("accept", ""))
    if not is_json(request):
        raise UnsupportedMedia("Send the target and the rows as application/json.")
    body = await request.body()
    return await _rows_lane.run(_champion_rows, held, user, project_id, body, csv)


def _champion_rows(
    held: Resources, user: Principal, project_id: str, body: bytes, csv: bool
) -> Response:
    with held.database.unit(write=False) as unit:
        get_project(unit, user, project_id)
    asked = parse_champion_rows(body)
    with held.database.unit(write=False) as unit:
        model = champions.find_champion(unit, user, project_id, asked.target)
    return _rows_answer(_by_whom_can(held, user, model, asked), csv)


def _predict_rows(
    held: Resources, user: Principal, model_id: str, body: bytes, csv: bool
) -> Response:
    model = predicting.find_model(held, user, model_id)
    return _rows_answer(_by_whom_can(held, user, model, parse_rows(body)), csv)


def _by_whom_can(
    held: Resources, user: Principal, model: ModelMeta, asked: PredictIn
) -> PredictedRows:
    """The answer of a model, or of the one that was made again in its place."""

    def ask(model_id: str) -> PredictedRows:
        asking = model if model_id == model.id else predicting.find_model(held, user, model_id)
        return predicting.predict_rows(held, asking, asked)

    found, told = answered(held, user, model.id, ask)
    found.warnings.extend(told)
    return found


def _predict_file(
    held: Resources, user: Principal, model_id: str, received: ReceivedFile
) -> files.PredictedFile | PredictionJob:
    found, told = answered(
        held, user, model_id, lambda asked: files.predict_file(held, user, asked, received)
    )
    if isinstance(found, files.PredictedFile):
        found.facts["warnings"].extend(told)
    return found


def _rows_answer(found: PredictedRows, csv: bool) -> Response:
    if csv:
        headers = _csv_headers(found.artifact_id, len(found.warnings))
        text = "".join(csv_lines(found.predictions))
        return Response(text, media_type=CSV, headers=headers)
    return JSONResponse(_as_json(found))


def _as_json(found: PredictedRows) -> dict[str, Any]:
    return {
        "model_id": found.model_id,
        "predictions": found.predictions,
        "warnings": found.warnings,
        "artifact_id": found.artifact_id,
        "download_url": found.download_url,
    }


def _file_answer(found: files.PredictedFile | PredictionJob, csv: bool) -> Response:
    if isinstance(found, PredictionJob):
        headers = {"Location": f"/predictions/{found.id}", "Retry-After": "2"}
        return JSONResponse({"job_id": found.id, "status": found.status}, 202, headers=headers)
    if csv:
        headers = _csv_headers(found.artifact.id, len(found.facts["warnings"]))
        return StreamingResponse(found.csv(), media_type=CSV, headers=headers)
    return StreamingResponse(found.json(), media_type="application/json")


def _csv_headers(artifact_id: str, warnings: int) -> dict[str, str]:
    """What a CSV has no place for: which artifact it is, and how many warnings there were."""
    return {
        "Content-Disposition": 'attachment; filename="predictions.csv"',
        "X-Artifact-ID": artifact_id,
        "X-Warning-Count": str(warnings),
    }


@router.get("/predictions/{job_id}", responses=answers(401, 404))
def get_prediction_job(job_id: str, user: CurrentUser, unit: Unit, held: Held) -> JobOut:
    """How far the prediction of a large file is, and where its result lies."""
    job = jobs.get_job(unit, user, job_id)
    artifact = None if job.artifact_id is None else unit.session.get(Artifact, job.artifact_id)
    return JobOut(
        job_id=job.id,
        kind=job.kind,
        status=job.status,
        model_id=job.model_id,
        rows=job.rows,
        warnings=job.warnings_json,
        artifact_id=job.artifact_id,
        download_url=None if artifact is None else shelf_of(held).link(artifact),
        error=job.error,
    )


router.include_router(life)
