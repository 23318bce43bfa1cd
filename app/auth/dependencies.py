"""Who is asking, as dependency types: ``CurrentUser`` and ``AdminUser``."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from app.auth.api_keys import PREFIX, user_of_key
from app.auth.principal import Principal
from app.auth.sessions import user_of
from app.auth.tokens import InvalidToken, decode
from app.core.problems import Forbidden, Unauthorized
from app.db.tables import User
from app.resources import Resources
from app.web import Held

_bearer = OAuth2PasswordBearer(tokenUrl="/auth/token", auto_error=False)


def current_user(held: Held, credentials: Annotated[str | None, Depends(_bearer)]) -> Principal:
    """The user whose token or API key the request brings.

    Read in a unit of its own, closed before the handler runs. Raises :class:`Unauthorized`
    for anything that is not a valid access token or key of an active account; the answer
    does not tell which.
    """
    user = _find(held, credentials) if credentials else None
    if user is None:
        raise Unauthorized()
    return Principal.of(user)


def _find(held: Resources, credentials: str) -> User | None:
    if credentials.startswith(PREFIX):
        return user_of_key(held.database, credentials)
    try:
        claims = decode(held.settings, credentials, "access")
    except InvalidToken:
        return None
    with held.database.unit(write=False) as unit:
        return user_of(unit, claims)


CurrentUser = Annotated[Principal, Depends(current_user)]


async def admin_user(user: CurrentUser) -> Principal:
    """The signed-in administrator. Raises :class:`Forbidden` for anybody else."""
    if not user.is_admin:
        raise Forbidden("This is for administrators only.")
    return user


AdminUser = Annotated[Principal, Depends(admin_user)]


async def client_address(request: Request) -> str:
    """The address that the connection comes from; a forwarded header can be forged."""
    return request.client.host if request.client else "unknown"


ClientAddress = Annotated[str, Depends(client_address)]
