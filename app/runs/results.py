"""What a run has brought so far: its artifacts, their links, its leaderboard."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.core.problems import NotFound
from app.db.session import UnitOfWork
from app.db.tables import Artifact, Log, ModelMeta, Run
from app.resources import Resources

MEDIA_TYPES = {
    "json": "application/json",
    "png": "image/png",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


def list_artifacts(run: Run, type: str | None) -> Select[Artifact]:
    """A run's artifacts, newest first."""
    statement = select(Artifact).where(Artifact.run_id == run.id)
    if type is not None:
        statement = statement.where(Artifact.type == type)
    return statement.order_by(Artifact.created_at.desc(), Artifact.type, Artifact.filename)


def download_url(held: Resources, artifact: Artifact) -> str:
    """A link to one stored object, for an hour unless the settings say otherwise."""
    ending = artifact.filename.rpartition(".")[2].lower()
    return held.storage.presign_url(
        held.settings.minio_bucket,
        artifact.storage_key,
        held.settings.presign_expiry_seconds,
        artifact.filename,
        MEDIA_TYPES.get(ending, "application/octet-stream"),
    )


def list_logs(unit: UnitOfWork, run: Run, limit: int = 1000) -> list[Log]:
    """The newest ``limit`` lines of a run's log, in their order."""
    rows = unit.session.scalars(
        select(Log)
        .where(Log.run_id == run.id, Log.event == "log")
        .order_by(Log.seq.desc())
        .limit(limit)
    )
    return list(rows)[::-1]


def leaderboard(unit: UnitOfWork, run: Run) -> dict[str, Any]:
    """The newest leaderboard of a run, complete or so far. Raises :class:`NotFound`."""
    rows = unit.session.scalars(
        select(Log)
        .where(Log.run_id == run.id, Log.event == "leaderboard")
        .order_by(Log.seq.desc())
        .limit(1)
    ).all()
    if not rows:
        raise NotFound("leaderboard: the run has trained nothing yet")
    board: dict[str, Any] = dict(rows[0].data_json or {})
    model_id = unit.session.scalar(select(ModelMeta.id).where(ModelMeta.run_id == run.id))
    for row in board["rows"]:
        row["model_id"] = model_id if row.get("rank") == 1 else None
    return board
