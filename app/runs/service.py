"""The use cases of runs, as the API sees them: start, find, cancel, finish, retry, delete."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select, update

from app.analysis.automl.options import OPTIONS, check_options
from app.analysis.errors import AnalysisError
from app.analysis.progress import silent
from app.auth.principal import Principal
from app.config import Settings
from app.core.failpoints import reach
from app.core.idempotency import Asked
from app.core.problems import Conflict, NotFound, TooManyRequests, Unprocessable
from app.core.queue import send_run, sending
from app.core.telemetry import request_id_var
from app.datasets.service import get_dataset, hold_dataset
from app.datasets.versions import find_version
from app.db.session import UnitOfWork
from app.db.tables import Dataset, DatasetFacts, Run, User, new_id
from app.projects.service import get_project
from app.resources import Resources
from app.runs.claims import TRAINING, close
from app.runs.events import emit, emit_status
from app.runs.states import STAGES, TERMINAL, UNFINISHED
from app.storage.trash import discard


def owned_runs(user: Principal) -> Select[Run]:
    """Every run of ``user``: the one door through which runs are reached."""
    return select(Run).where(Run.user_id == user.id)


def get_run(unit: UnitOfWork, user: Principal, run_id: str) -> Run:
    """The user's run of that id. Raises :class:`NotFound`."""
    found = unit.session.scalar(owned_runs(user).where(Run.id == run_id))
    if found is None:
        raise NotFound("run")
    return found


def hold_run(unit: UnitOfWork, user: Principal, run_id: str) -> Run:
    """The same, as it stands now, and nobody else changes it before the unit's end."""
    statement = owned_runs(user).where(Run.id == run_id).with_for_update(key_share=True)
    found = unit.session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("run")
    return found


def list_runs(
    unit: UnitOfWork, user: Principal, project_id: str | None, status: str | None
) -> Select[Run]:
    """The user's runs, newest first. Raises :class:`NotFound` for a foreign project."""
    statement = owned_runs(user).order_by(Run.created_at.desc(), Run.id)
    if project_id is not None:
        statement = statement.where(Run.project_id == get_project(unit, user, project_id).id)
    if status is not None:
        statement = statement.where(Run.status == status)
    return statement


def storage_prefix(run: Run) -> str:
    """Where a run's objects lie."""
    return f"projects/{run.project_id}/runs/{run.id}/"


