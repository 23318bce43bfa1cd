"""What a token is, how it is renewed, and what ends it."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from app.db.tables import User
from tests.api.world import assert_problem

TIMES = {"exp", "iat", "nbf"}  # told as seconds from now


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def forged(world, key=None, algorithm="HS256", headers=None, without=(), **changes):
    payload = claims_of(world.access_token) | changes
    for name in without:
        del payload[name]
    key = world.server.settings.signing_key if key is None else key
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


def refused(world, token):
    answer = world.server.client(token).get("/auth/me")
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_says_whose_it_is_and_nothing_personal(world):
    payload = claims_of(world.access_token)
    assert set(payload) == {"iss", "aud", "sub", "type", "exp", "iat", "jti", "ver", "fam"}
    assert payload["sub"] == world.user["id"]
    assert payload["type"] == "access"
    assert payload["exp"] - payload["iat"] == 30 * 60


def test_a_forged_copy_with_the_right_key_is_accepted(world):
    # So that the refusals below are refusals of what they change.
    assert world.server.client(forged(world)).get("/auth/me").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -61},
        {"iat": 3600},
        {"nbf": 3600},
        {"iss": "another"},
        {"aud": "another"},
        {"aud": ["uam-api", "another"]},
        {"type": "refresh"},
        {"type": None},
        {"ver": 1},
        {"ver": "0"},
        {"ver": 10**30},
        {"ver": False},
        {"sub": "00000000-0000-4000-8000-000000000000"},
        {"sub": 5},
        {"sub": "\0"},
        {"fam": "00000000-0000-4000-8000-000000000000"},
        {"fam": ["x"]},
        {"jti": 1},
    ],
    ids=str,
)
def test_a_changed_claim_is_refused(world, changes):
    times = {name: int(time.time()) + changes[name] for name in TIMES & changes.keys()}
    refused(world, forged(world, **(changes | times)))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "type", "exp", "iat", "jti", "ver", "fam"])
def test_a_missing_claim_is_refused(world, name):
    refused(world, forged(world, without=[name]))


def test_another_key_or_algorithm_is_refused(world):
    key = world.server.settings.signing_key
    refused(world, forged(world, key="x" * 64))
    refused(world, forged(world, key=key, algorithm="HS512"))
    refused(world, forged(world, key="", algorithm="none"))
    refused(world, forged(world, key="x" * 64, headers={"jwk": {"kty": "oct", "k": "eHh4"}}))
    refused(world, forged(world, headers={"crit": ["b64"], "b64": False}))
    head, payload, signature = world.access_token.split(".")
    refused(world, f"{head}.{payload}.")
    refused(world, f"{head}.{payload}.{signature[:-2]}AA")


def test_a_token_of_another_user_does_not_open_this_family(world, stranger):
    refused(world, forged(world, sub=stranger.user["id"]))


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer Bearer"])
def test_only_the_bearer_scheme_counts(server, world, scheme):
    headers = {"Authorization": f"{scheme} {world.access_token}".strip()}
    assert_problem(server.client().get("/auth/me", headers=headers), 401)


def test_the_scheme_is_read_without_case(server, world):
    headers = {"Authorization": f"bearer {world.access_token}"}
    assert server.client().get("/auth/me", headers=headers).status_code == 200


def test_a_refresh_token_is_spent_for_a_new_pair(server, fresh):
    client = server.client()
    answer = client.post("/auth/refresh", json={"refresh_token": fresh.refresh_token})
    assert answer.status_code == 200
    pair = answer.json()
    assert pair["refresh_token"] != fresh.refresh_token
    assert pair["user"] == fresh.user
    assert server.client(pair["access_token"]).get("/auth/me").status_code == 200
    assert fresh.api.get("/auth/me").status_code == 200


def test_a_spent_refresh_token_ends_its_family_and_no_other(server, fresh):
    client = server.client()
    other = fresh.login().json()
    spent = {"refresh_token": fresh.refresh_token}
    pair = client.post("/auth/refresh", json=spent).json()
    assert_problem(client.post("/auth/refresh", json=spent), 401)
    newest = {"refresh_token": pair["refresh_token"]}
    assert_problem(client.post("/auth/refresh", json=newest), 401)
    refused(fresh, pair["access_token"])
    refused(fresh, fresh.access_token)
    assert server.client(other["access_token"]).get("/auth/me").status_code == 200


def test_a_refresh_token_twenty_times_at_once_gives_one_pair_at_most(server, fresh):
    client = server.client()
    body = {"refresh_token": fresh.refresh_token}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post("/auth/refresh", json=body), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "uam_" + "x" * 43, "\0", "é.é.é"])
def test_garbage_is_no_refresh_token(anonymous, token):
    assert_problem(anonymous.post("/auth/refresh", json={"refresh_token": token}), 401)


def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_sign_in(server, world):
    body = {"refresh_token": world.access_token}
    assert_problem(server.client().post("/auth/refresh", json=body), 401)
    refused(world, world.refresh_token)


def test_logout_ends_this_sign_in_and_no_other(server, fresh):
    other = fresh.login().json()
    body = {"refresh_token": fresh.refresh_token}
    answer = fresh.api.post("/auth/logout", json=body)
    assert answer.status_code == 204
    assert answer.content == b""
    refused(fresh, fresh.access_token)
    assert_problem(server.client().post("/auth/refresh", json=body), 401)
    assert server.client(other["access_token"]).get("/auth/me").status_code == 200


def test_nobody_logs_another_user_out(fresh, stranger):
    body = {"refresh_token": fresh.refresh_token}
    assert_problem(stranger.api.post("/auth/logout", json=body), 401)
    assert_problem(stranger.api.post("/auth/logout", json={"refresh_token": "x"}), 401)
    assert fresh.api.get("/auth/me").status_code == 200


def test_a_deleted_account_is_refused(server, database, fresh):
    key = fresh.api.post("/auth/api-keys", json={"name": "ci"}).json()["key"]
    with database.unit() as unit:
        unit.session.delete(unit.session.get_one(User, fresh.user["id"]))
    refused(fresh, fresh.access_token)
    refused(fresh, key)
    body = {"refresh_token": fresh.refresh_token}
    assert_problem(server.client().post("/auth/refresh", json=body), 401)
    assert_problem(fresh.login(), 401)


def test_a_token_expires(server, world):
    soon = datetime.now(UTC) - timedelta(seconds=11)
    refused(world, forged(world, exp=soon))
