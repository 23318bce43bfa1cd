"""The admin routes: who may, and what they do."""

import pytest

from app.auth.service import make_admin
from app.db.tables import Log, User, new_id
from tests.api.world import PASSWORD, assert_problem, fresh_email

UNKNOWN = "4be0643f-1d98-473b-97cd-ca98a65347dd"
ROUTES = [
    ("GET", "/admin/users"),
    ("PATCH", f"/admin/users/{UNKNOWN}"),
    ("GET", "/admin/stats"),
    ("GET", "/admin/logs"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_user_is_refused_before_anything_is_looked_at(world, method, path):
    body = {"role": "admin"} if method == "PATCH" else None
    assert_problem(world.api.request(method, path, json=body), 403)


def change(admin, world, **changes):
    return admin.api.patch(f"/admin/users/{world.user['id']}", json=changes)


def test_users_are_listed_newest_first(admin, fresh):
    answer = admin.api.get("/admin/users", params={"limit": 3})
    assert answer.status_code == 200
    users = answer.json()
    assert users[0] == fresh.user | {"is_active": True}
    assert len(users) <= 3
    assert int(answer.headers["X-Total-Count"]) >= 2
    assert "password" not in answer.text


def test_a_role_takes_effect_at_once_and_ends_what_was_issued(server, admin, fresh):
    changed = change(admin, fresh, role="admin")
    assert changed.status_code == 200
    assert changed.json() == fresh.user | {"role": "admin", "is_active": True}
    assert_problem(fresh.api.get("/auth/me"), 401)
    promoted = server.client(fresh.login().json()["access_token"])
    assert promoted.get("/admin/stats").status_code == 200
    assert change(admin, fresh, role="user").status_code == 200
    assert_problem(promoted.get("/admin/stats"), 401)
    demoted = server.client(fresh.login().json()["access_token"])
    assert_problem(demoted.get("/admin/stats"), 403)


def test_a_disabled_account_is_out_until_it_is_enabled_again(server, admin, fresh):
    key = server.client(fresh.api.post("/auth/api-keys", json={"name": "ci"}).json()["key"])
    assert change(admin, fresh, is_active=False).json()["is_active"] is False
    refresh = {"refresh_token": fresh.refresh_token}
    assert_problem(fresh.api.get("/auth/me"), 401)
    assert_problem(key.get("/auth/me"), 401)
    assert_problem(server.client().post("/auth/refresh", json=refresh), 401)
    assert_problem(fresh.login(), 401)
    assert change(admin, fresh, is_active=True).json()["is_active"] is True
    assert_problem(fresh.api.get("/auth/me"), 401)
    assert_problem(server.client().post("/auth/refresh", json=refresh), 401)
    assert fresh.login().status_code == 200


def test_a_change_that_changes_nothing_ends_nothing(admin, fresh):
    assert change(admin, fresh).status_code == 200
    assert change(admin, fresh, role="user", is_active=True).status_code == 200
    assert fresh.api.get("/auth/me").status_code == 200


@pytest.mark.parametrize("changes", [{"role": "user"}, {"is_active": False}])
def test_the_last_active_administrator_stays(admin, changes):
    assert_problem(change(admin, admin, **changes), 409)
    assert admin.api.get("/admin/stats").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"role": "root"},
        {"role": None},
        {"is_active": "yes"},
        {"is_active": 1},
        {"email": "x@example.com"},
        {"password": PASSWORD},
        [],
    ],
    ids=str,
)
def test_a_wrong_change_is_422(admin, fresh, body):
    assert_problem(admin.api.patch(f"/admin/users/{fresh.user['id']}", json=body), 422)


@pytest.mark.parametrize("unknown", [UNKNOWN, "x", "%00", "1' OR '1'='1"])
def test_an_unknown_user_is_404(admin, unknown):
    assert_problem(admin.api.patch(f"/admin/users/{unknown}", json={"role": "user"}), 404)


def test_stats_count_what_there_is(admin, fresh):
    before = admin.api.get("/admin/stats").json()
    dataset = fresh.upload()
    fresh.start(dataset["dataset_id"])
    after = admin.api.get("/admin/stats").json()
    for name in ("datasets", "runs_total"):
        assert after[name] == before[name] + 1
    assert sum(after["runs"].values()) == after["runs_total"]
    assert after["users"] >= 2
    assert after["projects"] >= 2
    assert after["datasets_bytes"] > before["datasets_bytes"]
    assert after["storage"]["bytes"] == after["datasets_bytes"] + after["artifacts_bytes"]
    assert after["storage"]["backend"] in {"local", "s3"}
    assert {"models", "artifacts"} <= after.keys()


