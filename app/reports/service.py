"""The use cases of reports. A finished run has its report in every form already."""

from __future__ import annotations

from sqlalchemy import Select, select

from app.auth.principal import Principal
from app.core.problems import Conflict, Gone, NotFound
from app.db.session import UnitOfWork
from app.db.tables import Artifact, Run
from app.reports.schemas import Format
from app.resources import Resources
from app.runs.service import get_run
from app.storage.base import ObjectMissing

FORMATS: tuple[Format, ...] = ("pdf", "html", "md")
TYPES = ("report", "pdf")


def owned_reports(user: Principal) -> Select[Artifact]:
    """Every report of ``user``: the one door through which reports are reached."""
    return (
        select(Artifact)
        .join(Run, Run.id == Artifact.run_id)
        .where(Run.user_id == user.id, Artifact.type.in_(TYPES))
    )


def get_report(unit: UnitOfWork, user: Principal, report_id: str) -> Artifact:
    """The user's report of that id. Raises :class:`NotFound`."""
    found = unit.session.scalar(owned_reports(user).where(Artifact.id == report_id))
    if found is None:
        raise NotFound("report")
    return found


def find_report(unit: UnitOfWork, user: Principal, run_id: str, format: Format) -> Artifact:
    """The report of a run in one form.

    Raises :class:`NotFound` for a foreign run and :class:`Conflict` for one that has no
    report, because it has not ended or ended too early.
    """
    run = get_run(unit, user, run_id)
    reports = unit.session.scalars(owned_reports(user).where(Artifact.run_id == run.id))
    for report in reports:
        if format_of(report) == format:
            return report
    if run.finished_at is None:
        raise Conflict("The run has not ended yet; its report comes with its end.")
    raise Conflict(f"The run ended {run.status} before its report was written.")


def format_of(report: Artifact) -> Format:
    """The form of a report, by the ending of its file."""
    ending = report.filename.rpartition(".")[2].lower()
    return next((known for known in FORMATS if known == ending), "md")


def check_stored(held: Resources, report: Artifact) -> None:
    """Raises :class:`Gone` when the file behind a report is missing or another one."""
    try:
        info = held.storage.stat(held.settings.minio_bucket, report.storage_key)
    except ObjectMissing:
        raise Gone("The stored file of this report is missing.") from None
    if (info.size, info.sha256) != (report.size_bytes, report.sha256):
        raise Gone("The stored file of this report was changed.")
