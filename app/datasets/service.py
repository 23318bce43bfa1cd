"""The use cases of datasets: find, list, change, delete."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.auth.principal import Principal
from app.core.filenames import clean_filename
from app.core.problems import NotFound, Unprocessable
from app.db.session import UnitOfWork
from app.db.tables import Dataset, Project, Run
from app.projects.service import get_project, hold_project
from app.resources import Resources
from app.storage.trash import discard


def owned_datasets(user: Principal) -> Select[Dataset]:
    """Every dataset of ``user``: the one door through which datasets are reached."""
    return select(Dataset).join(Project).where(Project.user_id == user.id)


def get_dataset(unit: UnitOfWork, user: Principal, dataset_id: str) -> Dataset:
    """The user's dataset of that id. Raises :class:`NotFound`."""
    found = unit.session.scalar(owned_datasets(user).where(Dataset.id == dataset_id))
    if found is None:
        raise NotFound("dataset")
    return found


def hold_dataset(unit: UnitOfWork, user: Principal, dataset_id: str) -> Dataset:
    """The same, and it stays with its project until the unit's end: who deletes it waits."""
    hold_project(unit, user, get_dataset(unit, user, dataset_id).project_id)
    statement = owned_datasets(user).where(Dataset.id == dataset_id)
    locked = statement.with_for_update(read=True, key_share=True, of=Dataset)
    found = unit.session.scalar(locked)
    if found is None:
        raise NotFound("dataset")
    return found


def hold_to_change(unit: UnitOfWork, user: Principal, dataset_id: str) -> Dataset:
    """The same as it stands now, and nobody else changes it before the unit's end."""
    hold_project(unit, user, get_dataset(unit, user, dataset_id).project_id)
    statement = owned_datasets(user).where(Dataset.id == dataset_id)
    locked = statement.with_for_update(key_share=True, of=Dataset)
    found = unit.session.scalar(locked.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("dataset")
    return found


def list_datasets(unit: UnitOfWork, user: Principal, project_id: str | None) -> Select[Dataset]:
    """The user's datasets, newest first. Raises :class:`NotFound` for a foreign project."""
    statement = owned_datasets(user).order_by(Dataset.uploaded_at.desc(), Dataset.id)
    if project_id is not None:
        project = get_project(unit, user, project_id)
        statement = statement.where(Dataset.project_id == project.id)
    return statement


def storage_prefix(project_id: str, dataset_id: str) -> str:
    """Where a dataset's objects lie."""
    return f"projects/{project_id}/datasets/{dataset_id}/"


def rename(dataset: Dataset, filename: str) -> None:
    """Give the dataset another file name, made harmless."""
    dataset.filename = clean_filename(filename)


def delete_dataset(unit: UnitOfWork, held: Resources, user: Principal, dataset_id: str) -> None:
    """Delete a dataset with its runs, their artifacts and models, and every stored object.

    A worker at one of the runs finds its row gone and stops.
    """
    dataset = get_dataset(unit, user, dataset_id)
    bucket = held.settings.minio_bucket
    # Locks go from the run to what it hangs on, as when its project is deleted.
    mine = select(Run.id).where(Run.dataset_id == dataset.id).order_by(Run.id)
    run_ids = unit.session.scalars(mine.with_for_update())
    prefixes = [f"projects/{dataset.project_id}/runs/{run_id}/" for run_id in run_ids]
    unit.session.delete(dataset)
    for prefix in (storage_prefix(dataset.project_id, dataset.id), *prefixes):
        discard(unit, held.storage, bucket, prefix)


def find_changes(dataset: Dataset, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the wanted column types that differ from what the dataset has.

    Raises :class:`Unprocessable` for a column that is not there.
    """
    types = {column["name"]: column["type"] for column in dataset.columns_json}
    for change in changes:
        if change["name"] not in types:
            message = f"there is no column {change['name']!r}"
            raise Unprocessable(message, errors=[{"location": "body.columns", "message": message}])
    return [change for change in changes if types[change["name"]] != change["type"]]
