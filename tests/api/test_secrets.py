"""What is secret appears in no log line, no error and no metric."""

import secrets

from tests import loopback
from tests.api.world import assert_problem, fresh_email

DISGUISE = "uam-secret-"


def secret():
    return DISGUISE + secrets.token_hex(12)


def test_what_callers_send_in_confidence_is_never_written_down(server, admin):
    """Passwords, tokens and keys, right and wrong ones, over every route that takes them."""
    password, new, wrong, email = secret(), secret(), secret(), fresh_email()
    client = server.client()
    said = {"name": "S", "email": email, "password": password}
    made = client.post("/auth/register", json=said).json()
    api = server.client(made["access_token"])
    key = api.post("/auth/api-keys", json={"name": "k"}).json()
    server.client(key["key"]).get("/auth/me")
    pair = client.post("/auth/refresh", json={"refresh_token": made["refresh_token"]}).json()
    problems = [
        client.post("/auth/register", json=said | {"password": wrong + "x" * 1000}),
        client.post("/auth/register", json=said | {"password": {"a": wrong}}),
        client.post("/auth/register", json=said | {"passwort": wrong}),
        client.post("/auth/login", json={"email": email, "password": wrong}),
        client.post("/auth/login", json={"email": email, "password": [wrong]}),
        client.post("/auth/token", data={"username": email, "password": wrong}),
        client.post("/auth/token", data={"username": email, "pass": wrong}),
        client.post("/auth/refresh", json={"refresh_token": wrong}),
        client.post("/auth/refresh", json={"refresh_token": made["refresh_token"]}),
        client.post(
            "/auth/login",
            content=f'{{"password": "{wrong}"',
            headers={"Content-Type": "application/json"},
        ),
        client.get("/auth/me", headers={"Authorization": f"Bearer {wrong}"}),
        client.get("/auth/me", headers={"Authorization": f"Bearer uam_{wrong}"}),
        client.get("/projects/%00", params={"limit": "x"}),
    ]
    again = client.post("/auth/login", json={"email": email, "password": password}).json()
    change = {"current_password": password, "new_password": new}
    api = server.client(again["access_token"])
    problems.append(api.post("/auth/password", json=change | {"current_password": wrong}))
    assert api.post("/auth/password", json=change).status_code == 204
    for answer in problems:
        assert_problem(answer, 400, 401, 404, 422)
        assert DISGUISE not in answer.text
    confidential = [
        DISGUISE,
        key["key"],
        *(each[name] for each in (made, pair, again) for name in ("access_token", "refresh_token")),
        *(each["access_token"].rpartition(".")[2] for each in (made, pair, again)),
    ]
    lines = admin.api.get("/admin/logs", params={"limit": 500}).text
    metrics = loopback.get(f"{server.base_url}/metrics").text
    for written in (server.log, lines, metrics):
        for word in confidential:
            assert word not in written


def test_what_the_operator_set_is_never_told(server, admin, anonymous):
    settings = server.settings
    confidential = [settings.signing_key]
    if settings.minio_endpoint:
        confidential += [settings.minio_access_key, settings.minio_secret_key.get_secret_value()]
    told = [
        server.log,
        admin.api.get("/admin/stats").text,
        admin.api.get("/admin/users").text,
        anonymous.get("/openapi.json").text,
        anonymous.get("/ready").text,
        anonymous.get("/metrics").text,
        anonymous.get("/health").text,
    ]
    for text in told:
        assert not [word for word in confidential if word in text]
        assert "password_hash" not in text
        assert "$bcrypt" not in text
