"""A model that this version's libraries cannot load: made again from its recipe, and told so.

The recipe is that of its run: the same options with their seed, on the same version of the data.
So it is another run, which the first question starts, and another version of the model, which
answers in the place of the old one as soon as it is there. Whatever asks a model goes through
:func:`answered`: requests of the API, and the jobs of a worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import select

from app.auth.principal import Principal
from app.config import Settings
from app.core.problems import Conflict, NotFound, TooManyRequests, Unprocessable
from app.db.session import Database, UnitOfWork
from app.db.tables import ModelMeta, Run
from app.registry.failures import Outdated
from app.registry.service import get_model, owned_models
from app.runs.events import emit
from app.runs.service import owned_runs, rerun
from app.runs.states import UNFINISHED

T = TypeVar("T")

TOLD = "The libraries of this version cannot load this model."


class Keeper(Protocol):
    """What it takes to start a run: an API process has it, and a worker."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102

    @property
    def database(self) -> Database: ...  # noqa: D102


def answered(
    held: Keeper, user: Principal, model_id: str, ask: Callable[[str], T]
) -> tuple[T, list[dict[str, str]]]:
    """What ``ask`` says of a model, or of the one that was made in its place; then with a warning
    that says so.

    Raises :class:`Conflict` while that one is being made, or when that failed, and what ``ask``
    and :func:`app.runs.service.rerun` raise.
    """
    warnings: list[dict[str, str]] = []
    while True:
        try:
            return ask(model_id), warnings
        except Outdated:
            made = _made_again(held, user, model_id)
        message = (
            f"The libraries cannot load model {model_id} any more: it was made again, and model "
            f"{made} answers."
        )
        warnings = [{"kind": "made_again", "message": message}]
        model_id = made


def _made_again(held: Keeper, user: Principal, model_id: str) -> str:
    """The id of the model in its place; the first to ask starts the run that makes it."""
    try:
        with held.database.unit() as unit:
            run = _run_again(unit, held, user, get_model(unit, user, model_id))
            made = unit.session.scalar(owned_models(user).where(ModelMeta.run_id == run.id))
            status, run_id = run.status, run.id
            model = None if made is None else made.id
    except NotFound:
        raise Outdated(
            "The libraries cannot load this model any more, and it cannot be made again: its "
            "data are gone. Train it anew."
        ) from None
    except (TooManyRequests, Unprocessable) as error:
        error.detail = f"{TOLD} It is to be made again by another run: {error.detail}"
        raise
    if status == "COMPLETED" and model is not None:
        return model
    if status in UNFINISHED:
        raise Conflict(
            f"{TOLD} It is being made again from its recipe by run {run_id}; ask again, or send "
            "the file again, when that is completed.",
            run_id=run_id,
            headers={"Retry-After": "10"},
        )
    raise Conflict(
        f"{TOLD} Run {run_id}, which was to make it again, is {status}: retry it, or train anew.",
        run_id=run_id,
    )


def _run_again(unit: UnitOfWork, held: Keeper, user: Principal, model: ModelMeta) -> Run:
    """The run that makes the model again, started if it was not, or what it made was deleted."""
    key = f"made-again-{model.id}"
    known = unit.session.scalar(owned_runs(user).where(Run.idempotency_key == key))
    if known is not None:
        made = owned_models(user).where(ModelMeta.run_id == known.id)
        if known.status != "COMPLETED" or unit.session.scalar(made) is not None:
            return known
        known.idempotency_key = None
    like = unit.session.scalars(select(Run).where(Run.id == model.run_id)).one()
    version = like.dataset_version
    run = rerun(unit, held.settings, user, like.id, version=version, idempotency_key=key)
    told = f"It makes model {model.id} again, which the libraries of this version cannot load."
    emit(unit, run.id, "log", told, level="WARNING")
    return run
