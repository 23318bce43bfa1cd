"""HTTP for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.admin import service
from app.admin.schemas import AccountChange, AccountOut, Level, LogOut, Stats
from app.auth.dependencies import admin_user
from app.web import Config, Page, Since, Unit, answers, paginate

router = APIRouter(prefix="/admin", tags=["admin"], dependencies=[Depends(admin_user)])


@router.get("/users", responses=answers(401, 403, 422))
def list_users(
    unit: Unit,
    page: Page,
    request: Request,
    response: Response,
) -> list[AccountOut]:
    """Every account, newest first."""
    rows = paginate(unit, service.all_users(), page, request, response)
    return [AccountOut.model_validate(row) for row in rows]


@router.patch("/users/{user_id}", responses=answers(401, 403, 404, 409, 422))
def change_user(
    user_id: str,
    body: AccountChange,
    unit: Unit,
) -> AccountOut:
    """Change an account's role, or switch it off or on; its tokens end when that changes."""
    return AccountOut.model_validate(service.change_user(unit, user_id, body))


@router.get("/stats", responses=answers(401, 403))
def stats(unit: Unit, config: Config) -> Stats:
    """What the installation holds."""
    return service.stats(unit, config)


@router.get("/logs", responses=answers(401, 403, 422))
def logs(
    unit: Unit,
    page: Page,
    request: Request,
    response: Response,
    level: Annotated[Level | None, Query(description="Exactly this level.")] = None,
    run_id: Annotated[str | None, Query(max_length=36)] = None,
    since: Annotated[Since | None, Query(description="A time; UTC unless it says.")] = None,
) -> list[LogOut]:
    """Log lines of every run and of the system, newest first."""
    statement = service.log_lines(level, run_id, since)
    rows = paginate(unit, statement, page, request, response)
    return [LogOut.model_validate(row) for row in rows]
