"""HTTP for API keys."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.auth import api_keys
from app.auth.dependencies import CurrentUser
from app.auth.schemas import ApiKeyCreated, ApiKeyOut, ApiKeyRequest
from app.web import Page, Unit, answers, paginate

router = APIRouter(prefix="/api-keys")


@router.post("", status_code=201, responses=answers(401, 422))
def create(body: ApiKeyRequest, user: CurrentUser, unit: Unit) -> ApiKeyCreated:
    """Make an API key; the answer is the only place where the key itself is shown."""
    row, key = api_keys.create_key(unit, user, body.name, body.expires_in_days)
    shown = ApiKeyOut.model_validate(row)
    return ApiKeyCreated(**shown.model_dump(), key=key)


@router.get("", responses=answers(401, 422))
def list_keys(
    user: CurrentUser, unit: Unit, page: Page, request: Request, response: Response
) -> list[ApiKeyOut]:
    """One's API keys, newest first."""
    rows = paginate(unit, api_keys.owned_keys(user), page, request, response)
    return [ApiKeyOut.model_validate(row) for row in rows]


@router.delete("/{key_id}", status_code=204, responses=answers(401, 404))
def delete(key_id: str, user: CurrentUser, unit: Unit) -> None:
    """End an API key at once."""
    api_keys.delete_key(unit, user, key_id)
