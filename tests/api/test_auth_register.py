"""POST /auth/register, as the contract has it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.server import fresh_address
from tests.api.world import PASSWORD, assert_problem, fresh_email


def body(**changes):
    return {"name": "Ada", "email": fresh_email(), "password": PASSWORD} | changes


def test_answers_201_with_a_pair_of_tokens_and_the_user(server, anonymous):
    asked = body()
    answer = anonymous.post("/auth/register", json=asked)
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert made["token_type"] == "bearer"
    assert made["expires_in"] == 30 * 60
    assert set(made["user"]) == {"id", "name", "email", "role", "created_at"}
    assert made["user"]["created_at"].endswith("Z")
    assert (made["user"]["name"], made["user"]["email"]) == ("Ada", asked["email"])
    me = server.client(made["access_token"]).get("/auth/me")
    assert me.json() == made["user"]


def test_makes_a_project_named_default(fresh):
    projects = fresh.api.get("/projects").json()
    assert [project["name"] for project in projects] == ["Default"]


def test_the_first_account_is_admin_where_the_operator_asked_and_all_others_are_not(server, fresh):
    assert server.first.user["role"] == "admin"
    assert fresh.user["role"] == "user"


def test_addresses_compare_without_case(anonymous):
    asked = body()
    assert anonymous.post("/auth/register", json=asked).status_code == 201
    again = anonymous.post("/auth/register", json=asked | {"email": asked["email"].upper()})
    assert_problem(again, 409)
    login = {"email": "  " + asked["email"].title() + " ", "password": PASSWORD}
    assert anonymous.post("/auth/login", json=login).status_code == 200


def test_the_same_address_twenty_times_at_once_makes_one_account(server):
    asked = body()
    client = server.client()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post("/auth/register", json=asked), range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


@pytest.mark.parametrize(
    "address",
    ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@exa mple.com", "a\0@example.com"],
)
def test_what_is_no_address_is_422(anonymous, address):
    problem = assert_problem(anonymous.post("/auth/register", json=body(email=address)), 422)
    assert problem["errors"][0]["location"] == "body.email"


@pytest.mark.parametrize(
    "address", ["ada{}@intranet.local", "ada{}@localhost", "ada{}@xn--bcher-kva.de"]
)
def test_addresses_behind_a_firewall_are_accepted(anonymous, address):
    unique = fresh_email().partition("@")[0]
    answer = anonymous.post("/auth/register", json=body(email=address.format(unique)))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("password", ["", "short", "123456789", "x" * 1001])
def test_a_password_has_10_to_1000_characters(anonymous, password):
    problem = assert_problem(anonymous.post("/auth/register", json=body(password=password)), 422)
    assert [error["location"] for error in problem["errors"]] == ["body.password"]
    assert password not in problem["detail"] or not password


@pytest.mark.parametrize("password", ["1234567890", "Password123", "QWERTYUIOP", "iloveyou123"])
def test_a_common_password_is_refused(anonymous, password):
    problem = assert_problem(anonymous.post("/auth/register", json=body(password=password)), 422)
    assert "common" in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    "password",
    [
        "          ",
        "zzzzzzzzzzz",
        "ünïcödé-\u4f60\u597d-\U0001f600",
        "nul\0inside it",
        "x" * 1000,
        "\U0001f600" * 1000,
    ],
    ids=["spaces", "one letter", "unicode", "nul", "longest", "longest in bytes"],
)
def test_passwords_of_any_kind_work(server, password):
    asked = body(password=password)
    client = server.client()
    assert client.post("/auth/register", json=asked).status_code == 201
    login = {"email": asked["email"], "password": password}
    assert client.post("/auth/login", json=login).status_code == 200
    assert_problem(client.post("/auth/login", json=login | {"password": password[:-1]}), 401)


@pytest.mark.parametrize("length", [72, 73, 100, 1000])
def test_long_passwords_differ_in_their_last_byte(server, length):
    asked = body(password="p" * (length - 1) + "1")
    client = server.client()
    assert client.post("/auth/register", json=asked).status_code == 201
    other = {"email": asked["email"], "password": "p" * (length - 1) + "2"}
    assert_problem(client.post("/auth/login", json=other), 401)
    assert (
        client.post("/auth/login", json=other | {"password": asked["password"]}).status_code == 200
    )


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "tab\there", "nul\0"])
def test_a_name_has_1_to_100_printable_characters(anonymous, name):
    problem = assert_problem(anonymous.post("/auth/register", json=body(name=name)), 422)
    assert problem["errors"][0]["location"] == "body.name"


@pytest.mark.parametrize("field", ["role", "is_active", "id", "token_version", "is_admin"])
def test_a_field_that_is_not_the_callers_to_set_is_unknown(anonymous, field):
    answer = anonymous.post("/auth/register", json=body(**{field: "admin"}))
    problem = assert_problem(answer, 422)
    assert problem["errors"][0]["location"] == f"body.{field}"


def test_sixty_a_minute_from_one_address_whatever_it_says_of_itself(server):
    address = fresh_address()
    client = server.client(address=address)
    asked = body()
    assert client.post("/auth/register", json=asked).status_code == 201
    for number in range(59):
        headers = {"X-Forwarded-For": f"10.0.0.{number}", "Forwarded": f"for=10.1.1.{number}"}
        assert client.post("/auth/register", json=asked, headers=headers).status_code == 409
    refused = client.post("/auth/register", json=body(), headers={"X-Forwarded-For": "10.9.9.9"})
    assert_problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert server.client().post("/auth/register", json=body()).status_code == 201
