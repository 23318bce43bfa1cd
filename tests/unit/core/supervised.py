"""A supervisor under test, in a process of its own, with small real parts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from app.core.parts import Part

RUN = """
import json, sys
from app.core.parts import Part
from app.core.supervisor import become
plan = json.loads(sys.argv[1])
become([Part(**part) for part in plan["parts"]], plan["url"])
"""

# Has a child in its own session that has a child in its own session: nobody tells them to stop.
FAMILY = """
import subprocess, sys, time
from pathlib import Path
depth, folder, name = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
with (folder / name).open("a") as file:
    file.write(f"{__import__('os').getpid()}\\n")
if depth:
    command = [sys.executable, "-c", sys.argv[4], str(depth - 1), folder, name, sys.argv[4]]
    subprocess.Popen(command, start_new_session=True)
time.sleep(600)
"""


def part(name: str, code: str, *arguments: object, **options: object) -> Part:
    """A part that runs Python code."""
    return Part(name, [sys.executable, "-c", code, *map(str, arguments)], **options)


def family(folder: Path, name: str, depth: int = 2) -> Part:
    """A part with ``depth`` descendants; each notes its process in ``folder/name``."""
    return part(name, FAMILY, depth, folder, name, FAMILY)


def pids(folder: Path, name: str) -> list[int]:
    """The processes that a family has noted so far."""
    path = folder / name
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something that has to happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


class Supervised:
    """``Supervisor.run`` in a process of its own; ``said`` is what it has printed."""

    def __init__(self, folder: Path, *parts: Part, url: str = "") -> None:
        plan = {"parts": [part.__dict__ for part in parts], "url": url}
        self._log = folder / "supervisor.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, json.dumps(plan)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._seen: set[int] = set()

    @property
    def said(self) -> list[str]:
        return self._log.read_text().splitlines()

    def told(self, words: str, times: int = 1) -> bool:
        """Whether it has said something with these words, so many times."""
        return sum(words in line for line in self.said) >= times

    def guards(self) -> list[int]:
        """The guard's process; for a moment there may be none."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):
                if any(word.endswith("guard.py") for word in child.cmdline()):
                    found.append(child.pid)
        return found

    def tree(self) -> list[int]:
        """The supervisor and everything below it now."""
        process = psutil.Process(self.process.pid)
        return [process.pid, *(child.pid for child in process.children(recursive=True))]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def clean_up(self) -> None:
        """End what a failed test left."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
