"""What a long command shows: a bar on a terminal, plain lines otherwise; always on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress


class View:
    """Shows stages and their progress; a context manager."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._title = ""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            percent = TextColumn("{task.percentage:>3.0f}%")
            columns = (TextColumn("{task.description}"), BarColumn(), percent, TimeElapsedColumn())
            console = Console(stderr=True, highlight=False)
            self._bar = Progress(*columns, console=console, transient=True)
            self._task = self._bar.add_task("", total=1.0)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, title: str) -> None:
        """A new stage."""
        self._title = title
        if self._bar is None:
            self._say(title)
        else:
            self._bar.reset(self._task, description=title)

    def progress(
        self, fraction: float, message: str, level: str, leaderboard: dict[str, Any] | None
    ) -> None:
        """A child's report: see :data:`app.core.sandbox.ProgressHandler`."""
        if self._bar is not None:
            self._bar.update(self._task, completed=fraction)
        if message:
            mark = "" if level == "INFO" else f"{level.lower()}: "
            self.tell(f"{mark}{message}")
        elif leaderboard and self._bar is not None:
            best = leaderboard["rows"][0]
            self._bar.update(self._task, description=f"{self._title}: {best.get('name')} leads")

    def tell(self, line: str) -> None:
        """A line of its own."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, soft_wrap=True)
        else:
            self._say(line)

    @staticmethod
    def _say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)
