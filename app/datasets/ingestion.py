"""From bytes to a dataset: read in a child, stored, then written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.auth.principal import Principal
from app.config import get_settings
from app.core import sandbox
from app.core.child_errors import ChildCrashed, ChildError
from app.core.child_problems import as_problem
from app.core.filenames import clean_filename
from app.core.multipart import ReceivedFile
from app.core.problems import Gone, NotFound, Unavailable, Unprocessable
from app.core.scratch import empty
from app.datasets import service
from app.db.tables import Dataset, DatasetFacts, DatasetVersion, new_id
from app.projects.service import default_project, get_project, hold_project
from app.resources import Resources
from app.storage.base import ObjectMissing
from app.storage.deposit import deposit

INGEST = "app.analysis.ingest.jobs:ingest"
READ_TIMEOUT_S = 900.0
# How many children may read at once in one API process; more wait their turn.
_places = threading.BoundedSemaphore(2)
QUEUE_TIMEOUT_S = 120.0

READING_OPTIONS = ("delimiter", "encoding", "sheet", "table", "header_row", "decimal", "types")


@dataclass(frozen=True)
class ReadTable:
    """What a child left in ``directory``: ``data.parquet``, ``preview.json``, and the facts."""

    directory: Path
    facts: dict[str, Any]

    def preview(self, rows: int) -> dict[str, Any]:
        """The first rows."""
        preview: dict[str, Any] = sandbox.read_json(self.directory / "preview.json")
        return {"columns": self.facts["columns"], "first_rows": preview["first_rows"][:rows]}


def parse_reading_options(fields: Mapping[str, str]) -> dict[str, Any]:
    """The form's reading options, typed. Raises :class:`Unprocessable` naming the field."""
    options: dict[str, Any] = {
        name: fields[name] for name in READING_OPTIONS if fields.get(name, "") != ""
    }
    if "header_row" in options:
        try:
            options["header_row"] = int(options["header_row"])
        except ValueError:
            raise _bad_field("header_row", "must be a whole number") from None
    if "types" in options:
        try:
            types = json.loads(options["types"])
        except ValueError:
            raise _bad_field("types", 'must be JSON, such as {"column": "text"}') from None
        if not isinstance(types, dict):
            raise _bad_field("types", "must be a JSON object of column names and types")
        options["types"] = types
    return options


def _bad_field(name: str, message: str) -> Unprocessable:
    return Unprocessable(
        f"{name}: {message}", errors=[{"location": f"body.{name}", "message": message}]
    )


def run_reader(target: str, params: dict[str, Any], location: str = "body.file") -> dict[str, Any]:
    """Run a reading job in a child. Raises the problem that its failure is."""
    if not _places.acquire(timeout=QUEUE_TIMEOUT_S):
        raise Unavailable("Too many files are being read at the moment; try again shortly.")
    try:
        try:
            return _read(target, params)
        except ChildCrashed as error:
            if error.code != "killed":
                raise
            # By a signal from outside perhaps, and not by this file: it is given another child.
            return _read(target, params)
    except ChildError as error:
        raise as_problem(error, location) from None
    finally:
        _places.release()


def _read(target: str, params: dict[str, Any]) -> dict[str, Any]:
    if "out_dir" in params:
        empty(Path(params["out_dir"]))
    memory_mb = get_settings().read_memory_mb
    return sandbox.run(target, params, memory_mb=memory_mb, timeout_s=READ_TIMEOUT_S)


def read_upload(
    held: Resources, received: ReceivedFile, directory: Path, options: dict[str, Any]
) -> ReadTable:
    """Read a received file into Parquet under ``directory``. Raises a problem saying where."""
    params = {
        "source": str(received.path),
        "filename": received.filename,
        "out_dir": str(directory),
        "options": options,
        "max_unpacked_bytes": 4 * held.settings.max_upload_bytes,
    }
    return ReadTable(directory, run_reader(INGEST, params))


def create_dataset(
    held: Resources,
    user: Principal,
    received: ReceivedFile,
    project_id: str | None,
    options: dict[str, Any],
) -> tuple[Dataset, dict[str, Any]]:
    """Read, store and write down an upload; returns the dataset and its preview.

    The row is written last: until then nobody sees anything, and what was stored is removed
    when something fails.
    """
    with held.database.unit() as unit:
        if project_id is None:
            project = default_project(unit, user)
        else:
            project = get_project(unit, user, project_id)
    with sandbox.scratch() as name:
        table = read_upload(held, received, Path(name), options)
        dataset_id = new_id()
        prefix = service.storage_prefix(project.id, dataset_id)
        with deposit(held.storage, held.settings.minio_bucket, prefix):
            keys = store_table(held, table, prefix)
            with held.database.unit() as unit:
                hold_project(unit, user, project.id)
                dataset = Dataset(
                    id=dataset_id,
                    project_id=project.id,
                    filename=clean_filename(received.filename),
                    size_bytes=received.size,
                    version=1,
                    uploaded_at=unit.now(),
                    source_filename=clean_filename(received.filename),
                    mode="upload",
                    options_json=options,
                    **keys,
                    **table_facts(table.facts),
                )
                unit.session.add(dataset)
        return dataset, table.preview(20)


def fetch_table(held: Resources, dataset: DatasetFacts, directory: Path) -> Path:
    """The stored table as a file in ``directory``.

    Raises :class:`Gone` when it is missing, and :class:`NotFound` when the dataset was deleted
    meanwhile.
    """
    path = directory / "table.parquet"
    try:
        held.storage.fetch_to(held.settings.minio_bucket, dataset.storage_key, path)
    except ObjectMissing:
        if not _is_named(held, dataset.storage_key):
            raise NotFound("dataset") from None
        raise Gone("The stored table of this dataset is missing.") from None
    return path


def _is_named(held: Resources, key: str) -> bool:
    """Whether a dataset, or a version of one, still has its table there."""
    with held.database.unit(write=False) as unit:
        return any(
            unit.session.scalar(select(kind.id).where(kind.storage_key == key).limit(1))
            for kind in (Dataset, DatasetVersion)
        )


def store_table(held: Resources, table: ReadTable, prefix: str) -> dict[str, Any]:
    """Upload what a child left; returns the keys under the names of the row's columns."""
    keys = {"storage_key": f"{prefix}data.parquet", "preview_key": f"{prefix}preview.json"}
    for field, filename in (("storage_key", "data.parquet"), ("preview_key", "preview.json")):
        with (table.directory / filename).open("rb") as file:
            held.storage.upload_fileobj(held.settings.minio_bucket, keys[field], file)
    return keys


def table_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a reading job found, under the names of the row's columns."""
    return {
        "rows": facts["rows"],
        "cols": facts["cols"],
        "columns_json": facts["columns"],
        "warnings_json": facts["warnings"],
        "read_json": facts["read"],
    }
