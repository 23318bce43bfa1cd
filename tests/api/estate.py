"""Everything that one user can own, made the real way: what the others must never see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.db.session import Database
from app.db.tables import PredictionJob, new_id
from tests.api.server import Server
from tests.api.world import World, register

RUN_KEY = "the owner's key"


@dataclass(frozen=True)
class Estate:
    """The owner, and an id for each name that a path parameter can have."""

    owner: World
    ids: dict[str, str]


@lru_cache(maxsize=2)
def estate_of(server: Server) -> Estate:
    """A user with a project, two datasets, a finished run, its model, reports and a job, made
    when a server is first asked for them."""
    owner = register(server, name="Owner")
    dataset = owner.upload()["dataset_id"]
    other = owner.upload()["dataset_id"]
    options = {"target": "price", "time_budget_s": 5}
    body = {"dataset_id": dataset, "options": options}
    started = owner.api.post("/runs/start", json=body, headers={"Idempotency-Key": RUN_KEY})
    run = started.json()["run_id"]
    ended = owner.wait(run)
    assert ended["status"] == "COMPLETED", ended
    report = owner.api.post("/reports/generate", json={"run_id": run, "format": "md"})
    model = owner.api.get("/models").json()[0]["id"]
    key = owner.api.post("/auth/api-keys", json={"name": "owner's"})
    ids = {
        "project_id": owner.project_id,
        "dataset_id": dataset,
        "other": other,
        "run_id": run,
        "model_id": model,
        "report_id": report.json()["report_id"],
        "key_id": key.json()["id"],
        "job_id": _prediction_job(server, owner.user["id"], model),
        "user_id": owner.user["id"],
    }
    return Estate(owner, ids)


def _prediction_job(server: Server, user_id: str, model_id: str) -> str:
    """A job that has ended: its row alone, for a real one takes 100,000 rows."""
    database = Database(server.settings)
    with database.unit() as unit:
        now = unit.now()
        job = PredictionJob(
            id=new_id(),
            user_id=user_id,
            model_id=model_id,
            status="FAILED",
            filename="rows.csv",
            source_key="gone",
            warnings_json=[],
            error="The file could not be read.",
            created_at=now,
            finished_at=now,
        )
        unit.session.add(job)
    database.dispose()
    return job.id
