"""The database commits and dies before it says so: nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.runs.states import STAGES
from tests.api.server import free_port
from tests.api.world import World, assert_problem
from tests.faults.commits import CommitCutter
from tests.faults.frail import Frail
from tests.faults.installation import until
from tests.faults.runs import OPTIONS

pytestmark = pytest.mark.services


@pytest.fixture
def cutter(frail: Frail) -> Iterator[CommitCutter]:
    cutter = CommitCutter(Path(frail.postgres.socket))
    yield cutter
    cutter.close()


def through(cutter: CommitCutter, frail: Frail) -> dict[str, str]:
    """The setting of the same database by way of the cutter."""
    return {"DATABASE_URL": frail.postgres.url_at("127.0.0.1", cutter.port)}


def test_a_start_whose_answer_was_lost_is_found_by_its_key(
    frail: Frail, frail_user: World, cutter: CommitCutter
) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    port = free_port()
    with frail.installation.another("api", "--port", str(port), **through(cutter, frail)):
        api = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={**frail_user.api.headers, "Idempotency-Key": "once"},
            timeout=60,
        )
        until(lambda: _answers(api), what="the other API")
        body = {"dataset_id": dataset_id, "options": OPTIONS}
        cutter.lose(b"INSERT INTO runs")
        assert_problem(api.post("/runs/start", json=body), 503)
        assert cutter.cuts == 1
        again = api.post("/runs/start", json=body)
        assert again.status_code == 202, again.text
        [only] = frail_user.api.get("/runs").json()
        assert only["run_id"] == again.json()["run_id"]
    # Nobody sent it: what was to follow the commit was lost with its answer.
    assert frail_user.wait(only["run_id"])["status"] == "COMPLETED"


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/projects").status_code == 200
    except httpx.TransportError:
        return False


def test_a_stage_whose_commit_was_not_heard_of_is_done_once(
    frail: Frail, frail_user: World, cutter: CommitCutter
) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    main = frail.installation.part("worker")
    with (
        frail.installation.frozen(main),
        frail.installation.another("worker", **through(cutter, frail)),
    ):
        cutter.lose(b"INSERT INTO artifacts")
        run_id = frail_user.start(dataset_id, **OPTIONS)
        assert frail_user.wait(run_id)["status"] == "COMPLETED"
    assert cutter.cuts == 1
    assert frail.installation.run(run_id).attempt == len(STAGES)
