"""HTTP for datasets."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.auth.dependencies import CurrentUser
from app.core.multipart import receive_form
from app.core.problems import NotFound, Unprocessable
from app.datasets import ingestion, products, service
from app.datasets.schemas import DatasetOut, DatasetPatch, Preview, PreviewPage, Uploaded
from app.web import Held, Page, Unit, answers, paginate

router = APIRouter(prefix="/datasets", tags=["datasets"])

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "project_id": {"type": "string", "format": "uuid"},
                        "delimiter": {"type": "string"},
                        "encoding": {"type": "string"},
                        "sheet": {"type": "string"},
                        "table": {"type": "string"},
                        "header_row": {"type": "integer", "minimum": 0},
                        "decimal": {"type": "string"},
                        "types": {
                            "type": "string",
                            "description": 'JSON: {"column": "type"}',
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "/upload",
    status_code=201,
    openapi_extra=UPLOAD_BODY,
    responses=answers(400, 401, 404, 413, 415, 422, 507),
)
async def upload(request: Request, user: CurrentUser, held: Held) -> Uploaded:
    """Upload a table: CSV, TSV, Excel, Parquet, JSON or NDJSON."""
    async with receive_form(request) as form:
        form.refuse_unknown("file", "project_id", *ingestion.READING_OPTIONS)
        options = ingestion.parse_reading_options(form.fields)
        dataset, preview = await run_in_threadpool(
            ingestion.create_dataset,
            held,
            user,
            form.file(),
            form.fields.get("project_id") or None,
            options,
        )
    return Uploaded(
        dataset_id=dataset.id,
        project_id=dataset.project_id,
        filename=dataset.filename,
        rows=dataset.rows,
        cols=dataset.cols,
        size_bytes=dataset.size_bytes,
        preview=Preview.model_validate(preview),
        warnings=dataset.warnings_json,
        read=dataset.read_json,
    )


@router.get("", responses=answers(401, 404, 422))
def list_datasets(
    user: CurrentUser,
    unit: Unit,
    page: Page,
    request: Request,
    response: Response,
    project_id: str | None = None,
) -> list[DatasetOut]:
    """The datasets, newest first."""
    statement = service.list_datasets(unit, user, project_id)
    return [DatasetOut.of(row) for row in paginate(unit, statement, page, request, response)]


@router.get("/{dataset_id}", responses=answers(401, 404))
def get_dataset(dataset_id: str, user: CurrentUser, unit: Unit) -> DatasetOut:
    """One dataset."""
    return DatasetOut.of(service.get_dataset(unit, user, dataset_id))


@router.patch("/{dataset_id}", responses=answers(401, 404, 422))
def patch_dataset(dataset_id: str, body: DatasetPatch, user: CurrentUser, held: Held) -> DatasetOut:
    """Rename a dataset, or give its columns other types."""
    with held.database.unit(write=False) as unit:
        service.get_dataset(unit, user, dataset_id)
    if body.columns:
        changes = [change.model_dump() for change in body.columns]
        ingestion.retype_dataset(held, user, dataset_id, changes)
    with held.database.unit() as unit:
        dataset = service.get_dataset(unit, user, dataset_id)
        if body.filename is not None:
            service.rename(dataset, body.filename)
        return DatasetOut.of(dataset)


@router.delete("/{dataset_id}", status_code=204, responses=answers(401, 404))
def delete_dataset(dataset_id: str, user: CurrentUser, unit: Unit, held: Held) -> None:
    """Delete a dataset and all that hangs on it."""
    service.delete_dataset(unit, held, user, dataset_id)


@router.get("/{dataset_id}/preview", responses=answers(401, 404, 410, 422))
def preview(
    dataset_id: str,
    user: CurrentUser,
    held: Held,
    rows: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> PreviewPage:
    """The first rows."""
    with held.database.unit(write=False) as unit:
        dataset = service.get_dataset(unit, user, dataset_id)
    return PreviewPage.model_validate(products.preview(held, dataset, rows))


@router.get(
    "/{dataset_id}/profile",
    responses={
        **answers(401, 404, 410, 422),
        200: {"content": {"application/json": {"schema": {"type": "object"}}}},
        202: {"description": "Still being computed; ask again after Retry-After seconds."},
    },
    response_class=Response,
)
def profile(dataset_id: str, user: CurrentUser, held: Held) -> Response:
    """The profile: statistics, associations and alerts; computed once and kept."""
    with held.database.unit(write=False) as unit:
        dataset = service.get_dataset(unit, user, dataset_id)
    body = products.profile(held, dataset)
    if body is None:
        return Response(
            b'{"status": "computing"}',
            202,
            headers={"Retry-After": "5"},
            media_type="application/json",
        )
    return Response(body, media_type="application/json")


@router.get(
    "/{dataset_id}/download",
    responses={**answers(401, 404, 410, 422), 200: {"description": "The table, streamed."}},
    response_class=StreamingResponse,
)
def download(
    dataset_id: str,
    user: CurrentUser,
    held: Held,
    format: products.Format = "csv",
    cleaned: bool = False,
    bom: bool = False,
    version: Annotated[int | None, Query(ge=1)] = None,
) -> StreamingResponse:
    """The table as CSV, Parquet or Excel; text that a spreadsheet would run is neutralised."""
    with held.database.unit(write=False) as unit:
        dataset = service.get_dataset(unit, user, dataset_id)
    if version not in {None, dataset.version}:
        raise NotFound("version of this dataset")
    found = products.download(held, dataset, format, cleaned=cleaned, bom=bom)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}",
        "Content-Length": str(found.size),
    }
    return StreamingResponse(found.stream(), media_type=found.media_type, headers=headers)


def _not_yet(unit: Unit, user: CurrentUser, dataset_id: str, what: str) -> Unprocessable:
    service.get_dataset(unit, user, dataset_id)
    return Unprocessable(f"{what} are not possible yet; a later version of UAM brings them.")


@router.post("/{dataset_id}/versions", status_code=201, responses=answers(401, 404, 422))
def add_version(dataset_id: str, user: CurrentUser, unit: Unit) -> DatasetOut:
    """Replace or append a newer file. Not possible yet."""
    raise _not_yet(unit, user, dataset_id, "Versions of a dataset")


@router.get("/{dataset_id}/versions", responses=answers(401, 404, 422))
def list_versions(dataset_id: str, user: CurrentUser, unit: Unit) -> list[DatasetOut]:
    """The versions of a dataset. Not possible yet."""
    raise _not_yet(unit, user, dataset_id, "Versions of a dataset")


@router.get("/{dataset_id}/compare/{other}", responses=answers(401, 404, 422))
def compare(dataset_id: str, other: str, user: CurrentUser, unit: Unit) -> dict[str, Any]:
    """Schema changes and drift against another dataset. Not possible yet."""
    service.get_dataset(unit, user, other)
    raise _not_yet(unit, user, dataset_id, "Comparisons of datasets")
