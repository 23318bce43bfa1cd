"""A newer file of the same table: read by what is remembered of the last one, where it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from app.analysis.errors import BadOption
from app.analysis.ingest.dataset import Dataset, read_dataset
from app.analysis.ingest.findings import Finding
from app.analysis.ingest.options import ReadOptions
from app.analysis.progress import Progress

T = TypeVar("T")


def with_remembered(
    read: Callable[[ReadOptions], T], options: Mapping[str, Any], remembered: Mapping[str, Any]
) -> tuple[T, list[Finding]]:
    """What ``read`` returns for the given and the remembered options, and what is to be told.

    An option that was given must fit. A remembered one that means nothing for this file, as a
    delimiter for a workbook, is left out. Raises what ``read`` raises.
    """
    kept = {name: value for name, value in remembered.items() if name not in options}
    told: list[Finding] = []
    while True:
        try:
            return read(ReadOptions.from_json({**kept, **options})), told
        except BadOption as error:
            name = error.details.get("option")
            if name not in kept:
                raise
            del kept[name]
            told.append(
                Finding("remembered_option", f"What the last file was read with: {error.message}")
            )


def read_renewed(
    source: Path,
    filename: str,
    out_dir: Path,
    options: Mapping[str, Any],
    remembered: Mapping[str, Any],
    max_unpacked_bytes: int,
    progress: Progress,
) -> Dataset:
    """Read a file that takes the place of an earlier one; same files as ``read_dataset``.

    ``remembered`` holds reading options, ``known_types`` among them: a type that the new file
    does not fit is found anew, and told. Raises as ``read_dataset``.
    """

    def read(merged: ReadOptions) -> Dataset:
        return read_dataset(source, filename, out_dir, merged, max_unpacked_bytes, progress)

    dataset, told = with_remembered(read, options, remembered)
    return Dataset(dataset.rows, dataset.columns, [*told, *dataset.findings], dataset.read)
