"""OpenAPI's finishing touches: the Problem schema, and no default 422 shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["location", "message"],
                "properties": {"location": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

PROBLEM: dict[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def install_openapi(app: FastAPI, shown: Sequence[str]) -> None:
    """Describe every error of ``app`` as the problem that it is, and its paths in the order of
    their tags in ``shown``."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = PROBLEM_SCHEMA
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schema["paths"] = dict(
                sorted(schema["paths"].items(), key=lambda path: shown.index(_tag(path[1])))
            )
            for operations in schema["paths"].values():
                for operation in operations.values():
                    _describe_problems(operation)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _tag(operations: dict[str, Any]) -> str:
    tag: str = next(iter(operations.values()))["tags"][0]
    return tag


def _describe_problems(operation: dict[str, Any]) -> None:
    answers = operation.setdefault("responses", {})
    if "422" in answers:
        answers["422"] = PROBLEM
    if "requestBody" in operation:
        # A body that is no text at all, and one that the edge refuses for its size.
        answers.setdefault("400", PROBLEM)
        answers.setdefault("413", PROBLEM)
