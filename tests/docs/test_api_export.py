"""The exported description of the API is the application's own, and the collection follows it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api"


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DOCS / name).read_text(encoding="utf-8"))
    return document


API = load("openapi.json")
COLLECTION = load("uam.postman_collection.json")


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in COLLECTION["item"]:
        for item in folder["item"]:
            yield item["name"], item["request"]


def path_of(request: dict[str, Any]) -> str:
    parts = [f"{{{p[1:]}}}" if p.startswith(":") else p for p in request["url"]["path"]]
    return "/" + "/".join(parts)


def test_the_export_is_up_to_date() -> None:
    command = [sys.executable, str(DOCS / "export.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_collection_is_of_format_2_1() -> None:
    assert "/v2.1.0/" in COLLECTION["info"]["schema"]
    assert COLLECTION["auth"]["bearer"][0]["value"] == "{{access_token}}"


def test_every_operation_is_in_the_collection() -> None:
    described = {(m.upper(), path) for path, ops in API["paths"].items() for m in ops}
    collected = [(request["method"], path_of(request)) for _, request in requests()]
    assert sorted(collected) == sorted(described)


@pytest.mark.parametrize(("name", "request_"), requests())
def test_request_fits_its_operation(name: str, request_: dict[str, Any]) -> None:
    operation = API["paths"][path_of(request_)][request_["method"].lower()]
    holes = {part[1:] for part in request_["url"]["path"] if part.startswith(":")}
    assert {one["key"] for one in request_["url"].get("variable", [])} == holes
    assert (request_.get("auth") == {"type": "noauth"}) is (not operation.get("security"))
    content = operation.get("requestBody", {}).get("content", {})
    assert bool(content) is ("body" in request_)
    if request_.get("body", {}).get("mode") == "raw":
        schema = content["application/json"]["schema"] | {"components": API["components"]}
        Draft202012Validator(schema).validate(json.loads(request_["body"]["raw"]))


def test_what_is_called_without_a_token_is_what_the_contract_names() -> None:
    public = {path_of(r) for _, r in requests() if r.get("auth") == {"type": "noauth"}}
    assert public == {
        *("/auth/register", "/auth/login", "/auth/token", "/auth/refresh"),
        *("/health", "/ready", "/metrics"),
    }
