"""Every route is classed: public by this list, or closed to whoever is not signed in."""

import time
from datetime import timedelta

import jwt
import pytest

from app.auth.tokens import Claims, encode
from app.db.session import Database
from app.db.tables import ApiKey, User, new_id
from tests.api.routes import OPERATIONS, Operation
from tests.api.world import assert_problem, register

# A new route fails here until somebody has decided that the whole world may call it.
PUBLIC = {
    "POST /auth/register",
    "POST /auth/login",
    "POST /auth/token",
    "POST /auth/refresh",
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /docs",
    "GET /openapi.json",
    "HEAD /openapi.json",
    "GET /",
    "GET /console/{name:path}",
    "GET /files/{path:path}",
}
GUARDED = [operation for operation in OPERATIONS if str(operation) not in PUBLIC]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def expired(server, user):
    claims = jwt.decode(user.access_token, options={"verify_signature": False})
    claims |= {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    return jwt.encode(claims, server.settings.signing_key, algorithm="HS256")


@pytest.fixture(scope="module")
def refused_tokens(server):
    """What does not sign anybody in, by the reason why."""
    living, disabled, deleted = register(server), register(server), register(server)
    keys = {
        name: user.api.post("/auth/api-keys", json={"name": "k"}).json()
        for name, user in (("living", living), ("disabled", disabled), ("deleted", deleted))
    }
    database = Database(server.settings)
    with database.unit() as unit:
        unit.session.get_one(User, disabled.user["id"]).is_active = False
        unit.session.delete(unit.session.get_one(User, deleted.user["id"]))
        key = unit.session.get_one(ApiKey, keys["living"]["id"])
        key.expires_at = unit.now()
    database.dispose()
    nobody = Claims(new_id(), new_id(), new_id(), 0)
    return {
        "no token": None,
        "garbage": "garbage",
        "three parts of garbage": "a.b.c",
        "expired": expired(server, living),
        "of the refresh type": living.refresh_token,
        "of a disabled user": disabled.access_token,
        "of a deleted user": deleted.access_token,
        "of nobody": encode(server.settings, nobody, "access", timedelta(minutes=5)),
        "an unknown key": "uam_" + "x" * 43,
        "an expired key": keys["living"]["key"],
        "the key of a disabled user": keys["disabled"]["key"],
        "the key of a deleted user": keys["deleted"]["key"],
    }


def test_the_walk_finds_the_routes():
    assert len(OPERATIONS) > 60
    assert {str(operation) for operation in OPERATIONS} >= PUBLIC
    assert "GET /projects/{project_id}" in [str(operation) for operation in GUARDED]
    assert all(401 in operation.statuses for operation in GUARDED)


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_a_guarded_route_answers_401_to_whoever_is_not_signed_in(server, refused_tokens, operation):
    client = server.client()
    for reason, token in refused_tokens.items():
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = client.request(
            operation.method, operation.url(), headers=headers, **operation.body()
        )
        assert answer.status_code == 401, f"{operation} with {reason}: {answer.text}"
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_a_token_anywhere_else_than_in_the_header_is_no_token(server, world, operation):
    client = server.client()
    token = world.access_token
    client.cookies.set("access_token", token)
    client.cookies.set("Authorization", f"Bearer {token}")
    answer = client.request(
        operation.method,
        operation.url(),
        params={"access_token": token, "token": token, "api_key": token},
        headers={"X-API-Key": token, "X-Forwarded-User": world.email},
        **operation.body(),
    )
    assert_problem(answer, 401)


def paths():
    return sorted({operation.path for operation in OPERATIONS})


@pytest.mark.parametrize("path", paths())
def test_a_method_that_is_not_there_opens_nothing(server, path):
    client = server.client()
    declared = {operation.method for operation in OPERATIONS if operation.path == path}
    for method in set(METHODS) - declared:
        answer = client.request(method, Operation(method, path).url())
        # 401 where the path reads as another guarded one, with an id at its end.
        assert answer.status_code in {401, 405}, f"{method} {path}"
        if method != "HEAD":
            assert_problem(answer, 401, 405)


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_another_spelling_of_a_path_opens_nothing(server, operation):
    client = server.client()
    url = operation.url()
    spellings = (
        f"/{url}",
        f"/x/..{url}",
        f"{url}/",
        f"{url}//",
        f"{url}/.",
        f"{url}%20",
        f"{url};a=b",
        url.upper(),
        "/" + url[1:].replace("/", "%2f"),
        f"/health/..{url}",
        f"/files/..{url}",
        f"/console/..{url}",
    )
    for spelling in spellings:
        sent = server.base_url + spelling
        answer = client.request(operation.method, sent, **operation.body())
        assert answer.status_code in {401, 403, 404, 405}, f"{spelling}: {answer.text}"


def test_openapi_shows_what_needs_a_token_and_nothing_secret(server, anonymous):
    schema = anonymous.get("/openapi.json").json()
    documented = {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    for name, operation in documented.items():
        assert bool(operation.get("security")) == (name not in PUBLIC), name
    assert {str(operation) for operation in GUARDED} <= documented.keys()
    assert not any("/files" in name for name in documented)
    assert server.settings.signing_key not in str(schema)
