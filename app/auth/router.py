"""HTTP for accounts, sign-in and tokens."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

from app.auth import service, sessions, sign_in
from app.auth.dependencies import ClientAddress, CurrentUser
from app.auth.keys_router import router as keys_router
from app.auth.passwords import in_hashing_thread
from app.auth.schemas import (
    Login,
    NameChange,
    PasswordChange,
    RefreshBody,
    Registration,
    Tokens,
    UserOut,
)
from app.auth.tokens import InvalidToken, decode
from app.core.problems import Unauthorized
from app.web import Held, Unit, answers

router = APIRouter(prefix="/auth", tags=["auth"])

REFUSED = "This refresh token is not valid, or no longer."


@router.post("/register", status_code=201, responses=answers(409, 422, 429))
async def register(body: Registration, held: Held, address: ClientAddress) -> Tokens:
    """Make an account, with a project named `Default`, and sign in."""
    return await in_hashing_thread(partial(sign_in.register, held, address, body))


@router.post("/login", responses=answers(401, 422, 429))
async def login(body: Login, held: Held, address: ClientAddress) -> Tokens:
    """Sign in with e-mail address and password."""
    work = partial(sign_in.sign_in, held, address, body.email, body.password)
    return await in_hashing_thread(work)


@router.post("/token", responses=answers(400, 401, 422, 429))
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], held: Held, address: ClientAddress
) -> Tokens:
    """Sign in by the OAuth2 password flow; `username` is the e-mail address."""
    work = partial(sign_in.sign_in, held, address, form.username, form.password)
    return await in_hashing_thread(work)


@router.post("/refresh", responses=answers(401, 422))
def refresh(body: RefreshBody, held: Held) -> Tokens:
    """Spend a refresh token for a new pair; a spent one that comes back ends its family."""
    try:
        claims = decode(held.settings, body.refresh_token, "refresh")
    except InvalidToken:
        raise Unauthorized(REFUSED) from None
    # A unit of its own, so that the end of a family is committed although the answer is 401.
    with held.database.unit() as unit:
        pair = sessions.rotate(unit, held.settings, claims)
    if pair is None:
        raise Unauthorized(REFUSED)
    return pair


@router.post("/logout", status_code=204, responses=answers(401, 422))
def logout(body: RefreshBody, user: CurrentUser, held: Held, unit: Unit) -> None:
    """End the sign-in that the refresh token belongs to, its access tokens included."""
    try:
        claims = decode(held.settings, body.refresh_token, "refresh")
    except InvalidToken:
        raise Unauthorized(REFUSED) from None
    if claims.user_id != user.id:
        raise Unauthorized(REFUSED)
    sessions.end_family(unit, user.id, claims.family_id)


@router.get("/me", responses=answers(401))
def me(user: CurrentUser) -> UserOut:
    """Who is signed in."""
    return UserOut.model_validate(user)


@router.patch("/me", responses=answers(401, 422))
def rename(body: NameChange, user: CurrentUser, unit: Unit) -> UserOut:
    """Change one's own name."""
    return UserOut.model_validate(service.rename(unit, user, body.name))


@router.post("/password", status_code=204, responses=answers(401, 422, 429))
async def password(
    body: PasswordChange, user: CurrentUser, held: Held, address: ClientAddress
) -> None:
    """Change one's own password; every token issued before is refused from then on.

    API keys stay: they are listed and deleted one by one.
    """
    await in_hashing_thread(partial(sign_in.change_password, held, address, user, body))


router.include_router(keys_router)