def checked_options(
    dataset: DatasetFacts, options: dict[str, Any], where: str = "body.options"
) -> dict[str, Any]:
    """The options, complete with defaults. Raises :class:`Unprocessable` naming the wrong one."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        check_options(
            columns=dataset.columns_json, rows=dataset.rows, options=given, progress=silent
        )
    except AnalysisError as error:
        place = f"{where}.{error.details['option']}" if "option" in error.details else where
        raise Unprocessable(
            error.message, errors=[{"location": place, "message": error.message}]
        ) from None
    defaults = {spec.name: spec.default for spec in OPTIONS if spec.default is not None}
    return {**defaults, **given}


def _check_test(unit: UnitOfWork, user: Principal, parameters: dict[str, Any], where: str) -> None:
    """That a test set of the user's own is there and has the columns. Raises :class:`NotFound`
    and :class:`Unprocessable`."""
    named = parameters.get("test_dataset_id")
    if named is None:
        return
    have = {column["name"] for column in get_dataset(unit, user, named).columns_json}
    if parameters.get("target") not in have:
        message = f"the test set lacks the target {parameters.get('target')!r}"
        place = f"{where}.test_dataset_id"
        raise Unprocessable(message, errors=[{"location": place, "message": message}])


def start_run(
    unit: UnitOfWork,
    held: Resources,
    user: Principal,
    *,
    dataset_id: str,
    project_id: str | None,
    options: dict[str, Any],
    idempotency_key: str | None,
) -> Run:
    """Write a run down and have it sent once that is committed.

    Raises :class:`NotFound` for a foreign dataset or project, :class:`Unprocessable` for an
    option that does not fit, :class:`TooManyRequests` past the quota, :class:`Conflict` when
    the idempotency key was used for another request. The same key again gives the same run.
    """
    _lock_user(unit, user)
    request = {"dataset_id": dataset_id, "project_id": project_id, "options": options}
    asked = Asked.of(idempotency_key, request)
    known = _known(unit, user, asked)
    if known is not None:
        return known
    dataset = hold_dataset(unit, user, dataset_id)
    if project_id is not None and get_project(unit, user, project_id).id != dataset.project_id:
        message = "the data set belongs to another project"
        raise Unprocessable(message, errors=[{"location": "body.project_id", "message": message}])
    parameters = checked_options(dataset, options)
    _check_test(unit, user, parameters, "body.options")
    _refuse_over_quota(unit, held.settings, user)
    run = _new_run(user, dataset, dataset, parameters)
    _accept(unit, held.settings, run, dataset.filename, asked)
    return run


def rerun(
    unit: UnitOfWork,
    settings: Settings,
    user: Principal,
    run_id: str,
    *,
    version: int | None,
    idempotency_key: str | None,
) -> Run:
    """Start another run with the options of one, on the newest version unless one is named.

    Raises :class:`NotFound` for a foreign run or a version that is not there,
    :class:`Unprocessable` when the options do not fit that version's columns; else as
    :func:`start_run`.
    """
    _lock_user(unit, user)
    asked = Asked.of(idempotency_key, {"rerun": run_id, "dataset_version": version})
    known = _known(unit, user, asked)
    if known is not None:
        return known
    like = get_run(unit, user, run_id)
    dataset = hold_dataset(unit, user, like.dataset_id)
    facts = find_version(unit, dataset, version)
    parameters = checked_options(facts, like.parameters_json, "options")
    _check_test(unit, user, parameters, "options")
    _refuse_over_quota(unit, settings, user)
    run = _new_run(user, dataset, facts, parameters)
    _accept(unit, settings, run, facts.filename, asked)
    return run


def _known(unit: UnitOfWork, user: Principal, asked: Asked | None) -> Run | None:
    """The run that this Idempotency-Key has started. Raises :class:`Conflict`."""
    if asked is None:
        return None
    known = unit.session.scalar(owned_runs(user).where(Run.idempotency_key == asked.key))
    if known is not None:
        asked.refuse_other(known.request_hash)
    return known


def _new_run(
    user: Principal, dataset: Dataset, facts: DatasetFacts, parameters: dict[str, Any]
) -> Run:
    return Run(
        id=new_id(),
        user_id=user.id,
        project_id=dataset.project_id,
        dataset_id=dataset.id,
        dataset_version=facts.version,
        status="PENDING",
        current_task=STAGES[0].task,
        progress=0.0,
        parameters_json=parameters,
        request_id=request_id_var.get(),
    )


def _accept(
    unit: UnitOfWork, settings: Settings, run: Run, filename: str, asked: Asked | None
) -> None:
    """Write a run down and have it sent once that is committed."""
    run.created_at = unit.now()
    if asked is not None:
        run.idempotency_key, run.request_hash = asked.key, asked.digest
    unit.session.add(run)
    unit.session.flush()
    which = "" if run.dataset_version == 1 else f", version {run.dataset_version},"
    emit(unit, run.id, "log", f"The run of {filename}{which} was accepted.")
    emit_status(unit, run)
    unit.after_commit(lambda: reach(settings, "start.committed"))
    send_after_commit(unit, run.id, 0)


def send_after_commit(unit: UnitOfWork, run_id: str, stage: int) -> None:
    """Have the run sent once its row is there, and that noted; nobody waits for the broker."""
    database = unit.database

    def send() -> None:
        if send_run(run_id, stage):
            with database.unit() as noted:
                noted.session.execute(
                    update(Run)
                    .where(Run.id == run_id, Run.sent_at.is_(None))
                    .values(sent_at=noted.now())
                )

    unit.after_commit(lambda: sending.leave(run_id, send))


def _lock_user(unit: UnitOfWork, user: Principal) -> None:
    """Let one request of a user at a time count and take a place of the quota."""
    # Not for a change of its key: whoever changes a run looks whether its user is there.
    mine = select(User.id).where(User.id == user.id)
    unit.session.execute(mine.with_for_update(key_share=True))


def _refuse_over_quota(unit: UnitOfWork, settings: Settings, user: Principal) -> None:
    limit = settings.max_concurrent_runs
    mine = (
        select(func.count())
        .select_from(Run)
        .where(Run.user_id == user.id, Run.status.in_(UNFINISHED))
    )
    if (unit.session.scalar(mine) or 0) >= limit:
        raise TooManyRequests(
            f"{limit} runs are under way already; wait for one to end or cancel one.", 10
        )


def cancel_run(unit: UnitOfWork, user: Principal, run_id: str) -> Run:
    """End a run at once, wherever it is; whoever works at it has lost it and stops within 2 s.

    Raises :class:`NotFound`, and :class:`Conflict` when it is over already, unless it was
    cancelled.
    """
    run = hold_run(unit, user, run_id)
    if run.status == "CANCELLED":
        return run
    if run.status in TERMINAL:
        raise Conflict(f"The run is over already: {run.status}.")
    run.cancel_requested = True
    close(unit, run, "CANCELLED")
    return run


def finish_run(unit: UnitOfWork, user: Principal, run_id: str) -> Run:
    """Have a run's training stop and keep the best so far; the run goes on to its report.

    Training that has not begun yet makes one simple model; one that is done stays as it is.
    Raises :class:`NotFound`, and :class:`Conflict` when the run is over already, unless it was
    asked to finish before and did.
    """
    run = hold_run(unit, user, run_id)
    if run.finish_requested and run.status not in {"FAILED", "CANCELLED"}:
        return run
    if run.status in TERMINAL:
        raise Conflict(f"The run is over already: {run.status}.")
    run.finish_requested = True
    unit.session.flush()
    if run.stage <= TRAINING:
        emit(unit, run.id, "log", "Asked to finish: training stops, the best so far is kept.")
    return run


def retry_run(unit: UnitOfWork, held: Resources, user: Principal, run_id: str) -> Run:
    """Resume a failed or cancelled run from its first unfinished stage.

    Raises :class:`NotFound`, :class:`Conflict` when it is neither failed nor cancelled, and
    :class:`TooManyRequests` past the quota.
    """
    _lock_user(unit, user)
    run = hold_run(unit, user, run_id)
    if run.status not in {"FAILED", "CANCELLED"}:
        raise Conflict(f"Only a failed or cancelled run can be retried; this one is {run.status}.")
    _refuse_over_quota(unit, held.settings, user)
    run.status = "PENDING" if run.stage == 0 else STAGES[run.stage - 1].done
    run.error = None
    run.finished_at = None
    run.cancel_requested = False
    run.finish_requested = False
    run.stage_attempts = 0
    run.sent_at = None
    run.current_task = STAGES[run.stage].task
    unit.session.flush()
    emit(unit, run.id, "log", f"Resuming with {STAGES[run.stage].title}.")
    emit_status(unit, run)
    send_after_commit(unit, run.id, run.stage)
    return run


def delete_run(unit: UnitOfWork, held: Resources, run: Run) -> None:
    """Delete a run with its artifacts and model; a worker at it finds it gone and stops."""
    prefix = storage_prefix(run)
    unit.session.delete(run)
    discard(unit, held.storage, held.settings.minio_bucket, prefix)
