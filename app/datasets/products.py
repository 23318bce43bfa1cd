"""What is made from a dataset on demand: preview, profile, comparison, downloads."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Literal

from sqlalchemy import update

from app.core import sandbox
from app.core.problems import Gone
from app.datasets.ingestion import fetch_table, run_reader
from app.db.tables import Dataset, DatasetFacts, DatasetVersion
from app.resources import Resources
from app.storage.base import ObjectMissing

PROFILE = "app.analysis.profile.jobs:profile"
EXPORT = "app.analysis.ingest.jobs:export"
CLEAN = "app.analysis.ingest.jobs:clean"
COMPARE = "app.analysis.profile.jobs:compare"
WAIT_S = 30.0
CHUNK_BYTES = 256 * 1024

Format = Literal["csv", "parquet", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_makers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="product")
_under_way: dict[str, Future[bytes]] = {}
_guard = threading.Lock()


def read_object(held: Resources, key: str) -> bytes:
    """A small object, whole. Raises :class:`Gone` when it is missing."""
    try:
        return b"".join(held.storage.download_stream(held.settings.minio_bucket, key))
    except ObjectMissing:
        raise Gone("The stored object behind this is missing.") from None


def preview(held: Resources, dataset: DatasetFacts, rows: int) -> dict[str, Any]:
    """The first ``rows`` rows, as they were cached when the file was read."""
    kept: dict[str, Any] = json.loads(read_object(held, dataset.preview_key))
    return {
        "columns": dataset.columns_json,
        "first_rows": kept["first_rows"][:rows],
        "rows_total": dataset.rows,
    }


def profile(held: Resources, dataset: DatasetFacts) -> bytes | None:
    """The profile as JSON, computed once and kept; ``None`` when it takes longer than 30 s."""
    if dataset.profile_key is not None:
        return read_object(held, dataset.profile_key)
    return _awaited(dataset.storage_key, lambda: _compute_profile(held, dataset))


def compare(held: Resources, before: DatasetFacts, after: DatasetFacts) -> bytes | None:
    """What changed between two tables, as JSON; ``None`` when it takes longer than 30 s.

    It is kept beside the first table. No row names it, so that it is swept as an orphan after
    an hour: until then whoever asks again, as after a ``None``, is answered at once.
    """
    of = hashlib.sha256(after.storage_key.encode()).hexdigest()[:32]
    key = f"{PurePosixPath(before.storage_key).parent}/compare-{of}.json"
    try:
        return b"".join(held.storage.download_stream(held.settings.minio_bucket, key))
    except ObjectMissing:
        return _awaited(key, lambda: _compute_comparison(held, before, after, key))


def _awaited(key: str, make: Callable[[], bytes]) -> bytes | None:
    """What ``make`` makes, once for all who ask for ``key`` meanwhile; ``None`` after 30 s."""
    with _guard:
        future = _under_way.get(key)
        if future is None:
            future = _under_way[key] = _makers.submit(make)
            future.add_done_callback(lambda _: _under_way.pop(key, None))
    try:
        return future.result(timeout=WAIT_S)
    except NotYet:
        return None


def _compute_profile(held: Resources, dataset: DatasetFacts) -> bytes:
    with sandbox.scratch() as name:
        out = Path(name) / "out"
        out.mkdir()
        source = fetch_table(held, dataset, Path(name))
        params = {
            "source": str(source),
            "out_dir": str(out),
            "columns": dataset.columns_json,
            "dataset": {"name": dataset.filename, "size_bytes": dataset.size_bytes},
            "target": None,
            "seed": 0,
            "memory_mb": held.settings.read_memory_mb,
        }
        run_reader(PROFILE, params, "dataset")
        body = (out / "profile.json").read_bytes()
    key = f"{PurePosixPath(dataset.storage_key).parent}/profile.json"
    held.storage.upload_bytes(held.settings.minio_bucket, key, body)
    with held.database.unit() as unit:
        # It may have become an earlier version meanwhile. One that was deleted has no row: its
        # profile is an orphan and is swept.
        for table in (Dataset, DatasetVersion):
            mine = table.storage_key == dataset.storage_key
            unit.session.execute(update(table).where(mine).values(profile_key=key))
    return body


def _compute_comparison(
    held: Resources, before: DatasetFacts, after: DatasetFacts, key: str
) -> bytes:
    with sandbox.scratch() as name:
        out = Path(name) / "out"
        out.mkdir()
        params: dict[str, Any] = {
            "out_dir": str(out),
            "memory_mb": held.settings.read_memory_mb,
        }
        for side, dataset in (("a", before), ("b", after)):
            place = Path(name) / side
            place.mkdir()
            params[side] = {
                "source": str(fetch_table(held, dataset, place)),
                "columns": dataset.columns_json,
                "name": dataset.filename,
            }
        run_reader(COMPARE, params, "dataset")
        body = (out / "compare.json").read_bytes()
    held.storage.upload_bytes(held.settings.minio_bucket, key, body)
    return body


@dataclass
class Download:
    """A file ready to be streamed; its scratch space goes when the stream ends."""

    filename: str
    media_type: str
    size: int
    path: Path
    _scratch: TemporaryDirectory[str]

    def stream(self) -> Iterator[bytes]:
        """The bytes; removes the file at the end."""
        with self._scratch, self.path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def download(
    held: Resources, dataset: DatasetFacts, kind: Format, *, cleaned: bool, bom: bool
) -> Download:
    """The table as a file of the wanted format, raw or cleaned."""
    scratch = sandbox.scratch()
    try:
        directory = Path(scratch.name)
        source, columns = fetch_table(held, dataset, directory), dataset.columns_json
        if cleaned:
            source, columns = _clean(source, columns, directory)
        out = source
        if kind != "parquet":
            out = directory / f"table.{kind}"
            params = {
                "source": str(source),
                "out": str(out),
                "format": kind,
                "bom": bom,
                "columns": columns,
            }
            run_reader(EXPORT, params, "dataset")
        stem = Path(dataset.filename).stem + ("-cleaned" if cleaned else "")
        size = out.stat().st_size
        return Download(f"{stem}.{kind}", MEDIA_TYPES[kind], size, out, scratch)
    except BaseException:
        scratch.cleanup()
        raise


def _clean(source: Path, columns: list[Any], directory: Path) -> tuple[Path, list[Any]]:
    out = directory / "cleaned"
    out.mkdir()
    params = {"source": str(source), "out_dir": str(out), "columns": columns, "options": {}}
    facts = run_reader(CLEAN, params, "dataset")
    return out / "cleaned.parquet", facts["columns"]
