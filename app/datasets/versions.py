"""The versions of a dataset: a newer file in place of the last one, or behind it; other types.

A version never changes, so that a run goes on with the one that it was started on. The
dataset's own row is the newest version; when another comes, what it was is written to
``dataset_versions``. No lock is held while files are read: whoever comes second finds another
newest version than the one that was read, and does the work again on that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

from sqlalchemy import inspect, select

from app.auth.principal import Principal
from app.core import sandbox
from app.core.filenames import clean_filename
from app.core.idempotency import Asked, digest_of_file
from app.core.multipart import ReceivedFile
from app.core.problems import Conflict, NotFound, Unprocessable
from app.datasets import service
from app.datasets.ingestion import ReadTable, fetch_table, run_reader, store_table, table_facts
from app.db.session import UnitOfWork
from app.db.tables import (
    Dataset,
    DatasetFacts,
    DatasetVersion,
    DatasetVersionKey,
    Run,
    new_id,
)
from app.resources import Resources
from app.storage.deposit import deposit

Mode = Literal["replace", "append"]
RENEW = "app.analysis.ingest.jobs:renew"
APPEND = "app.analysis.ingest.jobs:append"
RETYPE = "app.analysis.ingest.jobs:retype"
# Each time that somebody else was first, one version came: so many may come before one gives up.
MAX_ROUNDS = 20
MAX_WARNINGS = 200
SCHEMA_KINDS = ("column_added", "column_removed", "type_changed")

# What is made of the newest version in a scratch directory, and the values of the next one's row.
Work = Callable[[Dataset, Path], tuple[ReadTable, dict[str, Any]]]


class _Overtaken(Exception):
    """Another version came while this one was made."""


def parse_mode(text: str) -> Mode:
    """The form's ``mode``. Raises :class:`Unprocessable`."""
    for mode in get_args(Mode):
        if text == mode:
            return cast(Mode, mode)
    message = "must be replace or append"
    raise Unprocessable(f"mode: {message}", errors=[{"location": "body.mode", "message": message}])


def find_version(unit: UnitOfWork, dataset: Dataset, version: int | None) -> DatasetFacts:
    """A dataset as it was at a version, as it is unless one is named. Raises :class:`NotFound`."""
    if version is None or version == dataset.version:
        return dataset
    wanted = select(DatasetVersion).where(
        DatasetVersion.dataset_id == dataset.id, DatasetVersion.version == version
    )
    found = unit.session.scalar(wanted)
    if found is None:
        raise NotFound("version of this dataset")
    return found


def version_of_run(unit: UnitOfWork, run: Run) -> DatasetFacts:
    """The table that a run works on."""
    return find_version(unit, unit.session.get_one(Dataset, run.dataset_id), run.dataset_version)


def list_versions(
    unit: UnitOfWork, dataset: Dataset, limit: int, offset: int
) -> tuple[list[DatasetFacts], int]:
    """A page of the versions, newest first, and how many there are. They are numbered from 1."""
    first = dataset.version - offset
    earlier = (
        select(DatasetVersion)
        .where(
            DatasetVersion.dataset_id == dataset.id,
            # Should another version come this moment, the one at hand is not told twice.
            DatasetVersion.version <= min(first, dataset.version - 1),
            DatasetVersion.version > first - limit,
        )
        .order_by(DatasetVersion.version.desc())
    )
    found: list[DatasetFacts] = [dataset] if offset == 0 else []
    return [*found, *unit.session.scalars(earlier)], dataset.version


def add_version(
    held: Resources,
    user: Principal,
    dataset_id: str,
    received: ReceivedFile,
    mode: Mode,
    options: dict[str, Any],
    forgotten: frozenset[str],
    idempotency_key: str | None = None,
) -> tuple[Dataset, DatasetFacts]:
    """Read a newer file and make it the next version; returns the dataset and that version.

    ``options`` are those given now; what was given for the last file is remembered unless
    ``forgotten``. The same idempotency key again gives the version that it has made.
    Raises :class:`NotFound`, :class:`Conflict` when the key was used for another request, and
    the problem that the file has.
    """
    if mode == "append" and "types" in options:
        message = "the types of an appended file are those of the data set"
        raise Unprocessable(
            f"types: {message}", errors=[{"location": "body.types", "message": message}]
        )

    def work(dataset: Dataset, directory: Path) -> tuple[ReadTable, dict[str, Any]]:
        remembered = {
            name: value for name, value in dataset.options_json.items() if name not in forgotten
        }
        params = {
            "source": str(received.path),
            "filename": received.filename,
            "options": options,
            "max_unpacked_bytes": 4 * held.settings.max_upload_bytes,
        }
        merged = {**remembered, **options}
        row = {
            "mode": mode,
            "source_filename": clean_filename(received.filename),
            "options_json": merged,
        }
        if mode == "append":
            remembered.pop("types", None)
            table = _append(held, dataset, directory, {**params, "remembered": remembered})
            return table, {
                **row,
                "size_bytes": dataset.size_bytes + received.size,
                "read_json": {**dataset.read_json, "appended": table.facts["read"]},
                "warnings_json": _joined(dataset, table.facts["warnings"]),
            }
        remembered["known_types"] = _types(dataset, remembered.pop("types", {}))
        out = _out(directory)
        facts = run_reader(RENEW, {**params, "remembered": remembered, "out_dir": str(out)})
        changes = schema_changes(dataset.columns_json, facts["columns"])
        return ReadTable(out, facts), {
            **row,
            "filename": row["source_filename"],
            "size_bytes": received.size,
            "warnings_json": [*facts["warnings"], *changes],
        }

    asked = None
    if idempotency_key is not None:
        request = {
            "mode": mode,
            "file": digest_of_file(received.path),
            "filename": received.filename,
            "options": options,
            "forgotten": sorted(forgotten),
        }
        asked = Asked.of(idempotency_key, request)
    return _make_version(held, user, dataset_id, work, asked)


