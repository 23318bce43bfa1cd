"""Predicting rows that came as JSON: by a warm child, in milliseconds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app.auth.principal import Principal
from app.core.child_errors import ChildError
from app.core.problems import PayloadTooLarge
from app.core.telemetry import PREDICTIONS
from app.db.tables import ModelMeta
from app.registry import service
from app.registry.bundles import local_bundle
from app.registry.failures import no_rows, prediction_problem
from app.registry.results import Shelf
from app.registry.schemas import PredictIn
from app.resources import Resources

PREDICT_ROWS = "app.registry.warm:predict_rows"
ROWS_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class PredictedRows:
    """The predictions of one request, and where they are kept."""

    model_id: str
    predictions: list[dict[str, Any]]
    warnings: list[Any]
    artifact_id: str
    download_url: str


def shelf_of(held: Resources) -> Shelf:
    """Where this API process keeps predictions."""
    return Shelf(held.database, held.storage, held.settings)


def find_model(held: Resources, user: Principal, model_id: str) -> ModelMeta:
    """The user's model, read in a unit of its own. Raises :class:`NotFound`."""
    with held.database.unit(write=False) as unit:
        return service.get_model(unit, user, model_id)


def predict_rows(held: Resources, model: ModelMeta, asked: PredictIn) -> PredictedRows:
    """Predict rows and keep the answer as an artifact, whose row is written after the answer.

    Raises :class:`Gone` when the model's file is missing or changed, :class:`Unprocessable`
    naming row and column, and :class:`PayloadTooLarge` for more rows than a caller may wait for.
    """
    rows, limit = asked.rows, held.settings.predict_sync_max_rows
    if not rows and asked.horizon is None:
        raise no_rows("body.rows")
    if len(rows) > limit:
        raise PayloadTooLarge(f"These are more than {limit:,} rows; send them as a file.")
    bundle = local_bundle(held.storage, held.settings, model)
    params: dict[str, Any] = {"model": str(bundle), "sha256": model.sha256, "rows": rows}
    params |= {"explain": asked.explain, "horizon": asked.horizon, "most": limit}
    try:
        result = held.predictors.call(PREDICT_ROWS, params, timeout_s=ROWS_TIMEOUT_S)
    except ChildError as error:
        raise prediction_problem(error) from None
    count = len(result["predictions"])
    PREDICTIONS.labels("rows").inc(count)
    shelf, tally = shelf_of(held), result.pop("tally", None)
    content = {"model_id": model.id, **result}
    artifact = shelf.keep(
        model,
        "json",
        json.dumps(content, ensure_ascii=False).encode(),
        count,
        tally=tally,
        afterwards=held.afterwards,
    )
    return PredictedRows(
        model_id=model.id,
        predictions=result["predictions"],
        warnings=result["warnings"],
        artifact_id=artifact.id,
        download_url=shelf.link(artifact),
    )
