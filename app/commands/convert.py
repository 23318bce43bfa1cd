"""``uam convert``: a file that breaks its reader costs that file, never the others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.commands.bench import Bench, bench
from app.commands.failures import WorkFailed
from app.core.sandbox import ChildError, ChildStopped

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

    What cannot be read is told and skipped. Raises :class:`WorkFailed` when nothing was read.
    """
    with bench() as at:
        at.view.begin("converting")
        record = _convert_all(at, data, out, to)
        read = sum(error is None for error in record.errors.values())
        if not read:
            raise WorkFailed("no table could be read")
        at.view.tell(f"{read:,} of {len(record.plan):,} files converted")
        print(out)


def _convert_all(at: Bench, data: list[Path], out: Path, to: str) -> _Record:
    """Convert until every file is done, going on behind each that broke the child."""
    path = at.directory / "record.jsonl"
    while True:
        skip = _Record.read(path).errors
        try:
            _call(at, data, out, to, list(skip), path)
            return _Record.read(path)
        except ChildError as error:
            culprit = _Record.read(path).under_way
            if culprit is None:
                raise WorkFailed(f"converting: {error.message}") from None
            why = "its reader hangs" if isinstance(error, ChildStopped) else error.message
            at.view.tell(f"warning: {culprit}: {why}")
            with path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"source": culprit, "error": why}) + "\n")


def _call(at: Bench, data: list[Path], out: Path, to: str, skip: list[str], record: Path) -> None:
    params = {
        "sources": [str(path.absolute()) for path in data],
        "out": str(out.absolute()),
        "to": to,
        "skip": skip,
        "record": str(record),
    }
    moved = time.monotonic()

    def show(fraction: float, message: str, level: str, board: list[dict[str, Any]] | None) -> None:
        nonlocal moved
        moved = time.monotonic()
        at.view.progress(fraction, message, level, board)

    at.call(CONVERT_ALL, params, show, stop=lambda: time.monotonic() - moved > STALL_S)