def cancelled_run(user):
    run = user.start(user.upload()["dataset_id"])
    user.api.post(f"/runs/{run}/cancel")
    user.wait(run)
    return run


def write_logs(database, run_id):
    with database.unit() as unit:
        now = unit.now()
        for number, level in enumerate(("INFO", "WARNING", "ERROR")):
            row = Log(id=new_id(), run_id=run_id, event="log", level=level, message=f"m{number}")
            row.timestamp = now.replace(microsecond=number * 1000)
            if run_id is not None:
                row.seq = 10_000 + number
            unit.session.add(row)
        return now.replace(microsecond=0)


def test_logs_are_filtered_and_paged(admin, fresh, database):
    run = cancelled_run(fresh)
    written = write_logs(database, run)
    lines = admin.api.get("/admin/logs", params={"run_id": run, "level": "ERROR"}).json()
    assert [line["message"] for line in lines][:1] == ["m2"]
    assert {line["level"] for line in lines} == {"ERROR"}
    assert set(lines[0]) == {"id", "run_id", "timestamp", "level", "message", "request_id"}
    since = written.replace(microsecond=1000).isoformat().replace("+00:00", "Z")
    found = admin.api.get("/admin/logs", params={"run_id": run, "since": since, "limit": 500})
    messages = [line["message"] for line in found.json()]
    assert {"m1", "m2"} <= set(messages)
    assert "m0" not in messages
    assert [line["timestamp"] for line in found.json()] == sorted(
        (line["timestamp"] for line in found.json()), reverse=True
    )
    page = admin.api.get("/admin/logs", params={"run_id": run, "limit": 1})
    assert len(page.json()) == 1
    assert int(page.headers["X-Total-Count"]) >= 3
    assert 'rel="next"' in page.headers["Link"]


def test_system_lines_are_shown_too(admin, database):
    write_logs(database, None)
    lines = admin.api.get("/admin/logs", params={"since": "2020-01-01"}).json()
    assert any(line["run_id"] is None for line in lines)


@pytest.mark.parametrize(
    "query",
    [
        "level=LOUD",
        "since=yesterday",
        "since=0001-01-01T00:00:00%2B14:00",
        "since=9999-12-31T23:59:59-14:00",
        "limit=0",
        f"run_id={'x' * 37}",
    ],
)
def test_a_wrong_filter_is_422(admin, query):
    problem = assert_problem(admin.api.get(f"/admin/logs?{query}"), 422)
    assert problem["errors"][0]["location"] == f"query.{query.partition('=')[0]}"


@pytest.mark.parametrize("run_id", [UNKNOWN, "x", "%00"])
def test_a_run_that_is_not_has_no_lines(admin, run_id):
    answer = admin.api.get(f"/admin/logs?run_id={run_id}")
    assert answer.status_code in {200, 422}
    if answer.status_code == 200:
        assert answer.json() == []


def test_the_command_makes_an_admin_with_a_password_shown_once(server, database):
    address = fresh_email()
    with database.unit() as unit:
        made, password = make_admin(unit, address.upper())
    assert (made.email, made.role) == (address, "admin")
    login = server.client().post("/auth/login", json={"email": address, "password": password})
    assert login.json()["user"]["role"] == "admin"
    api = server.client(login.json()["access_token"])
    assert [project["name"] for project in api.get("/projects").json()] == ["Default"]
    with database.unit() as unit:
        assert make_admin(unit, address)[1] is None
        unit.session.get_one(User, made.id).role = "user"


def test_the_command_promotes_and_enables_who_is_there(database, fresh):
    with database.unit() as unit:
        unit.session.get_one(User, fresh.user["id"]).is_active = False
    with database.unit() as unit:
        promoted, password = make_admin(unit, fresh.email)
        assert (promoted.role, promoted.is_active, password) == ("admin", True, None)
    again = fresh.login()
    assert again.json()["user"]["role"] == "admin"
    with database.unit() as unit:
        unit.session.get_one(User, fresh.user["id"]).role = "user"


@pytest.mark.parametrize("address", ["", "nobody", "a@"])
def test_the_command_refuses_what_is_no_address(database, address):
    with database.unit() as unit, pytest.raises(ValueError, match="not an e-mail address"):
        make_admin(unit, address)


def test_since_is_read_as_utc_when_it_names_no_zone(admin, fresh, database):
    run = cancelled_run(fresh)
    written = write_logs(database, run).replace(microsecond=2000)
    for since in (written.replace(tzinfo=None).isoformat(), written.isoformat()):
        lines = admin.api.get("/admin/logs", params={"run_id": run, "since": since}).json()
        assert "m2" in [line["message"] for line in lines]
        assert "m1" not in [line["message"] for line in lines]
