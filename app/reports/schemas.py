"""What goes in and out of the report routes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from app.web import Body, UtcTime

Format = Literal["pdf", "html", "md"]


class GenerateReport(Body):
    """Which run's report, and in which form."""

    run_id: str
    format: Format


class ReportReady(BaseModel):
    """A report that can be downloaded."""

    report_id: str
    status: Literal["COMPLETED"] = "COMPLETED"


class ReportOut(ReportReady):
    """A report, and the link that downloads it without a token."""

    run_id: str
    format: Format
    filename: str
    size_bytes: int
    sha256: str
    created_at: UtcTime
    download_url: str
