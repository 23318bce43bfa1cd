"""Clocks that are set, or that differ: leases go by the database's, and by no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.runs.states import STAGES, stage_index
from tests import loopback
from tests.api.world import World, register
from tests.faults.frail import Frail
from tests.faults.installation import Installation, install, until
from tests.faults.invariants import assert_whole
from tests.faults.premises import Premises
from tests.faults.runs import EXPLORED, TRAINED
from tests.faults.shims import Dial, compile_shim
from tests.ports import free_port

HOURS = 2 * 3600
TRAINING = stage_index("train_models") + 1


@dataclass(frozen=True)
class Clock:
    """A clock that is set for all processes started in its environment."""

    preloaded: Path
    step: Dial

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.preloaded), "CLOCK_STEP": str(self.step.path)}

    def set_ahead(self, seconds: int) -> None:
        self.step.set(seconds)


@pytest.fixture(scope="session")
def clock_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_shim("clock", tmp_path_factory.mktemp("clock"))


@pytest.fixture
def clock(clock_library: Path, tmp_path: Path) -> Clock:
    clock = Clock(clock_library, Dial(tmp_path / "step"))
    clock.set_ahead(0)
    return clock


@pytest.fixture
def clocked(
    clock: Clock, premises: Premises, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An embedded installation, whose database's clock is that of its processes."""
    home = tmp_path_factory.mktemp("clocked")
    running = premises.of(str(home), lambda: install(home, "embedded", clock.environment))
    yield running
    clock.set_ahead(0)
    assert_whole(running)


def test_a_clock_that_is_set_forward_and_back_costs_no_lease(
    clocked: Installation, clock: Clock
) -> None:
    user = register(clocked.server)
    run_id = user.start(user.upload()["dataset_id"], **TRAINED)
    until(lambda: clocked.run(run_id).attempt == TRAINING, 120, "training")
    clock.set_ahead(HOURS)
    until(lambda: far_off(clocked, run_id) is not False, what="a lease by the new clock")
    clock.set_ahead(0)
    until(lambda: not far_off(clocked, run_id), what="a lease by the old clock")
    assert user.wait(run_id)["status"] == "COMPLETED"
    # No stage was taken from its worker.
    assert clocked.run(run_id).attempt == len(STAGES)


def far_off(clocked: Installation, run_id: str) -> bool | None:
    """Whether the lease ends hours from now; ``None`` when there is none."""
    lease_until = clocked.run(run_id).lease_until
    return None if lease_until is None else lease_until > datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.services
def test_a_worker_whose_clock_is_wrong_holds_its_leases(
    frail: Frail, frail_user: World, clock: Clock
) -> None:
    clock.set_ahead(HOURS)
    dataset_id = frail_user.upload()["dataset_id"]
    installation = frail.installation
    with (
        installation.frozen(installation.part("worker")),
        installation.another("worker", **clock.environment),
    ):
        run_id = frail_user.start(dataset_id, **EXPLORED)
        until(lambda: far_off(installation, run_id) is False, 120, "a claim")
        clock.set_ahead(-HOURS)
        until(lambda: installation.run(run_id).attempt == TRAINING, 120, "training")
        assert far_off(installation, run_id) is not True
        assert frail_user.wait(run_id)["status"] == "COMPLETED"
    assert installation.run(run_id).attempt == len(STAGES)


@pytest.mark.services
@pytest.mark.parametrize(("seconds", "status"), [(-50, 200), (-HOURS, 401)])
def test_tokens_are_good_on_a_machine_that_is_a_minute_behind(
    frail: Frail, frail_user: World, clock: Clock, seconds: int, status: int
) -> None:
    clock.set_ahead(seconds)
    port = free_port()
    with frail.installation.another("api", "--port", str(port), **clock.environment):
        headers = dict(frail_user.api.headers)
        url = f"http://127.0.0.1:{port}"
        until(lambda: _is_ready(url), what="the other API")
        assert loopback.get(f"{url}/projects", headers=headers).status_code == status


def _is_ready(url: str) -> bool:
    try:
        return loopback.get(f"{url}/ready", timeout=10).status_code == 200
    except httpx.TransportError:
        return False
