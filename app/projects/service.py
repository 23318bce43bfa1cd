"""The use cases of projects; every look-up begins with the owner."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Select, select

from app.auth.principal import Principal
from app.core.problems import NotFound
from app.db.session import UnitOfWork
from app.db.tables import DEFAULT_PROJECT, Project, Run, User, new_id
from app.resources import Resources
from app.storage.trash import discard


def owned_projects(user: Principal) -> Select[Project]:
    """The user's projects, newest first."""
    return (
        select(Project)
        .where(Project.user_id == user.id)
        .order_by(Project.created_at.desc(), Project.id.desc())
    )


def get_project(unit: UnitOfWork, user: Principal, project_id: str) -> Project:
    """One of the user's projects. Raises :class:`NotFound`, alike for a foreign one."""
    statement = owned_projects(user).where(Project.id == project_id)
    project = unit.session.scalars(statement).one_or_none()
    if project is None:
        raise NotFound("project")
    return project


def hold_project(unit: UnitOfWork, user: Principal, project_id: str) -> Project:
    """The same, and it stays until the unit's end: who deletes it waits."""
    statement = owned_projects(user).where(Project.id == project_id)
    held = statement.with_for_update(read=True, key_share=True)
    project = unit.session.scalars(held).one_or_none()
    if project is None:
        raise NotFound("project")
    return project


def default_project(unit: UnitOfWork, user: Principal) -> Project:
    """The project for an upload that names none: the oldest ``Default``, made when it is gone."""
    # The owner's row is locked, so that two uploads at once do not both make one.
    unit.session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    statement = (
        select(Project)
        .where(Project.user_id == user.id, Project.name == DEFAULT_PROJECT)
        .order_by(Project.created_at, Project.id)
        .limit(1)
    )
    project = unit.session.scalars(statement).one_or_none()
    return project or create_project(unit, user, name=DEFAULT_PROJECT, description="")


def create_project(unit: UnitOfWork, user: Principal, *, name: str, description: str) -> Project:
    """A new project; names need not be unique."""
    project = Project(
        id=new_id(), user_id=user.id, name=name, description=description, created_at=unit.now()
    )
    unit.session.add(project)
    unit.session.flush()
    return project


def change_project(
    unit: UnitOfWork, user: Principal, project_id: str, changes: Mapping[str, str]
) -> Project:
    """Set what ``changes`` names (``name``, ``description``). Raises :class:`NotFound`."""
    project = get_project(unit, user, project_id)
    for field, value in changes.items():
        setattr(project, field, value)
    return project


def delete_project(unit: UnitOfWork, held: Resources, user: Principal, project_id: str) -> None:
    """Delete a project with all that hangs on it, stored objects included.

    Its datasets, runs, artifacts and models go with its row. A run under way loses its row
    and with it its lease, so that its worker stops. Raises :class:`NotFound`.
    """
    project = get_project(unit, user, project_id)
    # Locks go from the run to what it hangs on: whoever changes a run twice in one unit has the
    # database look whether its project is still there.
    mine = select(Run.id).where(Run.project_id == project.id).order_by(Run.id)
    unit.session.execute(mine.with_for_update())
    unit.session.delete(project)
    bucket = held.settings.minio_bucket
    discard(unit, held.storage, bucket, f"projects/{project.id}/")
