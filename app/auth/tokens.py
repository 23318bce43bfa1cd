"""Signed tokens (JWT): a short access token and a longer refresh token.

The algorithm is the settings', never the token's own; type, issuer, audience, expiry and
version are checked at every use.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import jwt

from app.config import Settings

TokenType = Literal["access", "refresh"]

ISSUER = "uam"
AUDIENCE = "uam-api"
# How late an expired token is still good, and how far ahead of this machine's clock that of the
# one may be which issued it.
LEEWAY_S = 10
AHEAD_S = 60
_REQUIRED = ("iss", "aud", "sub", "type", "exp", "iat", "jti", "ver", "fam")


class InvalidToken(Exception):
    """Not a token of ours, not of this type, or expired."""


@dataclass(frozen=True)
class Claims:
    """What a token says: whose it is, its id, its family (one sign-in) and version."""

    user_id: str
    token_id: str
    family_id: str
    version: int


def encode(settings: Settings, claims: Claims, kind: TokenType, lifetime: timedelta) -> str:
    """A signed token that ends after ``lifetime``."""
    now = datetime.now(UTC)
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.user_id,
        "type": kind,
        "iat": now,
        "exp": now + lifetime,
        "jti": claims.token_id,
        "fam": claims.family_id,
        "ver": claims.version,
    }
    return jwt.encode(payload, settings.signing_key, algorithm=settings.algorithm)


def decode(settings: Settings, token: str, kind: TokenType) -> Claims:
    """The claims of a valid token of this ``kind``. Raises :class:`InvalidToken`."""
    try:
        payload = jwt.decode(
            token,
            settings.signing_key,
            algorithms=[settings.algorithm],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=LEEWAY_S,
            options={"require": list(_REQUIRED), "strict_aud": True, "verify_iat": False},
        )
        issued = float(payload["iat"])
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise InvalidToken(type(error).__name__) from None
    if payload["type"] != kind:
        raise InvalidToken("type")
    if issued > time.time() + AHEAD_S:
        raise InvalidToken("iat")
    return Claims(
        user_id=_text(payload["sub"]),
        token_id=_text(payload["jti"]),
        family_id=_text(payload["fam"]),
        version=_integer(payload["ver"]),
    )


def _text(value: Any) -> str:
    # A NUL is nothing that the database could be asked for.
    if not isinstance(value, str) or "\0" in value:
        raise InvalidToken("claim")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise InvalidToken("claim")
    return value
