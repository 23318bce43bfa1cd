"""Where the offline commands work: one child, one scratch directory, one view."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.commands.failures import WorkFailed
from app.commands.view import View
from app.core.child_errors import ChildCrashed, ChildError
from app.core.sandbox import Child, ProgressHandler, default_memory_mb, scratch

INGEST = "app.analysis.ingest.jobs:ingest"
# Offline nobody else is slowed: what a file may unpack to is bounded by the machine's disk.
MAX_UNPACKED_BYTES = 64 * 1024**3
DAY_S = 86_400.0


@dataclass
class Table:
    """A table as UAM read it."""

    source: Path
    facts: dict[str, Any]

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Its typed schema."""
        columns: list[dict[str, Any]] = self.facts["columns"]
        return columns


@dataclass
class Bench:
    """A warm child that does one job after another within ``memory_mb``, and the directory they
    share."""

    directory: Path
    view: View
    memory_mb: int
    _children: list[Child] = field(default_factory=list)

    def job(
        self, title: str, target: str, params: Mapping[str, Any], *, quiet: bool = False
    ) -> dict[str, Any]:
        """Do one job of the analyst; a ``quiet`` one shows nothing, beside one that does.

        Raises :class:`WorkFailed`, one line that says why.
        """
        if not quiet:
            self.view.begin(title)
        try:
            return self.call(target, params, None if quiet else self.view.progress)
        except ChildError as error:
            raise WorkFailed(sentence(title, error)) from None

    def call(
        self,
        target: str,
        params: Mapping[str, Any],
        on_progress: ProgressHandler | None,
        stop: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """The same, for who has an answer to its failure. Raises :class:`ChildError`."""
        return self._child().call(
            target, params, timeout_s=DAY_S, on_progress=on_progress, stop=stop
        )

    def _child(self) -> Child:
        if not self._children or not self._children[-1].alive:
            self.close()
            self._children.append(Child(memory_mb=self.memory_mb))
        return self._children[-1]

    def close(self) -> None:
        """Let the child go."""
        while self._children:
            self._children.pop().close()

    def folder(self, name: str) -> Path:
        """A new empty directory for a job's files."""
        path = self.directory / name
        path.mkdir()
        return path

    def read(self, data: Path) -> Table:
        """Read a file of any format. Raises :class:`WorkFailed`, saying where it breaks."""
        out = Path(tempfile.mkdtemp(prefix="read-", dir=self.directory))
        facts = self.job(
            f"reading {data.name}",
            INGEST,
            {
                "source": str(data.absolute()),
                "filename": data.name,
                "out_dir": str(out),
                "options": {},
                "max_unpacked_bytes": MAX_UNPACKED_BYTES,
            },
        )
        for warning in facts["warnings"]:
            self.view.tell(f"warning: {warning.get('message', warning)}")
        return Table(out / "data.parquet", facts)

    @contextmanager
    def beside(self) -> Iterator[Bench]:
        """A second child in the same directory, for work at the same time."""
        second = Bench(self.directory, self.view, self.memory_mb)
        try:
            yield second
        finally:
            second.close()


@contextmanager
def bench(memory_mb: int = 0) -> Iterator[Bench]:
    """A bench, cleared away at the end, on SIGTERM too. Its child may take ``memory_mb``; 0 for
    a share of what the machine has."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with scratch() as name, View() as view:
        made = Bench(Path(name), view, memory_mb or default_memory_mb())
        try:
            yield made
        finally:
            made.close()


def sentence(doing: str, error: ChildError) -> str:
    """One line for a failed job; the analyst's own errors say themselves what and where."""
    if isinstance(error, ChildCrashed):
        return f"{doing}: the process broke down: {error.message}"
    if error.code in {"out_of_memory", "timeout", "stopped"}:
        return f"{doing}: {error.message}"
    return error.message


def deliver(file: Path, target: Path) -> None:
    """Put a finished file where the user wants it, in one step, over what is there.

    Raises :class:`WorkFailed` when that cannot be written.
    """
    arriving = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, arriving)
            arriving.replace(target)
        finally:
            arriving.unlink(missing_ok=True)
    except OSError as error:
        raise WorkFailed(f"cannot write {target}: {error.strerror}") from None
