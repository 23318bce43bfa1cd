"""Requests that nobody means well: every route answers with a problem, and says where."""

import json
import re

import pytest

from tests.api.routes import OPERATIONS
from tests.api.world import PASSWORD, assert_problem, fresh_email

JSON_ROUTES = [operation for operation in OPERATIONS if "application/json" in operation.bodies]
NO_JSON = {
    "nothing": b"",
    "cut": b'{"name": "x"',
    "no JSON": b"name=x",
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "too deep": b"[" * 200_000,
    "a number of 5,000 digits": b'{"name": ' + b"9" * 5000 + b"}",
}
NO_OBJECT = {
    "a list": b"[]",
    "null": b"null",
    "a string": b'"x"',
    "a number": b"5",
    "true": b"true",
    "an unknown field": b'{"no such field": 1}',
    "a field that is no text": b'{"\\ud800": "\\udfff", "name": "\\ud800"}',
    "NaN": b'{"name": NaN, "limit": Infinity}',
    "only wrong types": json.dumps(
        {
            name: {"a": [1]}
            for name in (
                "name",
                "email",
                "password",
                "refresh_token",
                "current_password",
                "new_password",
                "dataset_id",
                "run_id",
                "question",
                "format",
                "role",
                "filename",
                "options",
                "rows",
            )
        }
    ).encode(),
}
TYPES = [
    None,
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonx",
    "\x80",
]
NO_IDS = [
    "x",
    "0",
    "%00",
    "a%00b",
    "%FF%FE",
    "%ED%A0%80",
    "%0d%0aSet-Cookie:%20a=b",
    "x" * 5000,
    "%2e%2e%2f%2e%2e",
]
UGLY_NAMES = [
    "..",
    "../../etc/passwd",
    "..\\..\\windows",
    "/etc/passwd",
    "C:\\boot.ini",
    "%2e%2e%2f",
    "..%c0%af",
    "CON",
    "a\u202egnp.exe",
    "' OR '1'='1",
    '"; DROP TABLE users; --',
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "=1+1",
    "\u0130\u0131\u00df",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
]


def signed_in(operation, admin, world):
    return admin.api if operation.path.startswith("/admin") else world.api


@pytest.mark.parametrize("operation", JSON_ROUTES, ids=str)
def test_a_body_that_cannot_be_meant_is_refused(admin, world, operation):
    api = signed_in(operation, admin, world)
    headers = {"Content-Type": "application/json"}
    for name, content in {**NO_JSON, **NO_OBJECT}.items():
        answer = api.request(operation.method, operation.url(), content=content, headers=headers)
        problem = assert_problem(answer, *({400, 404, 422} & operation.statuses))
        if answer.status_code == 422 and name in NO_OBJECT:
            assert problem["errors"], (name, problem)
            assert all(error["location"].startswith("body") for error in problem["errors"])


@pytest.mark.parametrize("operation", JSON_ROUTES, ids=str)
def test_a_body_of_another_type_is_refused(admin, world, operation):
    api = signed_in(operation, admin, world)
    for media_type in TYPES:
        headers = {} if media_type is None else {"Content-Type": media_type.encode("latin-1")}
        content = b'{"name": "x"}'
        answer = api.request(operation.method, operation.url(), content=content, headers=headers)
        assert_problem(answer, *({400, 404, 415, 422} & operation.statuses))


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "{" in each.path], ids=str)
def test_an_id_that_is_none_is_not_found(admin, world, operation):
    signed_links = operation.path in {"/files/{path:path}", "/console/{name:path}"}
    api = signed_in(operation, admin, world)
    for segment in NO_IDS:
        url = re.sub(r"\{[^}]+\}", lambda _, segment=segment: segment, operation.path)
        answer = api.request(operation.method, url, **operation.body())
        assert_problem(answer, *((403, 404) if signed_links else (400, 404, 422)))
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.method == "GET"], ids=str
)
def test_a_query_of_nonsense_breaks_nothing(admin, world, operation):
    api = signed_in(operation, admin, world)
    for value in ("%00", "-1", "x" * 3000, "%FF", "1e400", "[]"):
        query = "&".join(
            f"{name}={value}"
            for name in (
                "limit",
                "offset",
                "project_id",
                "status",
                "run_id",
                "level",
                "since",
                "rows",
                "format",
                "type",
                "version",
                "champion",
                "q",
            )
        )
        answer = api.get(f"{operation.url()}?{query}")
        assert answer.status_code < 500, f"{operation} {value}: {answer.text}"
        assert answer.status_code in (operation.statuses or {answer.status_code})


@pytest.mark.parametrize("name", UGLY_NAMES)
def test_an_ugly_name_is_only_a_name(server, world, name):
    made = world.api.post("/projects", json={"name": name, "description": name})
    assert made.status_code == 201
    path = f"/projects/{made.json()['id']}"
    assert world.api.get(path).json()["name"] == name
    assert world.api.get(path).json()["description"] == name
    assert world.api.delete(path).status_code == 204
    key = world.api.post("/auth/api-keys", json={"name": name})
    assert key.json()["name"] == name
    body = {"name": name, "email": fresh_email(), "password": PASSWORD}
    registered = server.client().post("/auth/register", json=body)
    assert registered.json()["user"]["name"] == name


def test_an_unknown_address_is_a_problem_too(anonymous):
    for path in ("/nowhere", "/Projects", "/projects/x/y/z", "/.env", "/.git/config"):
        assert_problem(anonymous.get(path), 404)


def test_no_answer_tells_where_the_code_lives(world, server):
    answers = [
        world.api.get("/projects/%00"),
        world.api.post("/projects", content=b"{"),
        world.api.get("/files/%00"),
        world.api.get("/console/%2e%2e/main.py"),
        world.api.get("/console/..%2fmain.py"),
    ]
    for answer in answers:
        for word in ("Traceback", "site-packages", ".py", "SELECT", str(server.home)):
            assert word not in answer.text.replace("main.py", "")
