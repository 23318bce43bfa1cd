"""HTTP for datasets."""

from __future__ import annotations

from typing import Annotated, Any, get_args
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.auth.dependencies import CurrentUser
from app.core.multipart import receive_form
from app.datasets import ingestion, products, service, versions
from app.datasets.schemas import (
    DatasetOut,
    DatasetPatch,
    Preview,
    PreviewPage,
    Uploaded,
    VersionOut,
)
from app.db.tables import DatasetFacts
from app.web import Held, IdempotencyKey, Page, Unit, answers, paginate, set_page_headers

router = APIRouter(prefix="/datasets", tags=["datasets"])

Version = Annotated[
    int | None,
    Query(ge=1, le=2_147_483_647, description="An earlier version; the newest one unless named."),
]


def _form(**more: Any) -> dict[str, Any]:
    """The description of a form with a table in it and how to read it."""
    properties = {
        "file": {"type": "string", "format": "binary"},
        **more,
        "delimiter": {"type": "string"},
        "encoding": {"type": "string"},
        "sheet": {"type": "string"},
        "table": {"type": "string"},
        "header_row": {"type": "integer", "minimum": 0},
        "decimal": {"type": "string"},
        "types": {"type": "string", "description": 'JSON: {"column": "type"}'},
    }
    required = ["file", *(name for name, spec in more.items() if spec.get("enum"))]
    schema = {"type": "object", "required": required, "properties": properties}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/upload",
    status_code=201,
    openapi_extra=_form(project_id={"type": "string", "format": "uuid"}),
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


@router.patch("/{dataset_id}", responses=answers(401, 404, 409, 410, 422))
def patch_dataset(dataset_id: str, body: DatasetPatch, user: CurrentUser, held: Held) -> DatasetOut:
    """Rename a dataset, or give its columns other types: that makes its next version."""
    with held.database.unit(write=False) as unit:
        service.get_dataset(unit, user, dataset_id)
    if body.columns:
        changes = [change.model_dump() for change in body.columns]
        versions.retype_dataset(held, user, dataset_id, changes)
    with held.database.unit() as unit:
        dataset = service.get_dataset(unit, user, dataset_id)
        if body.filename is not None:
            service.rename(dataset, body.filename)
        return DatasetOut.of(dataset)


def _owned(dataset_id: str, user: CurrentUser, held: Held) -> str:
    """The dataset that a file is sent for: looked up before any of it is read."""
    with held.database.unit(write=False) as unit:
        return service.get_dataset(unit, user, dataset_id).id


def _facts(held: Held, user: CurrentUser, dataset_id: str, version: int | None) -> DatasetFacts:
    with held.database.unit(write=False) as unit:
        dataset = service.get_dataset(unit, user, dataset_id)
        return versions.find_version(unit, dataset, version)


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
    version: Version = None,
) -> PreviewPage:
    """The first rows."""
    facts = _facts(held, user, dataset_id, version)
    return PreviewPage.model_validate(products.preview(held, facts, rows))


_COMPUTED: dict[int | str, dict[str, Any]] = {
    **answers(401, 404, 410, 422),
    200: {"content": {"application/json": {"schema": {"type": "object"}}}},
    202: {"description": "Still being computed; ask again after Retry-After seconds."},
}


def _computed(body: bytes | None) -> Response:
    """JSON that was computed, or the news that it still is."""
    if body is None:
        return Response(
            b'{"status": "computing"}',
            202,
            headers={"Retry-After": "5"},
            media_type="application/json",
        )
    return Response(body, media_type="application/json")


@router.get("/{dataset_id}/profile", responses=_COMPUTED, response_class=Response)
def profile(dataset_id: str, user: CurrentUser, held: Held, version: Version = None) -> Response:
    """The profile: statistics, associations and alerts; computed once and kept."""
    return _computed(products.profile(held, _facts(held, user, dataset_id, version)))


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
    version: Version = None,
) -> StreamingResponse:
    """The table as CSV, Parquet or Excel; text that a spreadsheet would run is neutralised."""
    facts = _facts(held, user, dataset_id, version)
    found = products.download(held, facts, format, cleaned=cleaned, bom=bom)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}",
        "Content-Length": str(found.size),
    }
    return StreamingResponse(found.stream(), media_type=found.media_type, headers=headers)


@router.post(
    "/{dataset_id}/versions",
    status_code=201,
    openapi_extra=_form(mode={"type": "string", "enum": list(get_args(versions.Mode))}),
    responses=answers(400, 401, 404, 409, 410, 413, 415, 422, 507),
)
async def add_version(
    dataset_id: Annotated[str, Depends(_owned)],
    request: Request,
    user: CurrentUser,
    held: Held,
    idempotency_key: IdempotencyKey = None,
) -> DatasetOut:
    """Put a newer file in the place of the last one, or its rows behind those that are there.

    Earlier versions stay. What the last file was read with is remembered; a field that is sent
    empty is found anew. A changed schema is told in ``warnings``, and 422 when appending.
    The same ``Idempotency-Key`` again answers the version that it has made.
    """
    async with receive_form(request) as form:
        form.refuse_unknown("file", "mode", *ingestion.READING_OPTIONS)
        options = ingestion.parse_reading_options(form.fields)
        dataset, version = await run_in_threadpool(
            versions.add_version,
            held,
            user,
            dataset_id,
            form.file(),
            versions.parse_mode(form.fields.get("mode", "")),
            options,
            frozenset(name for name in form.fields if name not in options),
            idempotency_key,
        )
    return DatasetOut.of(dataset, version)


@router.get("/{dataset_id}/versions", responses=answers(401, 404, 422))
def list_versions(
    dataset_id: str,
    user: CurrentUser,
    unit: Unit,
    page: Page,
    request: Request,
    response: Response,
) -> list[VersionOut]:
    """The versions of a dataset, newest first."""
    dataset = service.get_dataset(unit, user, dataset_id)
    rows, total = versions.list_versions(unit, dataset, page.limit, page.offset)
    set_page_headers(request, response, page, total)
    return [VersionOut.of(row, dataset.version) for row in rows]


@router.get(
    "/{dataset_id}/compare/{other}",
    responses=_COMPUTED,
    response_class=Response,
)
def compare(
    dataset_id: str,
    other: str,
    user: CurrentUser,
    held: Held,
    version: Version = None,
    other_version: Version = None,
) -> Response:
    """What changed from a dataset to another, or between two versions of one.

    Columns that came, went or changed their type; for each that both have, the drift of what it
    holds (PSI, with a Kolmogorov-Smirnov or chi-square test, corrected) and new categories.
    """
    before = _facts(held, user, dataset_id, version)
    after = _facts(held, user, other, other_version)
    return _computed(products.compare(held, before, after))
