"""Routes of models that a later version brings: each says so, after the usual checks."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.auth.dependencies import CurrentUser
from app.projects.service import get_project
from app.registry.service import get_model, not_yet
from app.web import Unit, answers

router = APIRouter(tags=["models"])
_ANSWERS = answers(401, 404, 422)


@router.post("/models/{model_id}/evaluate", responses=_ANSWERS)
def evaluate(model_id: str, user: CurrentUser, unit: Unit) -> dict[str, Any]:
    """Score a model on a file with the truth in it. Not possible yet."""
    get_model(unit, user, model_id)
    raise not_yet("Evaluations of a model")


@router.post("/models/{model_id}/promote", responses=_ANSWERS)
def promote(model_id: str, user: CurrentUser, unit: Unit) -> dict[str, Any]:
    """Make a model the champion of its project and target. Not possible yet."""
    get_model(unit, user, model_id)
    raise not_yet("Champions")


@router.get("/models/{model_id}/monitoring", responses=_ANSWERS)
def monitoring(model_id: str, user: CurrentUser, unit: Unit) -> dict[str, Any]:
    """Predictions made and the drift of their inputs. Not possible yet."""
    get_model(unit, user, model_id)
    raise not_yet("Monitoring")


@router.get("/models/{model_id}/export", responses=_ANSWERS)
def export(model_id: str, user: CurrentUser, unit: Unit) -> dict[str, Any]:
    """A zip that works without UAM. Not possible yet."""
    get_model(unit, user, model_id)
    raise not_yet("Exports of a model")


@router.post("/projects/{project_id}/predict", responses=_ANSWERS)
def predict_by_champion(project_id: str, user: CurrentUser, unit: Unit) -> dict[str, Any]:
    """Ask the champion of a project and target. Not possible yet."""
    get_project(unit, user, project_id)
    raise not_yet("Champions")
