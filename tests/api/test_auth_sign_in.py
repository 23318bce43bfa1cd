"""POST /auth/login and POST /auth/token: the answers, and what they do not tell."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.db.tables import User
from tests.api.world import PASSWORD, assert_problem, fresh_email

WRONG = "not the password at all"


def disable(database, user_id):
    with database.unit() as unit:
        unit.session.get_one(User, user_id).is_active = False


def test_login_answers_like_register(world):
    answer = world.login()
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "user",
    }
    assert answer.json()["user"] == world.user


def test_the_password_flow_of_the_docs_works(server, world):
    form = {"grant_type": "password", "username": world.email, "password": world.password}
    answer = server.client().post("/auth/token", data=form)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert server.client(answer.json()["access_token"]).get("/auth/me").status_code == 200
    scheme = server.client().get("/openapi.json").json()["components"]["securitySchemes"]
    assert scheme["OAuth2PasswordBearer"]["flows"]["password"]["tokenUrl"] == "/auth/token"


@pytest.mark.parametrize("path", ["/auth/login", "/auth/token"])
def test_unknown_wrong_and_disabled_answer_alike(server, database, fresh, path):
    other = fresh_email()
    client = server.client()

    def attempt(email, password):
        if path == "/auth/token":
            return client.post(path, data={"username": email, "password": password})
        return client.post(path, json={"email": email, "password": password})

    answers = [attempt(fresh.email, WRONG), attempt(other, PASSWORD), attempt("nobody", PASSWORD)]
    disable(database, fresh.user["id"])
    answers.append(attempt(fresh.email, PASSWORD))
    problems = [assert_problem(answer, 401) for answer in answers]
    assert all(problem == problems[0] for problem in problems)
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


def test_an_unknown_account_costs_as_much_work_as_a_known_one(server, world):
    def seconds(email):
        client = server.client()
        client.get("/health")
        started = time.perf_counter()
        assert_problem(client.post("/auth/login", json={"email": email, "password": WRONG}), 401)
        return time.perf_counter() - started

    known, unknown, malformed = [], [], []
    for _ in range(5):
        known.append(seconds(world.email))
        unknown.append(seconds(fresh_email()))
        malformed.append(seconds("nobody"))
    # A look-up alone takes a hundredth of a hash: the order of magnitude tells.
    reference = statistics.median(known)
    for times in (unknown, malformed):
        assert reference / 3 < statistics.median(times) < reference * 3


def test_ten_failures_block_the_account_for_that_address_alone(server, fresh):
    client = server.client()
    bad = {"email": fresh.email, "password": WRONG}
    for number in range(10):
        headers = {"X-Forwarded-For": f"10.0.0.{number}"}
        assert_problem(client.post("/auth/login", json=bad, headers=headers), 401)
    good = {"email": fresh.email.upper(), "password": PASSWORD}
    refused = client.post("/auth/login", json=good, headers={"X-Forwarded-For": "10.9.9.9"})
    assert_problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 300
    form = {"username": fresh.email, "password": PASSWORD}
    assert_problem(client.post("/auth/token", data=form), 429)
    assert fresh.login().status_code == 200
    assert fresh.api.get("/auth/me").status_code == 200


def test_an_unknown_account_is_blocked_alike(anonymous):
    bad = {"email": fresh_email(), "password": WRONG}
    statuses = [anonymous.post("/auth/login", json=bad).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_thirty_failures_at_once_tell_at_most_ten_times(server, fresh):
    client = server.client()
    bad = {"email": fresh.email, "password": WRONG}
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: client.post("/auth/login", json=bad), range(30)))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 20


def test_other_requests_are_answered_while_passwords_are_hashed(server, fresh):
    client = server.client()
    bad = [{"email": fresh_email(), "password": WRONG} for _ in range(24)]
    with ThreadPoolExecutor(24) as pool:
        pending = [pool.submit(client.post, "/auth/login", json=body) for body in bad]
        answered = fresh.api.get("/projects")
        hashing = sum(not future.done() for future in pending)
    assert answered.status_code == 200
    assert hashing > 0
    assert {future.result().status_code for future in pending} == {401}
