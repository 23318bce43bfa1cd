"""What a model was asked, and how far that is from what it was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.auth.principal import Principal
from app.core import sandbox
from app.core.child_errors import ChildError
from app.db.tables import ModelMeta, PredictionTally
from app.registry.bundles import local_bundle
from app.registry.evaluating import table_of
from app.registry.failures import prediction_problem
from app.registry.files import FILE_TIMEOUT_S
from app.registry.jobs import file_params
from app.registry.predicting import ROWS_TIMEOUT_S, find_model
from app.resources import Resources

JUDGE_TALLY = "app.registry.warm:judge_tally"
COMPARE_FILE = "app.registry.file_child:compare_file"
MOST_REQUESTS = 20_000
"""Requests that are looked at: the newest."""
BATCH = 1_000


def monitor_predictions(
    held: Resources, user: Principal, model_id: str, since: datetime | None
) -> dict[str, Any]:
    """What was asked since then, and its drift; see :func:`app.registry.warm.judge_tally`.

    Raises :class:`app.core.problems.NotFound` and :class:`app.core.problems.Gone`.
    """
    model = find_model(held, user, model_id)
    mine = [PredictionTally.model_id == model.id]
    if since is not None:
        mine.append(PredictionTally.created_at >= since)
    table = PredictionTally
    figures = select(
        func.count(), func.sum(table.rows), func.min(table.created_at), func.max(table.created_at)
    ).where(*mine)
    newest = (
        select(table.counts_json)
        .where(*mine)
        .order_by(table.created_at.desc(), table.id)
        .limit(MOST_REQUESTS)
    )
    with held.database.unit(write=False) as unit:
        requests, rows, first, last = unit.session.execute(figures).one()
        tally, counted = add_up(unit.session.scalars(newest.execution_options(yield_per=BATCH)))
    judged = _judged(held, model, tally)
    made = {"requests": requests, "rows": int(rows or 0), "first_at": first, "last_at": last}
    return {
        "model_id": model.id,
        "since": since,
        "predictions": made,
        "compared": counted,
        **judged,
    }


def monitor_dataset(
    held: Resources, user: Principal, model_id: str, dataset_id: str, version: int | None
) -> dict[str, Any]:
    """The drift of a data set's rows instead. Raises as :func:`monitor_predictions`, and the
    problem that says where the rows do not fit."""
    model = find_model(held, user, model_id)
    with table_of(held, user, dataset_id, version) as received, sandbox.scratch() as name:
        bundle = local_bundle(held.storage, held.settings, model)
        out = Path(name)
        params = file_params(held.settings, model, bundle, received.path, received.filename, out)
        params.pop("max_rows")
        try:
            memory_mb = held.settings.child_memory_mb
            judged = sandbox.run(
                COMPARE_FILE, params, memory_mb=memory_mb, timeout_s=FILE_TIMEOUT_S
            )
        except ChildError as error:
            raise prediction_problem(error) from None
    return {"model_id": model.id, "compared": judged.pop("rows"), **judged}


def add_up(tallies: Iterable[dict[str, Any]]) -> tuple[dict[str, Any] | None, int]:
    """Tallies of one reference as one, and how many rows it counts.

    Those that count other columns than the first, or none, are left out.
    """
    rows, sums = 0, list[dict[int, int]]()
    for tally in tallies:
        counts = tally.get("counts") or []
        sums = sums or [{} for _ in counts]
        if not counts or len(counts) != len(sums):
            continue
        rows += tally["rows"]
        for total, pairs in zip(sums, counts, strict=True):
            for place, count in pairs:
                total[place] = total.get(place, 0) + count
    if not sums:
        return None, 0
    return {"rows": rows, "counts": [[list(pair) for pair in s.items()] for s in sums]}, rows


def _judged(held: Resources, model: ModelMeta, tally: dict[str, Any] | None) -> dict[str, Any]:
    bundle = local_bundle(held.storage, held.settings, model)
    params = {"model": str(bundle), "sha256": model.sha256, "tally": tally}
    try:
        return held.predictors.call(JUDGE_TALLY, params, timeout_s=ROWS_TIMEOUT_S)
    except ChildError as error:
        raise prediction_problem(error) from None
