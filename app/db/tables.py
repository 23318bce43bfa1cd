"""Every ORM table.

Ids are UUID strings, times are aware UTC. What hangs on a row goes with it (``ON DELETE
CASCADE``), so a project's end is one statement on both databases.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.db.types import UTCDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> str:
    """A fresh random id."""
    return str(uuid.uuid4())


class Base(DeclarativeBase):
    """The base of every table; constraints are named, so that migrations can drop them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


def _primary_key() -> Mapped[str]:
    return mapped_column(String(36), primary_key=True, default=new_id)


def _parent(target: str, *, index: bool = True) -> Mapped[str]:
    return mapped_column(String(36), ForeignKey(target, ondelete="CASCADE"), index=index)


class User(Base):
    """An account. ``email`` is stored in lower case; ``token_version`` ends issued tokens."""

    __tablename__ = "users"

    id: Mapped[str] = _primary_key()
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(10), default="user")
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    token_version: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime]


class RefreshToken(Base):
    """One issued refresh token, by its ``jti``; a spent one that comes back ends its family."""

    __tablename__ = "refresh_tokens"

    id: Mapped[str] = _primary_key()
    user_id: Mapped[str] = _parent("users.id")
    family_id: Mapped[str] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    spent_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiKey(Base):
    """A long-lived key; only its SHA-256 is kept."""

    __tablename__ = "api_keys"

    id: Mapped[str] = _primary_key()
    user_id: Mapped[str] = _parent("users.id")
    name: Mapped[str] = mapped_column(String(100))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


# What everybody's first project is called.
DEFAULT_PROJECT = "Default"


class Project(Base):
    """A user's folder of datasets, runs and models."""

    __tablename__ = "projects"

    id: Mapped[str] = _primary_key()
    user_id: Mapped[str] = _parent("users.id")
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class DatasetFacts:
    """One typed table as it was at one version; its objects never change.

    ``storage_key`` is its Parquet object, ``preview_key`` holds its first rows as JSON and
    ``profile_key`` its profile, once computed. ``mode`` says how it came to be: ``upload``,
    ``replace``, ``append`` or ``retype``; ``source_filename`` is the file that was sent for it,
    ``options_json`` the reading options that were given with it.
    """

    filename: Mapped[str] = mapped_column(String(255))
    storage_key: Mapped[str] = mapped_column(String(900))
    preview_key: Mapped[str] = mapped_column(String(900))
    profile_key: Mapped[str | None] = mapped_column(String(900))
    rows: Mapped[int] = mapped_column(BigInteger)
    cols: Mapped[int] = mapped_column(Integer)
    columns_json: Mapped[list[Any]]
    warnings_json: Mapped[list[Any]]
    read_json: Mapped[dict[str, Any]]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, default=1)
    uploaded_at: Mapped[datetime]
    source_filename: Mapped[str] = mapped_column(String(255), server_default="", default="")
    mode: Mapped[str] = mapped_column(String(10), server_default="upload", default="upload")
    options_json: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}", default=dict)


class Dataset(DatasetFacts, Base):
    """An uploaded table, in its newest version; :class:`DatasetVersion` keeps the earlier ones."""

    __tablename__ = "datasets"

    id: Mapped[str] = _primary_key()
    project_id: Mapped[str] = _parent("projects.id")


class DatasetVersion(DatasetFacts, Base):
    """A dataset as it was before the version that followed; written once, when that one came."""

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "version"),)

    id: Mapped[str] = _primary_key()
    dataset_id: Mapped[str] = _parent("datasets.id", index=False)


class DatasetVersionKey(Base):
    """The ``Idempotency-Key`` under which a version of a dataset was made, and for what request."""

    __tablename__ = "dataset_version_keys"
    __table_args__ = (UniqueConstraint("dataset_id", "idempotency_key"),)

    id: Mapped[str] = _primary_key()
    dataset_id: Mapped[str] = _parent("datasets.id", index=False)
    idempotency_key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)


