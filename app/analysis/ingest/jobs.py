"""The jobs of this room: what the server runs in a child process and the command line calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.analysis.ingest.append import append_dataset
from app.analysis.ingest.cleaning import clean_dataset
from app.analysis.ingest.dataset import read_dataset
from app.analysis.ingest.export import export_dataset
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.remembered import read_renewed
from app.analysis.ingest.retype import check_changes, retype_dataset
from app.analysis.progress import Progress
from app.analysis.schema import columns_from_json, columns_to_json


def ingest(
    *,
    source: str,
    filename: str,
    out_dir: str,
    options: dict[str, Any],
    max_unpacked_bytes: int,
    progress: Progress,
) -> dict[str, Any]:
    """Read any file into ``out_dir/data.parquet`` and ``out_dir/preview.json``.

    Returns ``{"rows", "cols", "columns", "warnings", "read"}``. Raises ``UnsupportedFormat``,
    ``BadTable``, ``TooLarge`` or ``BadOption``.
    """
    dataset = read_dataset(
        Path(source),
        filename,
        Path(out_dir),
        ReadOptions.from_json(options),
        max_unpacked_bytes,
        progress,
    )
    return dataset.to_json()


def renew(
    *,
    source: str,
    filename: str,
    out_dir: str,
    options: dict[str, Any],
    remembered: dict[str, Any],
    max_unpacked_bytes: int,
    progress: Progress,
) -> dict[str, Any]:
    """Read a file in place of an earlier one; same files, result and errors as :func:`ingest`.

    ``remembered`` are that one's reading options and ``known_types``: used where they fit.
    """
    dataset = read_renewed(
        Path(source),
        filename,
        Path(out_dir),
        options,
        remembered,
        max_unpacked_bytes,
        progress,
    )
    return dataset.to_json()


def append(
    *,
    source: str,
    filename: str,
    base: str,
    columns: list[dict[str, Any]],
    out_dir: str,
    options: dict[str, Any],
    remembered: dict[str, Any],
    max_unpacked_bytes: int,
    progress: Progress,
) -> dict[str, Any]:
    """Put a file's rows behind those of the dataset ``base``; files and result as :func:`ingest`.

    Raises ``BadTable`` naming the columns that differ (``missing_columns``, ``extra_columns``),
    or row and column of a value that cannot be of its column's type; else as :func:`ingest`.
    """
    dataset = append_dataset(
        Path(source),
        filename,
        Path(base),
        columns_from_json(columns),
        Path(out_dir),
        options,
        remembered,
        max_unpacked_bytes,
        progress,
    )
    return dataset.to_json()


def retype(
    *,
    source: str,
    out_dir: str,
    columns: list[dict[str, Any]],
    changes: list[dict[str, str]],
    progress: Progress,
) -> dict[str, Any]:
    """Give columns of a dataset other types; same files and result as :func:`ingest`.

    Raises ``BadTable`` naming the first value that cannot be of its new type.
    """
    schema = columns_from_json(columns)
    wanted = check_changes(schema, changes)
    return retype_dataset(Path(source), Path(out_dir), schema, wanted, progress).to_json()


def export(
    *,
    source: str,
    out: str,
    format: str,
    bom: bool,
    columns: list[dict[str, Any]],
    progress: Progress,
) -> dict[str, Any]:
    """Write a dataset to ``out`` as ``csv``, ``parquet`` or ``xlsx``; ``{"size_bytes": n}``.

    Raises ``BadOption`` for another format and ``TooLarge`` for what a sheet cannot hold.
    """
    schema = columns_from_json(columns)
    size = export_dataset(Path(source), Path(out), format, schema, progress, bom=bom)
    return {"size_bytes": size}


def clean(
    *,
    source: str,
    out_dir: str,
    columns: list[dict[str, Any]],
    options: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Write ``cleaned.parquet`` and ``cleaning.json``; ``{"rows", "cols", "columns", "steps"}``.

    ``options`` are a run's options. Raises ``BadOption`` for an unknown cleaning rule.
    """
    cleaned = clean_dataset(
        Path(source), Path(out_dir), columns_from_json(columns), options, progress
    )
    return {
        "rows": cleaned.rows_out,
        "cols": len(cleaned.columns),
        "columns": columns_to_json(cleaned.columns),
        "steps": len(cleaned.steps),
    }
