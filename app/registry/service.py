"""The use cases of models: find, list, register, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select

from app.auth.principal import Principal
from app.core.problems import Conflict, NotFound
from app.core.signing import sign_model
from app.db.session import UnitOfWork
from app.db.tables import Artifact, ModelMeta, Project, Run, new_id
from app.projects.service import get_project
from app.resources import Resources
from app.storage.trash import discard


def owned_models(user: Principal) -> Select[ModelMeta]:
    """Every model of ``user``: the one door through which models are reached."""
    return _owned(user.id)


def _owned(user_id: Any) -> Select[ModelMeta]:
    return select(ModelMeta).join(Project).where(Project.user_id == user_id)


# Built once: every prediction asks it.
_OWN_MODEL = _owned(bindparam("user")).where(ModelMeta.id == bindparam("model"))


def get_model(unit: UnitOfWork, user: Principal, model_id: str) -> ModelMeta:
    """The user's model of that id. Raises :class:`NotFound`."""
    found = unit.session.scalar(_OWN_MODEL, {"user": user.id, "model": model_id})
    if found is None:
        raise NotFound("model")
    return found


def hold_model(unit: UnitOfWork, user: Principal, model_id: str) -> ModelMeta:
    """The same, and it stays until the unit's end: who deletes it waits."""
    # The run first: who deletes that, or its project, takes the locks in the same order.
    theirs = select(Run.id).where(Run.id == get_model(unit, user, model_id).run_id)
    unit.session.execute(theirs.with_for_update(read=True, key_share=True))
    statement = owned_models(user).where(ModelMeta.id == model_id)
    found = unit.session.scalar(statement.with_for_update(read=True, key_share=True, of=ModelMeta))
    if found is None:
        raise NotFound("model")
    return found


def list_models(
    unit: UnitOfWork, user: Principal, project_id: str | None, champion: bool | None = None
) -> Select[ModelMeta]:
    """The user's models, newest first; with ``champion`` only those that are it, or are not.

    Raises :class:`NotFound` for a foreign project.
    """
    statement = owned_models(user).order_by(ModelMeta.created_at.desc(), ModelMeta.id)
    if project_id is not None:
        project = get_project(unit, user, project_id)
        statement = statement.where(ModelMeta.project_id == project.id)
    if champion is not None:
        since = ModelMeta.champion_since
        statement = statement.where(since.is_not(None) if champion else since.is_(None))
    return statement


def register_model(
    unit: UnitOfWork,
    signing_key: str,
    *,
    run: Run,
    bundle: Artifact,
    facts: Mapping[str, Any],
) -> ModelMeta:
    """Write down the winner of ``run``; ``facts`` is what the training job returned.

    ``bundle`` is the model's file as it was stored: its hash, measured on the way in, is what
    is signed. A run has one model: registering again renews it under the same id and version.
    """
    # Two runs that end together must not get one version: the project's row is the queue.
    queue = select(Project.id).where(Project.id == run.project_id)
    unit.session.execute(queue.with_for_update(key_share=True))
    model = unit.session.scalar(select(ModelMeta).where(ModelMeta.run_id == run.id))
    if model is None:
        version = _next_version(unit, run.project_id, facts["target"])
        model = ModelMeta(id=new_id(), run_id=run.id, project_id=run.project_id, version=version)
        unit.session.add(model)
    model.name = facts["name"]
    model.task = facts["task"]
    model.target = facts["target"]
    model.storage_key = bundle.storage_key
    model.sha256 = bundle.sha256
    model.size_bytes = bundle.size_bytes
    model.signature = sign_model(bundle.sha256, model.id, signing_key)
    model.metrics_json = facts["metrics"]
    model.input_schema_json = facts["input_schema"]
    model.importance_json = facts["importance"]
    model.decision_json = facts.get("decision")
    model.created_at = unit.now()
    return model


def _next_version(unit: UnitOfWork, project_id: str, target: str | None) -> int:
    same_target = ModelMeta.target.is_(None) if target is None else ModelMeta.target == target
    highest = select(func.max(ModelMeta.version)).where(
        ModelMeta.project_id == project_id, same_target
    )
    return (unit.session.scalar(highest) or 0) + 1


def delete_model(unit: UnitOfWork, held: Resources, user: Principal, model_id: str) -> None:
    """Delete a model, its stored file and its jobs; predictions that it made stay.

    Raises :class:`NotFound`, and :class:`Conflict` while its run still works on it.
    """
    model = get_model(unit, user, model_id)
    run = unit.session.get_one(Run, model.run_id)
    if run.finished_at is None:
        raise Conflict("The run that makes this model has not ended; cancel it first.")
    unit.session.execute(
        delete(Artifact).where(
            Artifact.run_id == model.run_id, Artifact.storage_key == model.storage_key
        )
    )
    unit.session.delete(model)
    for prefix in (model.storage_key, jobs_prefix(model)):
        discard(unit, held.storage, held.settings.minio_bucket, prefix)


def run_prefix(model: ModelMeta) -> str:
    """Where the objects of a model's run lie."""
    return f"projects/{model.project_id}/runs/{model.run_id}/"


def jobs_prefix(model: ModelMeta) -> str:
    """Where files lie that wait to be predicted by a model."""
    return f"{run_prefix(model)}prediction-jobs/"
