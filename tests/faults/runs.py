"""The runs that the tests disturb, and one that is left in peace."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app.db.tables import ModelMeta
from tests.api.world import EXAMPLE_CSV, World, register
from tests.faults.installation import Installation

# The price is a line of the size: whatever the budget allows, the same candidate wins.
TRAINED = {"target": "price", "time_budget_s": 5}
# All four stages too, in two thirds of the time: for tests to which the model does not matter.
EXPLORED: dict[str, Any] = {}


@dataclass(frozen=True)
class Undisturbed:
    """A finished run, its owner, and its model's metrics as they were before anything else."""

    owner: World
    run_id: str
    model_id: str
    metrics: dict[str, Any]


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
    return Undisturbed(owner, run_id, model["id"], metrics_of(installation, run_id))


def start(user: World, options: dict[str, Any], content: bytes = EXAMPLE_CSV) -> str:
    """Upload a table and start a run of it; returns the run's id."""
    return user.start(user.upload(content)["dataset_id"], **options)


def cancel(user: World, run_id: str) -> None:
    """Cancel a run that has served its purpose."""
    answer = user.api.post(f"/runs/{run_id}/cancel")
    assert answer.json() == {"run_id": run_id, "status": "CANCELLED"}


def metrics_of(installation: Installation, run_id: str) -> dict[str, Any]:
    """The metrics of a run's model, without those that are times."""
    with installation.database.unit(write=False) as unit:
        found = unit.session.scalars(select(ModelMeta).where(ModelMeta.run_id == run_id)).one()
    return {name: value for name, value in found.metrics_json.items() if "second" not in name}


def large_table(rows: int = 600_000) -> bytes:
    """CSV of text that is different in every row: cleaning it takes about 250 MB."""
    lines = (f"number {row} of a long list,{row * 7919 % 100_003}\n" for row in range(rows))
    return ("name,price\n" + "".join(lines)).encode()