def retype_dataset(
    held: Resources, user: Principal, dataset_id: str, changes: list[dict[str, Any]]
) -> None:
    """Make a version with other column types, if any differs. Raises a problem naming the first
    value that cannot be of the wanted type."""
    with held.database.unit(write=False) as unit:
        if not service.find_changes(service.get_dataset(unit, user, dataset_id), changes):
            return

    def work(dataset: Dataset, directory: Path) -> tuple[ReadTable, dict[str, Any]]:
        out = _out(directory)
        params = {
            "source": str(fetch_table(held, dataset, directory)),
            "out_dir": str(out),
            "columns": dataset.columns_json,
            "changes": service.find_changes(dataset, changes),
        }
        table = ReadTable(out, run_reader(RETYPE, params, "body.columns"))
        wanted = {change["name"]: change["type"] for change in changes}
        types = {**dataset.options_json.get("types", {}), **wanted}
        return table, {
            "mode": "retype",
            "options_json": {**dataset.options_json, "types": types},
            "read_json": dataset.read_json,
            "warnings_json": _joined(dataset, table.facts["warnings"]),
        }

    _make_version(held, user, dataset_id, work)


def _append(
    held: Resources, dataset: Dataset, directory: Path, params: dict[str, Any]
) -> ReadTable:
    out = _out(directory)
    base = fetch_table(held, dataset, directory)
    columns = dataset.columns_json
    facts = run_reader(
        APPEND, {**params, "base": str(base), "columns": columns, "out_dir": str(out)}
    )
    return ReadTable(out, facts)


def _out(directory: Path) -> Path:
    out = directory / "out"
    out.mkdir()
    return out


def _make_version(
    held: Resources, user: Principal, dataset_id: str, work: Work, asked: Asked | None = None
) -> tuple[Dataset, DatasetFacts]:
    for _ in range(MAX_ROUNDS):
        with held.database.unit(write=False) as unit:
            newest = service.get_dataset(unit, user, dataset_id)
            # After the newest version: should the same request be done from here on, that is not
            # the newest any more when this one is to be written.
            made = _version_of_key(unit, newest, asked)
        if made is not None:
            with held.database.unit(write=False) as unit:
                dataset = service.get_dataset(unit, user, dataset_id)
                return dataset, find_version(unit, dataset, made)
        with sandbox.scratch() as name:
            table, values = work(newest, Path(name))
            prefix = f"{service.storage_prefix(newest.project_id, newest.id)}{new_id()}/"
            try:
                with deposit(held.storage, held.settings.minio_bucket, prefix):
                    keys = store_table(held, table, prefix)
                    with held.database.unit() as unit:
                        dataset = service.hold_to_change(unit, user, dataset_id)
                        if dataset.version != newest.version:
                            raise _Overtaken
                        _succeed(unit, dataset, {**keys, **table_facts(table.facts), **values})
                        _keep_key(unit, dataset, asked)
                return dataset, dataset
            except _Overtaken:
                continue
    raise Conflict("Others keep changing this data set; try again.")


def _version_of_key(unit: UnitOfWork, dataset: Dataset, asked: Asked | None) -> int | None:
    """The version that this Idempotency-Key has made of the dataset. Raises :class:`Conflict`."""
    if asked is None:
        return None
    known = unit.session.scalar(
        select(DatasetVersionKey).where(
            DatasetVersionKey.dataset_id == dataset.id,
            DatasetVersionKey.idempotency_key == asked.key,
        )
    )
    if known is None:
        return None
    asked.refuse_other(known.request_hash)
    return known.version


def _keep_key(unit: UnitOfWork, dataset: Dataset, asked: Asked | None) -> None:
    if asked is not None:
        unit.session.add(
            DatasetVersionKey(
                id=new_id(),
                dataset_id=dataset.id,
                idempotency_key=asked.key,
                request_hash=asked.digest,
                version=dataset.version,
            )
        )


def _succeed(unit: UnitOfWork, dataset: Dataset, values: Mapping[str, Any]) -> None:
    """Write down what the dataset is, then let it be what comes next."""
    names = [column.key for column in inspect(DatasetVersion).column_attrs]
    was = {name: getattr(dataset, name) for name in names if name not in {"id", "dataset_id"}}
    unit.session.add(DatasetVersion(id=new_id(), dataset_id=dataset.id, **was))
    for name, value in values.items():
        setattr(dataset, name, value)
    dataset.version += 1
    dataset.profile_key = None
    dataset.uploaded_at = unit.now()


def _types(dataset: Dataset, asked: Mapping[str, str]) -> dict[str, str]:
    return {**{column["name"]: column["type"] for column in dataset.columns_json}, **asked}


def _joined(dataset: Dataset, warnings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is still worth telling of the rows that stay, and of those that came."""
    kept = [found for found in dataset.warnings_json if found.get("kind") not in SCHEMA_KINDS]
    return [*(found for found in kept if found not in warnings), *warnings][-MAX_WARNINGS:]


def schema_changes(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Warnings that name each column that came, went, or has another type than in the last file."""
    old = {column["name"]: column["type"] for column in before}
    new = {column["name"]: column["type"] for column in after}
    changes = [("column_removed", name, "is gone") for name in old if name not in new]
    changes += [("column_added", name, "is new") for name in new if name not in old]
    changes += [
        ("type_changed", name, f"was {old[name]} and is {kind} now")
        for name, kind in new.items()
        if old.get(name, kind) != kind
    ]
    return [
        {"kind": kind, "message": f"{name!r} {what}.", "column": name}
        for kind, name, what in changes
    ]
