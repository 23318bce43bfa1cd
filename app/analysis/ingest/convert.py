"""Files in, tables out, on the command line: one file or a folder of many, in one process."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.analysis.errors import AnalysisError
from app.analysis.ingest.dataset import DATA, Dataset, read_through
from app.analysis.ingest.engine import connect
from app.analysis.ingest.export import write_csv
from app.analysis.ingest.options import ReadOptions
from app.analysis.progress import Progress, silent

if TYPE_CHECKING:
    import duckdb

MAX_UNPACKED_BYTES = 4 * 2**30


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source: the file written and its rows, or why there is none."""

    source: Path
    written: Path | None = None
    rows: int = 0
    error: str | None = None


def convert(
    sources: Sequence[Path],
    out: Path,
    to: Literal["csv", "parquet"],
    options: Mapping[str, Any],
    on_file: Callable[[Outcome], None],
    skip: Container[Path] = frozenset(),
    work: Path | None = None,
    progress: Progress = silent,
) -> list[Outcome]:
    """Write every source as UAM reads it to ``out``, with ``NAME.schema.json`` beside each.

    A CSV holds every cell as its file spells it (``$ 5.00``, ``24.12.2025``), and nothing where a
    cell is missing; the schema says how it was read. Parquet holds the values.

    A source that is a folder stands for the files below it, and its structure is kept.
    ``x.xlsx`` becomes ``x.csv`` (or ``.parquet``); two sources of one name keep their whole
    name, as in ``x.xlsx.csv``. A file that cannot be read is told through ``on_file`` and left
    out; so are those in ``skip``, without a word. Tables under way are kept in ``work``, a folder
    on the disk of ``out``, or in a folder of their own in there. ``progress`` hears how far the
    file under way is. Raises :class:`BadOption` for options that are none.
    """
    checked = ReadOptions.from_json(options)
    out.mkdir(parents=True, exist_ok=True)
    outcomes = []
    with tempfile.TemporaryDirectory(dir=work or out, prefix=".converting-") as folder:
        root = Path(folder)
        wanted = [pair for pair in targets(sources, out, to) if pair[0] not in skip]
        # One engine for all files: starting one takes as long as reading a small file.
        with connect(root, files=[source for source, _ in wanted]) as connection:
            for source, target in wanted:
                outcome = _convert_one(connection, root, source, target, to, checked, progress)
                on_file(outcome)
                outcomes.append(outcome)
    return outcomes


def targets(sources: Iterable[Path], out: Path, to: str) -> list[tuple[Path, Path]]:
    """Each file that the sources stand for, and where its table goes, in the order of work."""
    found = [pair for source in sources for pair in _files(source)]
    plain = [relative.with_suffix(f".{to}") for _, relative in found]
    counts: dict[Path, int] = {}
    for path in plain:
        counts[path] = counts.get(path, 0) + 1
    pairs = []
    for (source, relative), path in zip(found, plain, strict=True):
        clash = counts[path] > 1
        name = relative.with_name(f"{relative.name}.{to}") if clash else path
        pairs.append((source, out / name))
    return pairs


def _files(source: Path) -> Iterable[tuple[Path, Path]]:
    if not source.is_dir():
        yield source, Path(source.name)
        return
    for folder, names, files in os.walk(source):
        # Hidden ones, those of tables under way among them, are nobody's data.
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                path = Path(folder) / name
                yield path, path.relative_to(source)


def _convert_one(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    source: Path,
    target: Path,
    to: str,
    options: ReadOptions,
    progress: Progress,
) -> Outcome:
    try:
        with tempfile.TemporaryDirectory(dir=root) as folder:
            work = Path(folder)
            dataset = read_through(
                *(connection, work, source, source.name, work, options),
                *(MAX_UNPACKED_BYTES, progress),
                as_written=to == "csv",
                with_preview=False,
            )
            result = _rendered(connection, work, dataset, to)
            target.parent.mkdir(parents=True, exist_ok=True)
            result.replace(target)
    except AnalysisError as error:
        return Outcome(source, error=error.message)
    except OSError as error:
        return Outcome(source, error=f"The file cannot be read: {error.strerror or error}.")
    schema = target.with_suffix(".schema.json")
    schema.write_text(json.dumps(dataset.to_json(), ensure_ascii=False, indent=1), "utf-8")
    return Outcome(source, target, dataset.rows)


def _rendered(connection: duckdb.DuckDBPyConnection, work: Path, dataset: Dataset, to: str) -> Path:
    if to == "parquet":
        return work / DATA
    result = work / "table.csv"
    names = [column["name"] for column in dataset.columns]
    # The user's own file on the user's own disk: nothing is put before its cells.
    write_csv(connection, work / DATA, result, names, work, neutralise=False)
    return result
