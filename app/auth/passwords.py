"""Passwords: what is accepted, and how they are kept.

The scheme is passlib's ``bcrypt_sha256``: HMAC-SHA-256 keyed by the salt, in base64, then
bcrypt. So every byte of a long password counts, where bcrypt alone ends at the 72nd.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, TypeVar

import anyio
import anyio.to_thread
from passlib.hash import bcrypt_sha256
from pydantic import AfterValidator, StringConstraints

from app.auth.common_passwords import COMMON_PASSWORDS

T = TypeVar("T")

COST = 12
MIN_LENGTH = 10
MAX_LENGTH = 1000

_scheme = bcrypt_sha256.using(rounds=COST)
# Of a password that nobody knows: verifying against it takes as long as against a real one.
_UNKNOWN = "$bcrypt-sha256$v=2,t=2b,r=12$doIKaYZZZvXwWM06tUGXaO$6/t0KrghZlZe5PkUp1wJ8FLwNihOvPa"
# A hash costs a quarter of a second of a core. Hashing has threads of its own, no more than
# cores, so that a flood of sign-ins neither stalls the event loop nor uses up the other threads.
_hashing = anyio.CapacityLimiter(max(2, os.cpu_count() or 1))


def _check(password: str) -> str:
    if password.casefold() in COMMON_PASSWORDS:
        raise ValueError("is one of the most common passwords; choose another")
    return password


NewPassword = Annotated[
    str,
    StringConstraints(min_length=MIN_LENGTH, max_length=MAX_LENGTH),
    AfterValidator(_check),
]


def hash_password(password: str) -> str:
    """The salted hash under which ``password`` is stored."""
    return str(_scheme.hash(password))


def verify(password: str, stored: str | None) -> bool:
    """Whether ``password`` is the one behind ``stored``.

    With no stored hash (an unknown account), or a password longer than any that is accepted,
    the answer is no after the same work.
    """
    known = stored is not None and len(password) <= MAX_LENGTH
    same = _scheme.verify(password[:MAX_LENGTH], stored if known else _UNKNOWN)
    return known and bool(same)


async def in_hashing_thread(work: Callable[[], T]) -> T:
    """Run ``work``, which hashes, in one of the few threads kept for that."""
    return await anyio.to_thread.run_sync(work, limiter=_hashing)
