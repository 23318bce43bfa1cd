"""The runs that the tests disturb, and one that is left in peace."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app.db.tables import Log
from tests.api.world import EXAMPLE_CSV, World, register
from tests.faults.installation import Installation

# The price is a line of the size: whatever the budget allows, the same candidate wins.
TRAINED = {"target": "price", "time_budget_s": 5}
# All four stages too, in two thirds of the time: for tests to which the model does not matter.
EXPLORED: dict[str, Any] = {}


@dataclass(frozen=True)
class Undisturbed:
    """A finished run, its owner, and the best of its ranking before anything else."""

    owner: World
    run_id: str
    model_id: str
    best: dict[str, Any]


@lru_cache(maxsize=2)
def undisturbed_run(installation: Installation) -> Undisturbed:
    """The one of an installation, made when it is first asked for; leave it as it is."""
    return finished_run(installation, TRAINED)


def finished_run(installation: Installation, options: dict[str, Any]) -> Undisturbed:
    """Another finished run, for a test that takes something of it away."""
    owner = register(installation.server)
    run_id = start(owner, options)
    assert owner.wait(run_id)["status"] == "COMPLETED"
    model = owner.api.get("/models").json()[0]
    return Undisturbed(owner, run_id, model["id"], best_of(installation, run_id))


def start(user: World, options: dict[str, Any], content: bytes = EXAMPLE_CSV) -> str:
    """Upload a table and start a run of it; returns the run's id."""
    return user.start(user.upload(content)["dataset_id"], **options)


def cancel(user: World, run_id: str) -> None:
    """Cancel a run that has served its purpose."""
    answer = user.api.post(f"/runs/{run_id}/cancel")
    assert answer.json() == {"run_id": run_id, "status": "CANCELLED"}


def rankings(installation: Installation, run_id: str) -> list[list[dict[str, Any]]]:
    """The rows of each leaderboard that a run has reported, the best row first."""
    with installation.database.unit(write=False) as unit:
        told = unit.session.scalars(
            select(Log.data_json)
            .where(Log.run_id == run_id, Log.event == "leaderboard")
            .order_by(Log.seq)
        )
        return [board["rows"] for board in told if board]


def best_of(installation: Installation, run_id: str) -> dict[str, Any]:
    """The best row of a run's ranking, without times: which candidates, and what they are worth.

    The figures of the model itself are better where the budget had time left for a final fit.
    """
    row = rankings(installation, run_id)[-1][0]
    times = ("fit_seconds", "predict_ms_per_row")
    return {name: value for name, value in row.items() if name not in times}


def large_table(rows: int = 600_000) -> bytes:
    """CSV of text that is different in every row: cleaning it takes about 250 MB."""
    lines = (f"number {row} of a long list,{row * 7919 % 100_003}\n" for row in range(rows))
    return ("name,price\n" + "".join(lines)).encode()
