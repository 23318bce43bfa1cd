"""``uam convert``: a file that breaks its reader costs that file, never the others."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.commands.bench import Bench, bench
from app.commands.failures import WorkFailed
from app.core.child_errors import ChildError, ChildStopped

# A second child pays for its start only where there is much to do.
MANY_FILES = 20
MOST_LANES = 8
CONVERT_ALL = "app.commands.convert_child:convert_all"
# A reader that has brought no file to its end for so long hangs.
STALL_S = 300.0


@dataclass
class _Record:
    """What became of each file so far, as the child wrote it down."""

    plan: list[str] = field(default_factory=list)
    errors: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> _Record:
        record = cls()
        for entry in _entries(path):
            if "plan" in entry:
                record.plan = entry["plan"]
            else:
                record.errors[entry["source"]] = entry["error"]
        return record

    @property
    def under_way(self) -> str | None:
        """The file that the child was at when it ended."""
        return next((source for source in self.plan if source not in self.errors), None)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            yield json.loads(line)


def convert(data: list[Path], out: Path, to: str) -> None:
    """Write every table of ``data`` into ``out`` as ``to``, its schema beside it.

    What cannot be read is told and skipped. Of many files as many are read at a time as there
    are processors. Raises :class:`WorkFailed` when nothing was read.
    """
    with bench() as at, ExitStack() as others:
        at.view.begin("converting")
        many = sum(1 for _ in islice(_files(data), MANY_FILES)) == MANY_FILES
        count = min(MOST_LANES, len(os.sched_getaffinity(0))) if many else 1
        benches = [at, *(others.enter_context(at.beside()) for _ in range(1, count))]
        fractions = [0.0] * count
        work = others.enter_context(_folder(out))
        lanes = [
            _Lane(one, data, out, to, work, lane, fractions) for lane, one in enumerate(benches)
        ]
        with ThreadPoolExecutor(count) as pool:
            records = list(pool.map(_Lane.work, lanes))
        errors = [error for record in records for error in record.errors.values()]
        read = sum(error is None for error in errors)
        if not read:
            raise WorkFailed("no table could be read")
        at.view.tell(f"{read:,} of {len(errors):,} files converted")
        print(out)


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A hidden folder in ``out`` for the tables under way, gone at the end however they ended."""
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.absolute(), prefix=".converting-") as name:
        yield Path(name)


def _files(data: list[Path]) -> Iterator[Path]:
    for path in data:
        yield from path.rglob("*") if path.is_dir() else (path,)


@dataclass
class _Lane:
    """One of the children that share the files among them."""

    at: Bench
    data: list[Path]
    out: Path
    to: str
    under_way: Path
    lane: int
    fractions: list[float]

    def work(self) -> _Record:
        """Convert until every file is done, going on behind each that broke the child."""
        path = self.at.directory / f"record-{self.lane}.jsonl"
        while True:
            skip = _Record.read(path).errors
            try:
                self._call(list(skip), path)
                return _Record.read(path)
            except ChildError as error:
                culprit = _Record.read(path).under_way
                if culprit is None:
                    raise WorkFailed(f"converting: {error.message}") from None
                why = "its reader hangs" if isinstance(error, ChildStopped) else error.message
                self.at.view.tell(f"warning: {culprit}: {why}")
                with path.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"source": culprit, "error": why}) + "\n")

    def _call(self, skip: list[str], record: Path) -> None:
        params = {
            "sources": [str(path.absolute()) for path in self.data],
            "out": str(self.out.absolute()),
            "to": self.to,
            "skip": skip,
            "record": str(record),
            "work": str(self.under_way),
            "lane": self.lane,
            "lanes": len(self.fractions),
        }
        moved = time.monotonic()

        def show(fraction: float, message: str, level: str, board: dict[str, Any] | None) -> None:
            nonlocal moved
            moved = time.monotonic()
            self.fractions[self.lane] = fraction
            whole = sum(self.fractions) / len(self.fractions)
            self.at.view.progress(whole, message, level, board)

        self.at.call(CONVERT_ALL, params, show, stop=lambda: time.monotonic() - moved > STALL_S)
