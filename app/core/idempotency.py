"""Requests that may be sent twice and are done once: what an ``Idempotency-Key`` stands for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from app.core.problems import Conflict


@dataclass(frozen=True, slots=True)
class Asked:
    """A key and the digest of what was asked under it."""

    key: str
    digest: str

    @classmethod
    def of(cls, key: str | None, request: dict[str, Any]) -> Self | None:
        """The key with the digest of ``request``, values of JSON; nothing without a key."""
        return None if key is None else cls(key, digest_of(request))

    def refuse_other(self, digest: str | None) -> None:
        """Raises :class:`Conflict` when the request that is known under the key is another one."""
        if digest != self.digest:
            raise Conflict("This Idempotency-Key was used for another request.")


def digest_of(request: dict[str, Any]) -> str:
    """A digest that two requests share only when they ask for the same."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """The same of the bytes of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
