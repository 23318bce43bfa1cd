"""One's own account: me, password, API keys."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.db.tables import ApiKey
from tests.api.world import PASSWORD, assert_problem, register

NEW = "another phrase that nobody knows"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_me_is_the_user(world):
    assert world.api.get("/auth/me").json() == world.user
    assert TIME.fullmatch(world.user["created_at"])


def test_a_name_can_be_changed_and_nothing_else(fresh):
    changed = fresh.api.patch("/auth/me", json={"name": "  Grace Hopper "})
    assert changed.status_code == 200
    assert changed.json() == fresh.user | {"name": "Grace Hopper"}
    assert fresh.api.get("/auth/me").json()["name"] == "Grace Hopper"
    for field, value in (("email", "x@example.com"), ("role", "admin"), ("id", "x")):
        answer = fresh.api.patch("/auth/me", json={"name": "G", field: value})
        assert_problem(answer, 422)
    assert_problem(fresh.api.patch("/auth/me", json={}), 422)


def test_a_new_password_ends_every_token_issued_before(server, fresh):
    other = fresh.login().json()
    body = {"current_password": PASSWORD, "new_password": NEW}
    answer = fresh.api.post("/auth/password", json=body)
    assert answer.status_code == 204
    for token in (fresh.access_token, other["access_token"]):
        assert_problem(server.client(token).get("/auth/me"), 401)
    for token in (fresh.refresh_token, other["refresh_token"]):
        answer = server.client().post("/auth/refresh", json={"refresh_token": token})
        assert_problem(answer, 401)
    assert_problem(fresh.login(PASSWORD), 401)
    again = fresh.login(NEW)
    assert again.status_code == 200
    assert server.client(again.json()["access_token"]).get("/auth/me").status_code == 200


def test_a_wrong_current_password_changes_nothing_and_counts_as_a_failure(server, fresh):
    client = server.client(fresh.access_token)
    body = {"current_password": "wrong" * 3, "new_password": NEW}
    for _ in range(10):
        problem = assert_problem(client.post("/auth/password", json=body), 422)
        assert problem["errors"][0]["location"] == "body.current_password"
    right = body | {"current_password": PASSWORD}
    assert_problem(client.post("/auth/password", json=right), 429)
    assert fresh.login().status_code == 200


@pytest.mark.parametrize("password", ["short", "password123", "x" * 1001, None, 5])
def test_the_new_password_keeps_the_rules(fresh, password):
    body = {"current_password": PASSWORD, "new_password": password}
    problem = assert_problem(fresh.api.post("/auth/password", json=body), 422)
    assert problem["errors"][0]["location"] == "body.new_password"


def test_an_api_key_is_shown_once_and_works_where_a_token_does(server, fresh):
    answer = fresh.api.post("/auth/api-keys", json={"name": "ci", "expires_in_days": 30})
    assert answer.status_code == 201
    made = answer.json()
    fields = {"id", "name", "created_at", "expires_at", "last_used_at"}
    assert set(made) == fields | {"key"}
    assert re.fullmatch(r"uam_[A-Za-z0-9_-]{43}", made["key"])
    assert made["last_used_at"] is None
    lifetime = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(
        made["created_at"]
    )
    assert lifetime == timedelta(days=30)
    keyed = server.client(made["key"])
    assert keyed.get("/auth/me").json() == fresh.user
    assert keyed.post("/projects", json={"name": "by key"}).status_code == 201
    listed = keyed.get("/auth/api-keys").json()
    assert [set(key) for key in listed] == [fields]
    assert TIME.fullmatch(listed[0]["last_used_at"])
    assert made["key"] not in server.log


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(server, database, fresh):
    made = fresh.api.post("/auth/api-keys", json={"name": "ci"}).json()
    assert made["expires_at"] is None
    keyed = server.client(made["key"])
    keyed.get("/auth/me")
    first = fresh.api.get("/auth/api-keys").json()[0]["last_used_at"]
    keyed.get("/auth/me")
    assert fresh.api.get("/auth/api-keys").json()[0]["last_used_at"] == first
    with database.unit() as unit:
        row = unit.session.get_one(ApiKey, made["id"])
        row.last_used_at = datetime.now(UTC) - timedelta(seconds=61)
    keyed.get("/auth/me")
    assert fresh.api.get("/auth/api-keys").json()[0]["last_used_at"] > first


def test_only_the_hash_of_a_key_is_kept(database, fresh):
    made = fresh.api.post("/auth/api-keys", json={"name": "ci"}).json()
    with database.unit(write=False) as unit:
        row = unit.session.get_one(ApiKey, made["id"])
    assert made["key"] not in str(vars(row))
    assert re.fullmatch(r"[0-9a-f]{64}", row.key_hash)


def test_an_expired_or_deleted_key_is_refused(server, database, fresh):
    expired = fresh.api.post("/auth/api-keys", json={"name": "a", "expires_in_days": 1}).json()
    deleted = fresh.api.post("/auth/api-keys", json={"name": "b"}).json()
    with database.unit() as unit:
        unit.session.get_one(ApiKey, expired["id"]).expires_at = datetime.now(UTC)
    assert fresh.api.delete(f"/auth/api-keys/{deleted['id']}").status_code == 204
    for made in (expired, deleted):
        assert_problem(server.client(made["key"]).get("/auth/me"), 401)
    assert_problem(fresh.api.delete(f"/auth/api-keys/{deleted['id']}"), 404)


def test_another_users_key_is_not_there(fresh, stranger):
    made = fresh.api.post("/auth/api-keys", json={"name": "mine"}).json()
    foreign = stranger.api.delete(f"/auth/api-keys/{made['id']}")
    unknown = stranger.api.delete("/auth/api-keys/4be0643f-1d98-473b-97cd-ca98a65347dd")
    assert assert_problem(foreign, 404)["detail"] == assert_problem(unknown, 404)["detail"]
    assert made["id"] not in [key["id"] for key in stranger.api.get("/auth/api-keys").json()]
    assert len(fresh.api.get("/auth/api-keys").json()) == 1


@pytest.mark.parametrize("days", [0, -1, 3651, 1.5, "30", True, 10**30])
def test_a_keys_life_is_1_to_3650_whole_days(world, days):
    body = {"name": "ci", "expires_in_days": days}
    problem = assert_problem(world.api.post("/auth/api-keys", json=body), 422)
    assert problem["errors"][0]["location"] == "body.expires_in_days"


def test_keys_are_listed_newest_first_in_pages(server):
    user = register(server)
    for number in range(3):
        user.api.post("/auth/api-keys", json={"name": f"key {number}"})
    page = user.api.get("/auth/api-keys", params={"limit": 2})
    assert [key["name"] for key in page.json()] == ["key 2", "key 1"]
    assert page.headers["X-Total-Count"] == "3"
    assert 'rel="next"' in page.headers["Link"]
