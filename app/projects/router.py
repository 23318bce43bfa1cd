"""HTTP for projects."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.auth.dependencies import CurrentUser
from app.projects import service
from app.projects.schemas import ProjectChange, ProjectNew, ProjectOut
from app.web import Held, Page, Unit, answers, paginate

router = APIRouter(prefix="/projects", tags=["projects"])


@router.post("", status_code=201, responses=answers(401, 422))
def create(body: ProjectNew, user: CurrentUser, unit: Unit, response: Response) -> ProjectOut:
    """Make a project."""
    project = service.create_project(unit, user, name=body.name, description=body.description)
    response.headers["Location"] = f"/projects/{project.id}"
    return ProjectOut.model_validate(project)


@router.get("", responses=answers(401, 422))
def list_projects(
    user: CurrentUser, unit: Unit, page: Page, request: Request, response: Response
) -> list[ProjectOut]:
    """One's projects, newest first."""
    rows = paginate(unit, service.owned_projects(user), page, request, response)
    return [ProjectOut.model_validate(row) for row in rows]


@router.get("/{project_id}", responses=answers(401, 404))
def get(project_id: str, user: CurrentUser, unit: Unit) -> ProjectOut:
    """One project."""
    return ProjectOut.model_validate(service.get_project(unit, user, project_id))


@router.patch("/{project_id}", responses=answers(401, 404, 422))
def change(project_id: str, body: ProjectChange, user: CurrentUser, unit: Unit) -> ProjectOut:
    """Change a project's name or description."""
    changes = body.model_dump(exclude_unset=True)
    return ProjectOut.model_validate(service.change_project(unit, user, project_id, changes))


@router.delete("/{project_id}", status_code=204, responses=answers(401, 404))
def delete(project_id: str, user: CurrentUser, held: Held, unit: Unit) -> None:
    """Delete a project with its datasets, runs, models and stored objects."""
    service.delete_project(unit, held, user, project_id)
