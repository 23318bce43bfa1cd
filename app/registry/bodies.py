"""Reading what a prediction is asked with: an object of rows, or a bare list of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, TypeVar

import pydantic_core
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.core.problems import Unprocessable
from app.registry.schemas import ChampionPredictIn, PredictIn

MAX_ERRORS = 50
# JSON's own values for a cell: what a table can hold.
_CELL = (str, int, float, bool, type(None))


Asked = TypeVar("Asked", bound=BaseModel)
AskedRows = TypeVar("AskedRows", bound=PredictIn)


def file_form(description: str) -> dict[str, Any]:
    """OpenAPI's description of a form that brings one file."""
    file = {"type": "string", "format": "binary", "description": description}
    schema = {"type": "object", "required": ["file"], "properties": {"file": file}}
    return {"multipart/form-data": {"schema": schema}}


def is_json(request: Request) -> bool:
    """Whether the body says that it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def parse_object(body: bytes, schema: type[Asked]) -> Asked:
    """A JSON object of that schema. Raises :class:`Unprocessable` or
    ``RequestValidationError``, both of which say where."""
    value = _parsed(body)
    if not isinstance(value, dict):
        raise _wrong("body", "send an object")
    return _checked(value, schema)


def parse_rows(body: bytes) -> PredictIn:
    """The rows of a JSON body, which may be a bare list of them. Raises as :func:`parse_object`."""
    value = _parsed(body)
    return _with_rows({"rows": value} if isinstance(value, list) else value, PredictIn)


def parse_champion_rows(body: bytes) -> ChampionPredictIn:
    """The rows of a JSON object that names a target. Raises as :func:`parse_object`."""
    return _with_rows(_parsed(body), ChampionPredictIn)


def _parsed(body: bytes) -> Any:
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise _wrong("body", f"this is not JSON: {error}") from None


def _checked(value: dict[str, Any], schema: type[Asked]) -> Asked:
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        located = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(located) from None


def _with_rows(value: Any, schema: type[AskedRows]) -> AskedRows:
    if not isinstance(value, dict):
        raise _wrong("body", 'send {"rows": [...]} or a list of rows')
    if "rows" not in value and value.get("horizon") is not None:
        return _checked(value, schema)  # a forecast needs no rows
    if "rows" not in value:
        missing = {"type": "missing", "loc": ("body", "rows"), "msg": "Field required"}
        raise RequestValidationError([{**missing, "input": value}])
    errors = list(_wrong_rows(value["rows"]))
    if errors:
        first = errors[0]
        raise Unprocessable(f"{first['location']}: {first['message']}", errors=errors)
    # Rows that were just checked are not walked through a second time.
    checked = _checked({**value, "rows": []}, schema)
    return checked.model_copy(update={"rows": value["rows"]})


def _wrong_rows(rows: Any) -> Iterator[dict[str, str]]:
    """What is wrong with the shape of the rows, the first of it."""
    if not isinstance(rows, list):
        yield {"location": "body.rows", "message": "must be a list of objects"}
        return
    found = 0
    for index, row in enumerate(rows):
        for location, message in _wrong_cells(index, row):
            yield {"location": location, "message": message}
            found += 1
            if found >= MAX_ERRORS:
                return


def _wrong_cells(index: int, row: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(row, dict):
        yield f"rows[{index}]", "must be an object keyed by column name"
        return
    for name, cell in row.items():
        if not isinstance(cell, _CELL):
            yield f"rows[{index}].{name}", "must be a string, a number, true, false or null"
        elif isinstance(cell, int | float) and not abs(cell) <= sys.float_info.max:
            yield f"rows[{index}].{name}", "is too large a number"


def _wrong(location: str, message: str) -> Unprocessable:
    return Unprocessable(
        f"{location}: {message}", errors=[{"location": location, "message": message}]
    )


def prefers_csv(accept: str) -> bool:
    """Whether an ``Accept`` header names CSV before JSON (RFC 9110, section 12.5.1)."""
    weights = dict(_weights(accept))
    csv = weights.get("text/csv", 0.0)
    return csv > 0 and csv >= weights.get("application/json", 0.0)


def _weights(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        yield name, weight
