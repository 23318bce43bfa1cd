"""A Postman collection (format 2.1) out of an OpenAPI description; plain values in and out."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# Fields of answers that later requests need; each is kept as a variable of the collection.
REMEMBERED = ("access_token", "refresh_token", "dataset_id", "run_id", "report_id")
SAMPLES: dict[str, Any] = {
    "email": "ada@example.org",
    "username": "ada@example.org",
    "password": "correct horse battery staple",
    "name": "Ada",
    "filename": "flights.csv",
    "current_password": "correct horse battery staple",
    "new_password": "an even better password",
    "question": "How many rows are there?",
    "refresh_token": "{{refresh_token}}",
    "project_id": "{{project_id}}",
    "dataset_id": "{{dataset_id}}",
    "run_id": "{{run_id}}",
}


def collection(api: dict[str, Any]) -> dict[str, Any]:
    """The collection of an OpenAPI 3.1 document: one folder a tag, one request an operation."""
    folders: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            folders[tag].append(_item(api, path, method, operation))
    names = ("base_url", "project_id", "model_id", "artifact_id", *REMEMBERED)
    return {
        "info": {
            "name": api["info"]["title"],
            "description": api["info"].get("description", ""),
            "version": api["info"]["version"],
            "schema": SCHEMA,
        },
        "auth": {
            "type": "bearer",
            "bearer": [{"key": "token", "value": "{{access_token}}", "type": "string"}],
        },
        "variable": [
            {"key": name, "value": "http://127.0.0.1:8000" if name == "base_url" else ""}
            for name in names
        ],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }


def _item(api: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "header": _headers(operation),
        "url": _url(path, operation),
    }
    if not operation.get("security"):
        request["auth"] = {"type": "noauth"}
    if body := _body(api, operation):
        request["body"] = body
    name = operation.get("summary") or f"{method.upper()} {path}"
    item: dict[str, Any] = {"name": name, "request": request, "response": []}
    if method in {"post", "put"}:
        item["event"] = [{"listen": "test", "script": _remember()}]
    return item


def _remember() -> dict[str, Any]:
    return {
        "type": "text/javascript",
        "exec": [
            "if (pm.response.code < 300 && pm.response.text().startsWith('{')) {",
            "  const answer = pm.response.json();",
            f"  for (const name of {list(REMEMBERED)}) {{",
            "    if (answer[name]) pm.collectionVariables.set(name, answer[name]);",
            "  }",
            "}",
        ],
    }


def _parameters(operation: dict[str, Any], place: str) -> list[dict[str, Any]]:
    return [one for one in operation.get("parameters", []) if one["in"] == place]


def _headers(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": one["name"], "value": "", "disabled": not one.get("required", False)}
        for one in _parameters(operation, "header")
    ]


def _url(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    parts = [f":{p[1:-1]}" if p.startswith("{") else p for p in path.strip("/").split("/")]
    url: dict[str, Any] = {
        "raw": "{{base_url}}/" + "/".join(parts),
        "host": ["{{base_url}}"],
        "path": parts,
    }
    if query := _parameters(operation, "query"):
        url["query"] = [
            {
                "key": one["name"],
                "value": str(one.get("schema", {}).get("default", "")),
                "description": one.get("description", ""),
                "disabled": not one.get("required", False),
            }
            for one in query
        ]
    if variables := _parameters(operation, "path"):
        url["variable"] = [
            {"key": one["name"], "value": "{{" + one["name"] + "}}"} for one in variables
        ]
    return url


def _body(api: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = sample(api, content["application/json"].get("schema", {}))
        return {
            "mode": "raw",
            "raw": json.dumps(example, indent=2),
            "options": {"raw": {"language": "json"}},
        }
    for media, mode in (
        ("multipart/form-data", "formdata"),
        ("application/x-www-form-urlencoded", "urlencoded"),
    ):
        if media in content:
            return {"mode": mode, mode: _form(api, content[media].get("schema", {}), mode)}
    return None


def _form(api: dict[str, Any], schema: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    schema = _resolve(api, schema)
    required = set(schema.get("required", []))
    rows = []
    for name, one in schema.get("properties", {}).items():
        row: dict[str, Any] = {"key": name, "disabled": name not in required}
        if mode == "formdata" and _is_file(_resolve(api, one)):
            row |= {"type": "file", "src": "examples/flights.csv"}
        else:
            row |= {"type": "text", "value": str(sample(api, one, name) or "")}
        rows.append(row)
    return rows


def _is_file(schema: dict[str, Any]) -> bool:
    return schema.get("format") == "binary" or "contentMediaType" in schema


def _resolve(api: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a reference; of several, the first that is not ``null``."""
    while True:
        if "$ref" in schema:
            schema = api["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        elif choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            schema = next((c for c in choices if c.get("type") != "null"), choices[0])
        else:
            return schema


def sample(api: dict[str, Any], schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that fits the schema: its own example or default, else the smallest one."""
    for key in ("example", "default"):
        if schema.get(key) is not None:
            return schema[key]
    schema = _resolve(api, schema)
    if name in SAMPLES and schema.get("type", "string") == "string":
        return SAMPLES[name]
    if examples := schema.get("examples"):
        return examples[0]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        return _object(api, schema, depth)
    if schema.get("type") == "array":
        return [sample(api, schema.get("items", {}), depth=depth + 1)] if depth < 4 else []
    plain: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": False, "null": None}
    return schema.get("minimum", plain.get(schema.get("type", "string"), ""))


def _object(api: dict[str, Any], schema: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth > 4:
        return {}
    properties = schema.get("properties", {})
    wanted = schema.get("required") or list(properties)[:1]
    wanted = [*wanted, *(k for k in properties if k not in wanted and "examples" in properties[k])]
    return {key: sample(api, properties.get(key, {}), key, depth + 1) for key in wanted}