class Run(Base):
    """One analysis. The row is the truth; what the queue carries is only a bell.

    ``stage`` counts the finished stages (0–4). A stage is claimed by setting ``lease_owner``
    and ``lease_until``; ``attempt`` fences off whoever lost the lease. ``event_seq`` is the
    last sequence number given to an event of this run.
    """

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        Index("ix_runs_status_lease_until", "status", "lease_until"),
    )

    id: Mapped[str] = _primary_key()
    user_id: Mapped[str] = _parent("users.id")
    project_id: Mapped[str] = _parent("projects.id")
    dataset_id: Mapped[str] = _parent("datasets.id")
    dataset_version: Mapped[int] = mapped_column(Integer, server_default="1", default=1)
    status: Mapped[str] = mapped_column(String(20), default="PENDING")
    current_task: Mapped[str | None] = mapped_column(String(40))
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    parameters_json: Mapped[dict[str, Any]]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    stage: Mapped[int] = mapped_column(Integer, default=0)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    stage_attempts: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    finish_requested: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(128))
    event_seq: Mapped[int] = mapped_column(Integer, default=0)


class Artifact(Base):
    """A stored product of a run; the row is written after its object."""

    __tablename__ = "artifacts"
    __table_args__ = (UniqueConstraint("run_id", "type", "filename"),)

    id: Mapped[str] = _primary_key()
    run_id: Mapped[str] = _parent("runs.id", index=False)
    type: Mapped[str] = mapped_column(String(20))
    filename: Mapped[str] = mapped_column(String(255))
    storage_key: Mapped[str] = mapped_column(String(900))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    metadata_json: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class ModelMeta(Base):
    """A trained model: the winner of a run. ``signature`` signs its hash with the server's key.

    ``champion_since`` is set for the one model of a project and target that answers for all;
    ``decision_json`` says how labels follow from probabilities, where not by the largest.
    """

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("run_id"),)

    id: Mapped[str] = _primary_key()
    run_id: Mapped[str] = _parent("runs.id", index=False)
    project_id: Mapped[str] = _parent("projects.id")
    name: Mapped[str] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(Integer)
    task: Mapped[str] = mapped_column(String(20))
    target: Mapped[str | None] = mapped_column(Text)
    storage_key: Mapped[str] = mapped_column(String(900))
    sha256: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    metrics_json: Mapped[dict[str, Any]]
    input_schema_json: Mapped[list[Any]]
    importance_json: Mapped[list[Any]]
    decision_json: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    champion_since: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Log(Base):
    """One event of a run: a ``log`` line, a ``status`` change or a ``leaderboard``.

    ``seq`` is what the event stream resumes from. A row without a run is the system's own.
    """

    __tablename__ = "logs"
    __table_args__ = (UniqueConstraint("run_id", "seq"), Index("ix_logs_timestamp", "timestamp"))

    id: Mapped[str] = _primary_key()
    run_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("runs.id", ondelete="CASCADE")
    )
    seq: Mapped[int | None] = mapped_column(Integer)
    event: Mapped[str] = mapped_column(String(12), default="log")
    level: Mapped[str] = mapped_column(String(10), default="INFO")
    message: Mapped[str] = mapped_column(Text)
    data_json: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None] = mapped_column(String(128))
    timestamp: Mapped[datetime]


class PredictionJob(Base):
    """A file too large to wait for, to ``predict`` or to ``evaluate`` by; a worker claims it
    like a stage."""

    __tablename__ = "prediction_jobs"

    id: Mapped[str] = _primary_key()
    user_id: Mapped[str] = _parent("users.id")
    model_id: Mapped[str] = _parent("models.id")
    kind: Mapped[str] = mapped_column(String(10), server_default="predict", default="predict")
    status: Mapped[str] = mapped_column(String(20), default="PENDING", index=True)
    filename: Mapped[str] = mapped_column(String(255))
    source_key: Mapped[str] = mapped_column(String(900))
    artifact_id: Mapped[str | None] = mapped_column(String(36))
    rows: Mapped[int | None] = mapped_column(BigInteger)
    warnings_json: Mapped[list[Any]]
    error: Mapped[str | None] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class PredictionTally(Base):
    """What one request asked a model: its rows, counted by the bins of the model's reference."""

    __tablename__ = "prediction_tallies"
    __table_args__ = (Index("ix_prediction_tallies_model_id_created_at", "model_id", "created_at"),)

    id: Mapped[str] = _primary_key()
    model_id: Mapped[str] = _parent("models.id", index=False)
    rows: Mapped[int] = mapped_column(BigInteger)
    counts_json: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Trash(Base):
    """A storage prefix whose rows are gone: swept after the commit, or later by ``uam beat``."""

    __tablename__ = "trash"

    id: Mapped[str] = _primary_key()
    prefix: Mapped[str] = mapped_column(String(900))
    created_at: Mapped[datetime]
