"""``uam serve``: one small process that starts the parts, restarts what dies, and stops whole.

It imports nothing of the server, only the standard library and the name in the process list.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import NoReturn

from app.core.guard import Guard, kill_family, processes
from app.core.parts import CONFIGURATION_ERROR, Part, RunningPart
from app.core.readiness import Readiness, answers_on
from app.core.titles import set_title

MAX_EARLY_DEATHS = 5
SOCKET_WAIT_S = 5.0
STOP_S = 8.0
LAST_STOP_S = 1.0
ORPHAN_GRACE_S = 2.0
TICK_S = 2.0
_PR_SET_CHILD_SUBREAPER = 36
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Runs parts until it is told to stop. ``url`` is where the API will be: its ``/ready``
    decides when "UAM is ready" is said. ``keep_open`` are descriptors (the lock of
    ``UAM_HOME``) that stay open until the last process is gone.
    """

    def __init__(
        self,
        parts: Iterable[Part],
        *,
        url: str = "",
        keep_open: tuple[int, ...] = (),
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._running = [RunningPart(part) for part in parts]
        self._readiness = Readiness(url) if url else None
        self._keep_open = keep_open
        self._say = say or _print
        self._orphans: dict[int, float] = {}
        self._signals = 0
        self._gave_up = False

    def run(self) -> int:
        """Start everything and stay until a signal ends it.

        Returns the exit status: 0 after SIGTERM, SIGINT or SIGHUP, 2 when a part keeps
        refusing its configuration. Call it from the main thread.
        """
        set_title("uam serve")
        _adopt_orphans()
        self._listen()
        self._guard = Guard(keep_open=self._keep_open)
        try:
            self._start_all()
            while not self._stopping:
                self._tick()
        finally:
            self._stop()
            self._guard.close()
        return CONFIGURATION_ERROR if self._gave_up else 0

    @property
    def _stopping(self) -> bool:
        return bool(self._signals) or self._gave_up

    def _listen(self) -> None:
        self._wake, writer = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (*_STOPPING, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def _wait(self, seconds: float) -> None:
        """Sleep until a signal comes, at most so long."""
        if select.select([self._wake], [], [], max(0.0, seconds))[0]:
            received = os.read(self._wake, 4096)
            for number in received:
                if number in _STOPPING:
                    self._signals += 1
                    name = signal.Signals(number).name
                    self._say(f"uam serve: {name}, stopping" + (" now" * (self._signals > 1)))

    def _start_all(self) -> None:
        for running in self._running:
            if self._stopping:
                return
            self._start(running)
            deadline = time.monotonic() + SOCKET_WAIT_S
            path = running.part.ready_socket
            while path and running.process is not None and not answers_on(path):
                if self._stopping or time.monotonic() > deadline:
                    break
                self._wait(0.02)
                self._reap()

    def _start(self, running: RunningPart) -> None:
        name = running.part.name
        try:
            running.start()
        except OSError as error:
            delay = running.died(1)
            self._say(f"uam serve: {name} cannot start ({error.strerror}), again in {delay:g} s")
            return
        self._guard.watch(self._pids())
        self._say(f"uam serve: {name} started (pid {running.pid})")

    def _tick(self) -> None:
        self._reap()
        if not self._guard.alive:
            self._guard = Guard(self._pids(), self._keep_open)
        self._bury_orphans()
        now = time.monotonic()
        for running in self._running:
            if running.process is None and now >= running.restart_at and not self._stopping:
                self._start(running)
        if self._readiness is not None and (message := self._readiness.poll()):
            self._say(message)
        self._wait(self._pause())

    def _pause(self) -> float:
        """Seconds until there is something to do without a signal."""
        now = time.monotonic()
        waits = [running.restart_at - now for running in self._running if running.process is None]
        if self._readiness is not None and not self._readiness.said:
            waits.append(self._readiness.interval_s)
        return min([TICK_S, *waits])

    def _pids(self) -> list[int]:
        return [running.pid for running in self._running if running.pid is not None]

    def _reap(self) -> None:
        for running in self._running:
            process = running.process
            if process is None or (status := process.poll()) is None:
                continue
            # What it started in its own session goes with it; the rest comes to us as orphans.
            kill_family([process.pid])
            if self._stopping:
                running.process = None
                continue
            delay = running.died(status)
            how = _how(status)
            if running.refusals >= MAX_EARLY_DEATHS:
                self._gave_up = True
                self._say(
                    f"uam serve: {running.part.name} refuses its configuration (see its message "
                    "above); stopping"
                )
            else:
                self._say(f"uam serve: {running.part.name} {how}, again in {delay:g} s")
            self._guard.watch(self._pids())

    def _bury_orphans(self, grace_s: float = ORPHAN_GRACE_S) -> None:
        """Collect what lost its parent and came to us, and end it after a moment's grace."""
        known = {os.getpid(), self._guard.pid, *self._pids()}
        now = time.monotonic()
        mine = [process.pid for process in processes() if process.parent == os.getpid()]
        for pid in set(mine) - known:
            if now - self._orphans.setdefault(pid, now) >= grace_s:
                kill_family([pid])
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == pid:
                    self._orphans.pop(pid, None)

    def _stop(self) -> None:
        """SIGTERM, first to those whom the others do not need, then SIGKILL to what is left."""
        begun = time.monotonic()
        self._signals = max(1, self._signals)
        first = [running for running in self._running if not running.part.stops_last]
        last = [running for running in self._running if running.part.stops_last]
        self._end(first, begun + STOP_S)
        self._end(last, time.monotonic() + LAST_STOP_S)
        self._bury_orphans(grace_s=0.0)
        self._guard.watch([])
        self._say(f"uam serve: stopped after {time.monotonic() - begun:.1f} s")

    def _end(self, group: list[RunningPart], deadline: float) -> None:
        for running in group:
            if running.process is not None:
                running.process.terminate()
        while any(running.process for running in group):
            self._reap()
            left = deadline - time.monotonic()
            if left <= 0 or self._signals > 1:
                break
            self._wait(min(left, 0.2))
        for running in group:
            if running.process is not None:
                self._say(f"uam serve: {running.part.name} did not stop in time and is killed")
                kill_family([running.process.pid])
                running.process.wait()
                running.process = None


def become(parts: Iterable[Part], url: str, keep_open: tuple[int, ...] = ()) -> NoReturn:
    """Replace this process by a supervisor of ``parts``, rid of all that was imported here.

    The plan travels in an unnamed file, because it may hold secrets that a command line shows.
    """
    plan = {"parts": [asdict(part) for part in parts], "url": url, "keep_open": keep_open}
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(plan).encode())
        file.flush()
        file.seek(0)
        for descriptor in (file.fileno(), *keep_open):
            os.set_inheritable(descriptor, True)
        sys.stdout.flush()
        sys.stderr.flush()
        # -P: a file in the working directory is no module of ours.
        os.execv(  # noqa: S606 - no shell is the point
            sys.executable,
            [sys.executable, "-P", "-m", "app.core.supervisor", str(file.fileno())],
        )


def main() -> int:
    """Take over the plan of :func:`become`."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        plan = json.load(file)
    keep_open = tuple(plan["keep_open"])
    for descriptor in keep_open:
        os.set_inheritable(descriptor, False)
    parts = [Part(**part) for part in plan["parts"]]
    return Supervisor(parts, url=plan["url"], keep_open=keep_open).run()


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"


def _adopt_orphans() -> None:
    """Make this process the parent of every orphan below it, where the system can."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _print(line: str) -> None:
    """Print a line; a reader that has gone away is no reason to stop serving."""
    with suppress(OSError, ValueError):
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
