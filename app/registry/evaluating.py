"""Judging a model by new rows whose truth is known: at once, or by a worker when there are many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.auth.principal import Principal
from app.core import sandbox
from app.core.multipart import ReceivedFile
from app.core.problems import Unprocessable
from app.datasets.ingestion import fetch_table
from app.datasets.service import get_dataset
from app.datasets.versions import find_version
from app.db.tables import ModelMeta, PredictionJob
from app.registry.files import in_child
from app.registry.jobs import EVALUATE_FILE, create_job
from app.registry.predicting import find_model, shelf_of
from app.resources import Resources


def evaluate_file(
    held: Resources, user: Principal, model_id: str, received: ReceivedFile
) -> dict[str, Any] | PredictionJob:
    """Judge a model by a file of at most ``PREDICT_SYNC_MAX_ROWS`` rows; for a larger one, the job.

    Raises :class:`app.core.problems.NotFound`, :class:`app.core.problems.Gone` for a missing or
    changed model, and the problem that says where the file does not fit.
    """
    model = find_model(held, user, model_id)
    refuse_untargeted(model)
    with sandbox.scratch() as name:
        out = Path(name) / "out"
        facts = in_child(held, model, received, out, EVALUATE_FILE)
        if facts["too_many"]:
            return create_job(shelf_of(held), user, model, received, "evaluate")
        return _kept(held, model, facts, out / "evaluation.json")


def evaluate_dataset(
    held: Resources, user: Principal, model_id: str, dataset_id: str, version: int | None
) -> dict[str, Any] | PredictionJob:
    """The same by a data set of the user's, in its newest version unless one is named."""
    find_model(held, user, model_id)
    with table_of(held, user, dataset_id, version) as received:
        return evaluate_file(held, user, model_id, received)


@contextmanager
def table_of(
    held: Resources, user: Principal, dataset_id: str, version: int | None
) -> Iterator[ReceivedFile]:
    """A data set's table as a file for as long as the block lasts. Raises
    :class:`app.core.problems.NotFound` for a foreign one."""
    with held.database.unit(write=False) as unit:
        facts = find_version(unit, get_dataset(unit, user, dataset_id), version)
    with sandbox.scratch() as name:
        path = fetch_table(held, facts, Path(name))
        yield ReceivedFile(path, f"{Path(facts.filename).stem}.parquet", path.stat().st_size)


def refuse_untargeted(model: ModelMeta) -> None:
    """Raises :class:`Unprocessable` for a model that groups rows."""
    if model.target is None:
        raise Unprocessable("This model groups rows: it has no target to be judged by.")


def _kept(held: Resources, model: ModelMeta, facts: dict[str, Any], path: Path) -> dict[str, Any]:
    shelf = shelf_of(held)
    artifact = shelf.keep(
        model,
        "json",
        path.read_bytes(),
        facts["rows"],
        product="evaluation",
    )
    return {
        "model_id": model.id,
        **sandbox.read_json(path),
        "trained_metrics": model.metrics_json,
        "artifact_id": artifact.id,
        "download_url": shelf.link(artifact),
    }
