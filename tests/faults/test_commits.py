"""The database commits and dies before it says so: nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.runs.states import STAGES
from tests import loopback
from tests.api.world import World, assert_problem
from tests.faults.commits import CommitCutter
from tests.faults.frail import Frail
from tests.faults.installation import until
from tests.faults.runs import EXPLORED
from tests.ports import free_port

pytestmark = pytest.mark.services


@pytest.fixture
def cutter(frail: Frail) -> Iterator[CommitCutter]:
    cutter = CommitCutter(Path(frail.postgres.socket))
    yield cutter
    cutter.close()


def through(cutter: CommitCutter, frail: Frail) -> dict[str, str]:
    """The setting of the same database by way of the cutter."""
    return {"DATABASE_URL": frail.postgres.url_at("127.0.0.1", cutter.port)}


def test_commits_that_nobody_hears_of_are_done_once(
    frail: Frail, frail_user: World, cutter: CommitCutter
) -> None:
    dataset_id = frail_user.upload()["dataset_id"]
    installation, port = frail.installation, free_port()
    with (
        installation.frozen(installation.part("worker")),
        installation.another("worker", **through(cutter, frail)),
        installation.another("api", "--port", str(port), **through(cutter, frail)),
    ):
        api = loopback.client(
            base_url=f"http://127.0.0.1:{port}",
            headers={**frail_user.api.headers, "Idempotency-Key": "once"},
            timeout=60,
        )
        until(lambda: _answers(api), what="the other API")
        body = {"dataset_id": dataset_id, "options": EXPLORED}
        cutter.lose(b"INSERT INTO runs")
        assert_problem(api.post("/runs/start", json=body), 503)
        assert cutter.cuts == 1
        # Nobody sends it: what was to follow the commit was lost with its answer.
        again = api.post("/runs/start", json=body)
        assert again.status_code == 202, again.text
        [only] = frail_user.api.get("/runs").json()
        assert only["run_id"] == again.json()["run_id"]

        cutter.lose(b"INSERT INTO artifacts")
        assert frail_user.wait(only["run_id"])["status"] == "COMPLETED"
        assert cutter.cuts == 2
    # The stage whose end nobody heard of was not done again.
    assert installation.run(only["run_id"]).attempt == len(STAGES)


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/projects").status_code == 200
    except httpx.TransportError:
        return False
