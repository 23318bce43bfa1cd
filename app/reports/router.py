"""HTTP for reports."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from app.auth.dependencies import CurrentUser
from app.reports import service
from app.reports.schemas import GenerateReport, ReportOut, ReportReady
from app.runs.results import download_url
from app.web import Held, Unit, answers

router = APIRouter(prefix="/reports", tags=["reports"])

REDIRECT: dict[int | str, dict[str, Any]] = {
    307: {
        "description": "The report is at the signed link in `Location`.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
}


@router.post("/generate", responses=answers(401, 404, 409, 422))
def generate(body: GenerateReport, user: CurrentUser, unit: Unit) -> ReportReady:
    """The report of a finished run; it was written when the run ended."""
    report = service.find_report(unit, user, body.run_id, body.format)
    return ReportReady(report_id=report.id)


@router.get("/{report_id}", responses=answers(401, 404))
def get_report(report_id: str, user: CurrentUser, unit: Unit, held: Held) -> ReportOut:
    """One report."""
    report = service.get_report(unit, user, report_id)
    return ReportOut(
        report_id=report.id,
        run_id=report.run_id,
        format=service.format_of(report),
        filename=report.filename,
        size_bytes=report.size_bytes,
        sha256=report.sha256,
        created_at=report.created_at,
        download_url=download_url(held, report),
    )


@router.get(
    "/{report_id}/download",
    status_code=307,
    response_class=RedirectResponse,
    responses={**answers(401, 404, 410), **REDIRECT},
)
def download(report_id: str, user: CurrentUser, held: Held) -> RedirectResponse:
    """The report itself, by a redirect to its signed link."""
    with held.database.unit(write=False) as unit:
        report = service.get_report(unit, user, report_id)
    service.check_stored(held, report)
    return RedirectResponse(download_url(held, report), 307)
