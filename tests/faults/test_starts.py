"""Starting runs: an API that dies half-way, and fifty requests at once on two API processes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select

from app.db.tables import Run
from tests import loopback
from tests.api.world import World, assert_problem
from tests.faults.installation import SLACK_S, Installation, answers, until
from tests.faults.runs import EXPLORED, cancel
from tests.ports import free_port

AT_ONCE = 50
NEVER_SENT_S = 10.0


def test_an_api_that_dies_between_the_row_and_the_message_loses_no_run(
    installation: Installation, user: World
) -> None:
    body = {"dataset_id": user.upload()["dataset_id"], "options": EXPLORED}
    key = {"Idempotency-Key": "the one"}
    installation.arm("start.committed:kill")
    with pytest.raises(httpx.TransportError):
        user.api.post("/runs/start", json=body, headers=key)
    run_id = only_run(installation, user).id
    until(lambda: installation.run(run_id).attempt, NEVER_SENT_S + SLACK_S, "a worker")
    until(lambda: answers(user.server.base_url), what="the API's restart")
    again = user.api.post("/runs/start", json=body, headers=key)
    assert (again.status_code, again.json()["run_id"]) == (202, run_id)
    other = {**body, "options": {**EXPLORED, "seed": 1}}
    assert_problem(user.api.post("/runs/start", json=other, headers=key), 409)
    cancel(user, run_id)


def only_run(installation: Installation, user: World) -> Run:
    with installation.database.unit(write=False) as unit:
        return unit.session.scalars(select(Run).where(Run.user_id == user.user["id"])).one()


@pytest.fixture
def two_apis(installation: Installation) -> Iterator[list[str]]:
    """The addresses of two API processes; no run ends meanwhile, for the worker is frozen."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        installation.another("api", "--port", str(port)),
        installation.frozen(installation.part("worker")),
    ):
        until(lambda: answers(url), what="the second API")
        yield [installation.server.base_url, url]


def test_of_fifty_starts_at_once_the_quota_lets_through_exactly_its_number(
    user: World, two_apis: list[str]
) -> None:
    body = {"dataset_id": user.upload()["dataset_id"], "options": EXPLORED}
    for _ in range(2):
        started = at_once(user, two_apis, body)
        assert Counter(answer.status_code for answer in started) == {202: 3, 429: AT_ONCE - 3}
        for answer in started:
            if answer.status_code == 202:
                cancel(user, answer.json()["run_id"])
            else:
                assert assert_problem(answer, 429)["detail"].startswith("3 runs are under way")
                assert int(answer.headers["Retry-After"]) > 0


def test_of_fifty_starts_with_one_key_there_is_one_run(user: World, two_apis: list[str]) -> None:
    body = {"dataset_id": user.upload()["dataset_id"], "options": EXPLORED}
    started = at_once(user, two_apis, body, {"Idempotency-Key": "just once"})
    assert {answer.status_code for answer in started} == {202}
    assert len({answer.json()["run_id"] for answer in started}) == 1
    assert user.api.get("/runs").headers["X-Total-Count"] == "1"
    cancel(user, started[0].json()["run_id"])


def at_once(
    user: World, urls: list[str], body: dict, headers: dict[str, str] | None = None
) -> list[httpx.Response]:
    """Start fifty runs at the same moment, at each address in turn."""
    ready = threading.Barrier(AT_ONCE)
    token = {"Authorization": f"Bearer {user.access_token}", **(headers or {})}

    def start(number: int) -> httpx.Response:
        with loopback.client(
            base_url=urls[number % len(urls)], headers=token, timeout=60
        ) as client:
            ready.wait()
            return client.post("/runs/start", json=body)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(start, range(AT_ONCE)))
