"""Errors of the domain: what a caller is told, whoever answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

RETRY_AFTER_S = 5


class Problem(Exception):
    """The root of every error that a caller is told; ``detail`` is one plain sentence."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors) if errors is not None else None
        self.headers = dict(headers or {})
        self.extra = {key: value for key, value in extra.items() if value is not None}


class BadRequest(Problem):
    """400: the request cannot be understood at all."""

    status, slug = 400, "bad-request"


class Unauthorized(Problem):
    """401: no valid token or key."""

    status, slug = 401, "unauthorized"

    def __init__(self, detail: str = "Sign in first: a valid token or API key is needed.") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    """403: signed in, but not allowed."""

    status, slug = 403, "forbidden"


class NotFound(Problem):
    """404: no such thing, or not this user's; the two answer alike."""

    status, slug = 404, "not-found"

    def __init__(self, what: str = "object") -> None:
        super().__init__(f"There is no such {what}.")


class Conflict(Problem):
    """409: it clashes with what is there."""

    status, slug = 409, "conflict"


class Gone(Problem):
    """410: the row is there, its stored object is not."""

    status, slug = 410, "gone"


class PayloadTooLarge(Problem):
    """413: larger than the settings allow."""

    status, slug = 413, "too-large"


class UnsupportedMedia(Problem):
    """415: not a format that UAM reads."""

    status, slug = 415, "unsupported-format"


class Unprocessable(Problem):
    """422: understood, but it cannot be done; ``errors`` says where."""

    status, slug = 422, "unprocessable"


class TooManyRequests(Problem):
    """429: a quota or a rate limit is spent."""

    status, slug = 429, "too-many-requests"

    def __init__(self, detail: str, retry_after_s: int | None = None) -> None:
        headers = {} if retry_after_s is None else {"Retry-After": str(max(1, retry_after_s))}
        super().__init__(detail, headers=headers)


class Unavailable(Problem):
    """503: a part that is needed is down; it recovers by itself."""

    status, slug = 503, "unavailable"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(RETRY_AFTER_S)}, **extra)


class InsufficientStorage(Problem):
    """507: the disk or the object store is full."""

    status, slug = 507, "insufficient-storage"


def location(parts: Sequence[Any]) -> str:
    """``("body", "rows", 0, "name")`` as ``body.rows[0].name``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
