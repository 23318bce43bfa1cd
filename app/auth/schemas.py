"""What goes in and out of the Auth routes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.auth.emails import normalise
from app.auth.passwords import NewPassword
from app.web import Body, UtcTime

Role = Literal["user", "admin"]


def _printable(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("must not hold control characters")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_printable),
]
Email = Annotated[
    str,
    StringConstraints(max_length=320),
    AfterValidator(normalise),
    Field(json_schema_extra={"format": "email"}),
]


class Registration(Body):
    """A new account."""

    name: Name
    email: Email
    password: NewPassword


class Login(Body):
    """An account's address and password."""

    email: Annotated[str, StringConstraints(max_length=1000)]
    password: str


class RefreshBody(Body):
    """A refresh token."""

    refresh_token: Annotated[str, StringConstraints(max_length=4096)]


class NameChange(Body):
    """A new name for oneself."""

    name: Name


class PasswordChange(Body):
    """The password as it is, and as it shall be."""

    current_password: str
    new_password: NewPassword


class UserOut(BaseModel):
    """An account as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    email: str
    role: Role
    created_at: UtcTime


class Tokens(BaseModel):
    """A fresh pair of tokens; ``expires_in`` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int
    user: UserOut


class ApiKeyRequest(Body):
    """A new API key; without ``expires_in_days`` it stays until it is deleted."""

    name: Name
    expires_in_days: Annotated[int, Field(strict=True, ge=1, le=3650)] | None = None


class ApiKeyOut(BaseModel):
    """An API key, without the key."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    created_at: UtcTime
    expires_at: UtcTime | None
    last_used_at: UtcTime | None


class ApiKeyCreated(ApiKeyOut):
    """A new API key; ``key`` is shown this once."""

    key: str
