"""A process that outlives its maker by a moment, to end what the maker started.

A supervisor that is killed with ``kill -9`` can end nothing any more. Its guard holds the
other end of a pipe: when that closes, for whatever reason, the guard kills the processes that
it was told of and everything that they started, sessions of their own included.

Runs as a plain script without site packages, so that it stays small: standard library only.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

PROC = "/proc"
CLOSE_S = 10.0


class Process(NamedTuple):
    """A line of the process table; ``started`` is in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    session: int
    started: int


def processes() -> list[Process]:
    """Every process of this machine; none where there is no ``/proc``."""
    if not os.path.isdir(PROC):
        return []
    found = (_read(int(name)) for name in os.listdir(PROC) if name.isdigit())
    return [process for process in found if process is not None]


def _read(pid: int) -> Process | None:
    try:
        with open(f"{PROC}/{pid}/stat", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    # The name in brackets may hold anything; the numbers follow the last bracket.
    fields = text.rpartition(")")[2].split()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def family(roots: Iterable[int]) -> set[int]:
    """The processes ``roots``, what descends from them, and what is in their sessions."""
    table = processes()
    members = set(roots)
    grew = True
    while grew:
        kin = {
            process.pid
            for process in table
            if members & {process.parent, process.group, process.session}
        }
        grew = not kin <= members
        members |= kin
    return members & {process.pid for process in table}


def kill_family(roots: Iterable[int]) -> None:
    """End processes and everything that they started, at once.

    All are stopped first, until no new one turns up: none can start another meanwhile.
    """
    roots = set(roots)
    stopped: set[int] = set()
    while fresh := family(roots | stopped) - stopped - {os.getpid()}:
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh
    for pid in stopped:
        _signal(pid, signal.SIGKILL)
    for pid in roots:
        # Where there is no process table the group is all that is known.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


class Guard:
    """The maker's side: tell it which processes to end, each the leader of its own session."""

    def __init__(self, pids: Iterable[int] = (), keep_open: tuple[int, ...] = ()) -> None:
        """Watch ``pids`` from the start; ``keep_open`` are descriptors that stay open until
        everything has ended.
        """
        import subprocess  # not at the top: the guard itself does without

        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *map(str, pids)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=keep_open,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The guard's own process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still watches."""
        return self._process.poll() is None

    def watch(self, pids: Iterable[int]) -> None:
        """From now on it is these processes that end with the maker."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(" ".join(map(str, pids)).encode() + b"\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """End what is still watched, and the guard."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(CLOSE_S)


def _told(numbers: list[str], known: list[Process]) -> list[Process]:
    """The processes of these numbers; those that are known stay who they were."""
    before = {process.pid: process for process in known}
    now = (_read(int(number)) or Process(int(number), 0, 0, 0, 0) for number in numbers)
    return [before.get(process.pid, process) for process in now]


def main() -> None:
    """Watch until the maker is gone, then end what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched = _told(sys.argv[1:], [])
    for line in sys.stdin:
        watched = _told(line.split(), watched)
    # A number that belongs to another process by now is nothing of ours.
    now = {process.pid: process.started for process in processes()}
    kill_family(
        process.pid
        for process in watched
        if not process.started or now.get(process.pid, process.started) == process.started
    )


if __name__ == "__main__":
    main()
