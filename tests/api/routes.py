"""Every route of the application, from its router and not from its own description."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from app.config import Settings
from app.main import create_app

SOME_ID = "4be0643f-1d98-473b-97cd-ca98a65347dd"


@dataclass(frozen=True)
class Operation:
    """One method of one path, and what its description says of it."""

    method: str
    path: str
    bodies: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **ids: str) -> str:
        """The path with its parameters filled in: by name, else with some unknown id."""
        return re.sub(r"\{(\w+)(:path)?\}", lambda found: ids.get(found[1], SOME_ID), self.path)

    def body(self) -> dict[str, Any]:
        """What to send for a body that is whole but says nothing."""
        if "application/json" in self.bodies:
            return {"json": {}}
        if "multipart/form-data" in self.bodies:
            return {"files": {"file": ("a.csv", b"a\n1\n")}}
        if self.bodies:
            return {"data": {"a": "b"}}
        return {}


APP = create_app(Settings(_env_file=None, secret_key="0123456789abcdef" * 4))


def operations() -> list[Operation]:
    """Every operation that the router answers, documented or not."""
    described = APP.openapi()["paths"]
    found = []
    for context in iter_route_contexts(APP.routes):
        assert not isinstance(context, Mount), "a mount is not walked: class its routes one by one"
        for method in sorted(context.methods or ()):
            spec = described.get(context.path, {}).get(method.lower(), {})
            media = tuple(spec.get("requestBody", {}).get("content", {}))
            statuses = frozenset(int(status) for status in spec.get("responses", {}))
            found.append(Operation(method, context.path, media, statuses))
    return found


OPERATIONS = operations()
