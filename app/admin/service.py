"""The use cases of administrators."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from app.admin.schemas import AccountChange, Stats, StorageUse
from app.auth.sessions import end_all
from app.config import Settings
from app.core.problems import Conflict, NotFound
from app.db.session import UnitOfWork
from app.db.tables import Artifact, Dataset, DatasetVersion, Log, ModelMeta, Project, Run, User


def all_users() -> Select[User]:
    """Every account, newest first."""
    return select(User).order_by(User.created_at.desc(), User.id.desc())


def change_user(unit: UnitOfWork, user_id: str, change: AccountChange) -> User:
    """Change an account's role or switch it off or on; what was issued to it ends.

    Raises :class:`NotFound`, and :class:`Conflict` where no active administrator would be
    left.
    """
    # Locked together, so that two administrators cannot remove each other at one moment.
    admins = select(User).where(User.role == "admin", User.is_active.is_(True))
    standing = unit.session.scalars(admins.order_by(User.id).with_for_update()).all()
    user = unit.session.scalars(select(User).where(User.id == user_id)).one_or_none()
    if user is None:
        raise NotFound("user")
    named = change.model_fields_set
    role = change.role if "role" in named else user.role
    is_active = change.is_active if "is_active" in named else user.is_active
    stays_admin = role == "admin" and is_active
    if not stays_admin and [admin.id for admin in standing] == [user.id]:
        raise Conflict("This is the last active administrator.")
    if (role, is_active) != (user.role, user.is_active):
        user.role, user.is_active = role, is_active
        end_all(unit, user)
    return user


def stats(unit: UnitOfWork, settings: Settings) -> Stats:
    """Counts of everything, and the bytes stored."""
    by_status = unit.session.execute(
        select(Run.status, func.count()).group_by(Run.status).order_by(Run.status)
    ).all()
    runs = {str(row[0]): int(row[1]) for row in by_status}
    datasets_bytes = _total(unit, Dataset.size_bytes) + _total(unit, DatasetVersion.size_bytes)
    artifacts_bytes = _total(unit, Artifact.size_bytes)
    return Stats(
        users=_count(unit, User),
        users_active=_count(unit, User, User.is_active.is_(True)),
        projects=_count(unit, Project),
        datasets=_count(unit, Dataset),
        datasets_bytes=datasets_bytes,
        runs=runs,
        runs_total=sum(runs.values()),
        artifacts=_count(unit, Artifact),
        artifacts_bytes=artifacts_bytes,
        models=_count(unit, ModelMeta),
        storage=StorageUse(
            backend="s3" if settings.minio_endpoint else "local",
            bucket=settings.minio_bucket,
            bytes=datasets_bytes + artifacts_bytes,
        ),
    )


def log_lines(level: str | None, run_id: str | None, since: datetime | None) -> Select[Log]:
    """Log lines of every run and of the system, newest first; ``since`` is inclusive."""
    statement = select(Log).where(Log.event == "log")
    if level is not None:
        statement = statement.where(Log.level == level)
    if run_id is not None:
        statement = statement.where(Log.run_id == run_id)
    if since is not None:
        statement = statement.where(Log.timestamp >= since)
    return statement.order_by(Log.timestamp.desc(), Log.seq.desc(), Log.id.desc())


def _count(unit: UnitOfWork, table: type[DeclarativeBase], *conditions: ColumnElement[bool]) -> int:
    statement = select(func.count()).select_from(table).where(*conditions)
    return unit.session.scalar(statement) or 0


def _total(unit: UnitOfWork, column: InstrumentedAttribute[int]) -> int:
    return int(unit.session.scalar(select(func.coalesce(func.sum(column), 0))) or 0)
