"""A nursery: one process that has imported the libraries, and forks children from there.

A fresh interpreter spends seconds on importing what the analyst works with; a fork has it
already, and shares the memory. The nursery is started at the first child, imports what a child
needs when the first such child is asked for, and is let go when nobody needed one for a while.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import IO, Any

from app.core.nursery_process import REQUEST_BYTES
from app.core.scratch import new_directory

logger = logging.getLogger(__name__)

IDLE_S = 900.0
# Importing for a child may take this long on the busiest machine. A nursery that does not
# answer is ended, and its other children with it.
ANSWER_S = 120.0
KILLED = -9

Spawn = Callable[..., "subprocess.Popen[bytes]"]


class NurseryGone(Exception):
    """The nursery ended or does not answer."""


class ForkedChild:
    """A child of the nursery, with as much of ``subprocess.Popen`` as the sandbox uses."""

    def __init__(
        self, pid: int, stdin: IO[bytes], stdout: IO[bytes], let_go: Callable[[int], None]
    ) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self.returncode: int | None = None
        self._let_go = let_go
        self._ended = threading.Event()

    def ended(self, status: int) -> None:
        """The nursery says so."""
        self.returncode = status
        self._ended.set()

    def poll(self) -> int | None:
        """How it ended: a status, minus a signal, or ``None`` while it lives."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, waited for. Raises :class:`subprocess.TimeoutExpired`."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("sandbox child", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def release(self) -> None:
        """Its number may be given to another process from now on."""
        let_go, self._let_go = self._let_go, lambda _: None
        let_go(self.pid)


class Nursery:
    """Forks children that have what they need imported. For any thread."""

    def __init__(self, spawn: Spawn, idle_s: float = IDLE_S) -> None:
        """``spawn`` starts a process from a thread that lasts, as ``subprocess.Popen`` would."""
        self._spawn = spawn
        self._idle_s = idle_s
        self._guard = threading.Lock()
        self._running: _Running | None = None

    def fork(
        self,
        environment: Mapping[str, str],
        search_path: Sequence[str],
        stderr: IO[bytes],
        modules: Sequence[str] = (),
    ) -> ForkedChild:
        """A new child that has ``modules`` imported. Raises :class:`NurseryGone`."""
        with self._guard:
            if self._running is None or not self._running.alive:
                self._running = _Running(self._spawn, environment, self._idle_s)
            return self._running.fork(environment, search_path, stderr, modules)

    def close(self) -> None:
        """Let it go, and its children with it."""
        with self._guard:
            if self._running is not None:
                self._running.close()


class _Running:
    """One nursery process."""

    def __init__(self, spawn: Spawn, environment: Mapping[str, str], idle_s: float) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        self._control.settimeout(idle_s)
        self._scratch: TemporaryDirectory[str] = new_directory()
        self._born: queue.Queue[int | None] = queue.Queue()
        self._children: dict[int, ForkedChild] = {}
        self._early: dict[int, int] = {}
        self._asked = 0  # for children that are not born yet
        self._guard = threading.Lock()
        self.alive = True
        with theirs:
            self._process = spawn(
                [
                    *(sys.executable, "-I", "-m", "app.core.nursery_process"),
                    *(str(theirs.fileno()), str(os.getpid())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**environment, "TMPDIR": self._scratch.name},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        threading.Thread(target=self._listen, name="nursery", daemon=True).start()

    def fork(
        self,
        environment: Mapping[str, str],
        search_path: Sequence[str],
        stderr: IO[bytes],
        modules: Sequence[str],
    ) -> ForkedChild:
        request = {
            "environment": dict(environment),
            "search_path": list(search_path),
            "modules": list(modules),
        }
        stdin_read, stdin_write = os.pipe()
        stdout_read, stdout_write = os.pipe()
        with self._guard:
            self._asked += 1
        try:
            streams = [stdin_read, stdout_write, stderr.fileno()]
            socket.send_fds(self._control, [json.dumps(request).encode()], streams)
            pid = self._born.get(timeout=ANSWER_S)
            if pid is None:
                raise NurseryGone
        except (OSError, queue.Empty, NurseryGone) as error:
            os.close(stdin_write)
            os.close(stdout_read)
            self.close()
            raise NurseryGone from error
        finally:
            os.close(stdin_read)
            os.close(stdout_write)
        child = ForkedChild(
            pid, os.fdopen(stdin_write, "wb"), os.fdopen(stdout_read, "rb"), self._let_go
        )
        self._adopt(child)
        return child

    def _is_needed(self) -> bool:
        return bool(self._children) or self._asked > 0

    def _adopt(self, child: ForkedChild) -> None:
        with self._guard:
            self._asked -= 1
            status = self._early.pop(child.pid, None)
            if status is None and not self.alive:
                status = KILLED
            if status is None:
                self._children[child.pid] = child
                return
        child.ended(status)

    def _let_go(self, pid: int) -> None:
        with suppress(OSError):
            self._control.send(json.dumps({"let_go": pid}).encode())

    def _listen(self) -> None:
        while True:
            try:
                content = self._control.recv(REQUEST_BYTES)
            except TimeoutError:
                with self._guard:
                    if self._is_needed():
                        continue
                    self.alive = False
                break
            except OSError:
                break
            if not content:
                break
            self._hear(json.loads(content))
        self._end()

    def _hear(self, message: Mapping[str, Any]) -> None:
        if "child" in message:
            self._born.put(message["child"])
            return
        with self._guard:
            child = self._children.pop(message["ended"], None)
            if child is None:
                self._early[message["ended"]] = message["status"]
        if child is not None:
            child.ended(message["status"])

    def _end(self) -> None:
        """The kernel ends the children of a nursery that is gone."""
        with self._guard:
            self.alive = False
            left = list(self._children.values())
            self._children.clear()
        self._born.put(None)
        self.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ANSWER_S)
        for child in left:
            child.ended(KILLED)
        self._scratch.cleanup()

    def close(self) -> None:
        """Have it end."""
        self.alive = False
        self._process.kill()
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
