"""What goes in and out of the run routes."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, Field

from app.db.tables import Artifact, Log, Run
from app.runs.states import Status
from app.web import Body, UtcTime


class StartRun(Body):
    """A run to start. ``options`` are those of the analyst; an unknown one is refused."""

    dataset_id: str
    project_id: str | None = None
    options: dict[str, Any] = Field(
        default_factory=dict, examples=[{"target": "churn", "time_budget_s": 60}]
    )


class Rerun(Body):
    """On which version of its data set a run is to be made again; the newest unless named."""

    dataset_version: int | None = Field(default=None, ge=1, le=2_147_483_647)


class RunStarted(BaseModel):
    """The run was written down and will be worked at."""

    run_id: str
    status: Status


class RunOut(BaseModel):
    """A run in a list."""

    run_id: str
    project_id: str
    dataset_id: str
    dataset_version: int
    status: Status
    current_task: str | None
    progress: float
    created_at: UtcTime
    started_at: UtcTime | None
    finished_at: UtcTime | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """The answer for a row."""
        return cls(
            run_id=run.id,
            project_id=run.project_id,
            dataset_id=run.dataset_id,
            dataset_version=run.dataset_version,
            status=run.status,
            current_task=run.current_task,
            progress=round(run.progress, 1),
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
        )


class LogLine(BaseModel):
    """One line of a run's log."""

    timestamp: UtcTime
    level: str
    message: str


class RunStatus(RunOut):
    """A run as it stands, with its log."""

    logs: list[LogLine]
    error: str | None
    options: dict[str, Any]
    finish_requested: bool

    @classmethod
    def with_logs(cls, run: Run, logs: list[Log]) -> Self:
        """The answer for a row and its log."""
        return cls(
            **RunOut.of(run).model_dump(),
            error=run.error,
            options=run.parameters_json,
            finish_requested=run.finish_requested,
            logs=[
                LogLine(timestamp=row.timestamp, level=row.level, message=row.message)
                for row in logs
            ],
        )


class ArtifactOut(BaseModel):
    """A product of a run, and a link that downloads it without a token for an hour."""

    id: str
    run_id: str
    type: str
    filename: str
    size_bytes: int
    sha256: str
    metadata: dict[str, Any]
    created_at: UtcTime
    download_url: str

    @classmethod
    def of(cls, artifact: Artifact, download_url: str) -> Self:
        """The answer for a row."""
        return cls(
            id=artifact.id,
            run_id=artifact.run_id,
            type=artifact.type,
            filename=artifact.filename,
            size_bytes=artifact.size_bytes,
            sha256=artifact.sha256,
            metadata=artifact.metadata_json,
            created_at=artifact.created_at,
            download_url=download_url,
        )


class LeaderboardRow(BaseModel):
    """One candidate; the score with its natural sign."""

    rank: int
    name: str
    score: float | None
    score_std: float | None = None
    fit_seconds: float | None = None
    predict_ms_per_row: float | None = None
    model_id: str | None = None


class Leaderboard(BaseModel):
    """The candidates of a run, the best first."""

    task: str | None
    target: str | None
    metric: str | None
    rows: list[LeaderboardRow]
