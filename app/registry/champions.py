"""Champions: of a project and target, the one model that answers for all."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.sql import ColumnElement

from app.auth.principal import Principal
from app.core.problems import NotFound
from app.db.session import UnitOfWork
from app.db.tables import ModelMeta, Project
from app.projects.service import get_project
from app.registry.service import get_model, hold_model, owned_models


def promote_model(unit: UnitOfWork, user: Principal, model_id: str) -> ModelMeta:
    """Make a model the champion of its project and target, in the place of who was it.

    The champion itself stays so, and since when. Raises :class:`NotFound`.
    """
    project_id = hold_model(unit, user, model_id).project_id
    # Who promotes another one meanwhile waits: the project's row is the queue.
    queue = select(Project.id).where(Project.id == project_id)
    unit.session.execute(queue.with_for_update(key_share=True))
    unit.session.expire_all()
    model = get_model(unit, user, model_id)
    if model.champion_since is None:
        unit.session.execute(
            update(ModelMeta)
            .where(
                ModelMeta.project_id == project_id,
                _of_target(model.target),
                ModelMeta.champion_since.is_not(None),
            )
            .values(champion_since=None)
            .execution_options(synchronize_session=False)
        )
        model.champion_since = unit.now()
    return model


def find_champion(
    unit: UnitOfWork, user: Principal, project_id: str, target: str | None
) -> ModelMeta:
    """The champion of a project and target. Raises :class:`NotFound`, for a foreign project too."""
    project = get_project(unit, user, project_id)
    found = unit.session.scalar(
        owned_models(user).where(
            ModelMeta.project_id == project.id,
            _of_target(target),
            ModelMeta.champion_since.is_not(None),
        )
    )
    if found is None:
        raise NotFound("champion: no model of this project and target was promoted")
    return found


def _of_target(target: str | None) -> ColumnElement[bool]:
    return ModelMeta.target.is_(None) if target is None else ModelMeta.target == target
