"""Killable children: whatever touches a user's bytes computes behind this border.

A child is an interpreter without the server's secrets: a fresh one, or a fork of a nursery.
JSON crosses the border in both directions and nothing else; the parent watches memory, deadline,
standstill and a stop signal, and ends the child with SIGTERM, then SIGKILL.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import psutil

from app.core.child_errors import (
    ChildCrashed,
    ChildDiskFull,
    ChildError,
    ChildOutOfMemory,
    ChildStalled,
    ChildStopped,
    ChildTimeout,
)
from app.core.family import family, own_bytes
from app.core.nursery import ForkedChild, Nursery, NurseryGone
from app.core.scratch import new_directory

logger = logging.getLogger(__name__)

WATCH_INTERVAL_S = 0.2
GRACE_S = 1.0
STDERR_TAIL = 2000
# A child that neither says anything nor uses the processor for so long does not work any more.
STALL_S = 150.0
LEAST_CPU_S = 0.05
# What native libraries say before they abort for want of memory.
OUT_OF_MEMORY_SIGNS = (
    "std::bad_alloc",
    "MemoryError",
    "Cannot allocate memory",
    "memory allocation of",  # Rust's, before it aborts
)

# What a child may see of the environment: never a setting that holds a secret.
PASSED_ON = (
    # Where the certificates for a cluster (COMPUTE_URL) lie: paths, no secrets.
    "DASK_CONFIG",
    "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION",
    "DASK_DISTRIBUTED__COMM__TLS__CA_FILE",
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT",
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "MPLCONFIGDIR",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "PATH",
    "TZ",
    "XDG_CACHE_HOME",
)

# The kernel's "die with your parent" means the thread that made the child. Threads of a pool
# come and go; this one lasts as long as the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-spawner")


def _spawn(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    return _spawner.submit(lambda: subprocess.Popen(argv, **options)).result()


# Waiting OpenMP threads sleep: where two children share the processors, threads that spin
# for each other made boosting up to 15 times slower.
FIXED = {"OMP_WAIT_POLICY": "PASSIVE"}

_nursery: Nursery | None = None
# What a job's module imports only when it works, beside what it imports at once.
_companions: Mapping[str, Sequence[str]] = {}


def use_nursery(companions: Mapping[str, Sequence[str]]) -> None:
    """From now on this process's children are forks of a nursery that imports for all of them.

    ``companions`` are, for a job's module, what else its children will need.
    """
    global _nursery, _companions
    leave_nursery()
    _nursery, _companions = Nursery(_spawn), companions


def leave_nursery() -> None:
    """Let it go: the next children are fresh interpreters."""
    global _nursery  # noqa: PLW0603
    if _nursery is not None:
        _nursery.close()
    _nursery = None


ProgressHandler = Callable[[float, str, str, dict[str, Any] | None], None]


def default_memory_mb(share: float = 0.6) -> int:
    """A child's memory limit when none is set: a share of what the machine has, in MB."""
    return max(512, int(psutil.virtual_memory().total * share / 1024 / 1024))


class _Standstill:
    """Tells when a child has shown no sign of life for ``stall_s`` seconds."""

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._still_s = 0.0
        self._cpu_s = -1.0
        self._looked = time.monotonic()

    def spoke(self) -> None:
        """The child said something."""
        self._still_s = 0.0

    def look(self, now: float, cpu_s: float) -> None:
        """Take the processor time used so far. Raises :class:`ChildStalled`."""
        # A watcher that was itself stopped meanwhile knows nothing of that time.
        self._still_s += min(now - self._looked, 5 * WATCH_INTERVAL_S)
        self._looked = now
        if abs(cpu_s - self._cpu_s) >= LEAST_CPU_S:
            self._cpu_s = cpu_s
            self._still_s = 0.0
        if self._still_s > self._stall_s:
            raise ChildStalled(self._stall_s)


class Child:
    """One child that answers calls one after another, from any thread.

    ``search_path`` names directories in which the child also looks for modules; ``job`` is the
    target that it is for, so that a nursery can import for it.
    """

    def __init__(
        self, *, memory_mb: int = 0, search_path: Sequence[str] = (), job: str = ""
    ) -> None:
        self.memory_mb = memory_mb or default_memory_mb()
        self._lock = threading.Lock()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        # What its libraries leave in their temporary files goes with it, however it ends.
        self._scratch = new_directory()
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= FIXED
        environment["TMPDIR"] = self._scratch.name
        self._process = self._start(environment, search_path, job)
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._read, name="sandbox-reader", daemon=True).start()

    def _start(
        self, environment: Mapping[str, str], search_path: Sequence[str], job: str
    ) -> subprocess.Popen[bytes] | ForkedChild:
        if _nursery is not None:
            module = job.partition(":")[0]
            modules = [module, *_companions[module]] if module in _companions else []
            try:
                return _nursery.fork(environment, search_path, self._log, modules)
            except NurseryGone:
                logger.warning("the nursery of children is gone; a fresh interpreter is started")
        return _spawn(
            [sys.executable, "-I", "-m", "app.core.sandbox_child", *search_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        return self._process.poll() is None

    def own_mb(self) -> float:
        """Memory of the child and its own children, in MB, without what it shares with its
        nursery and without pages of files, which the system can drop; 0 once it is gone."""
        own = 0
        with suppress(psutil.Error):
            for member in family(self.pid):
                with suppress(OSError):  # gone meanwhile
                    own += own_bytes(member)
        return own / 1024 / 1024

    def _usage(self) -> tuple[float, float]:
        """Resident memory in MB and processor time in seconds, its own children's included."""
        memory, cpu_s = 0, 0.0
        try:
            for member in family(self.pid):
                memory += member.memory_info().rss
                cpu_s += sum(member.cpu_times()[:4])
        except psutil.Error:
            return 0.0, 0.0
        return memory / 1024 / 1024, cpu_s

    def call(
        self,
        target: str,
        params: Mapping[str, Any],
        *,
        timeout_s: float,
        stall_s: float = STALL_S,
        on_progress: ProgressHandler | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """Run ``module:function`` in the child and return what it returns.

        ``on_progress`` receives fraction, message, level and leaderboard. ``stop`` is asked
        every 0.2 s. The child may take ``timeout_s``, and stand still for ``stall_s``. Raises :class:`ChildError` with the code of a typed error of the analyst,
        or one of its subclasses; after a crash, a timeout or a stop the child is gone.
        """
        with self._lock:
            self._deadline = time.monotonic() + timeout_s
            self._standstill = _Standstill(stall_s)
            self._send({"target": target, "params": dict(params), "memory_mb": self.memory_mb})
            try:
                return self._await(timeout_s, on_progress, stop)
            except ChildError as error:
                if isinstance(error, ChildOutOfMemory | ChildTimeout | ChildStopped):
                    self.kill()
                raise
            except BaseException:
                self.kill()
                raise

    def _send(self, call: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(call).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._crash() from None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _await(
        self,
        timeout_s: float,
        on_progress: ProgressHandler | None,
        stop: Callable[[], bool] | None,
    ) -> dict[str, Any]:
        next_watch = time.monotonic() + WATCH_INTERVAL_S
        while True:
            now = time.monotonic()
            if now >= next_watch:
                self._watch(now, timeout_s, stop)
                next_watch = now + WATCH_INTERVAL_S
            try:
                line = self._lines.get(timeout=max(0.001, next_watch - now))
            except queue.Empty:
                continue
            if line is None:
                raise self._crash()
            self._standstill.spoke()
            message = json.loads(line)
            if "result" in message:
                result: dict[str, Any] = message["result"]
                return result
            if "error" in message:
                raise self._error(message["error"])
            if on_progress is not None:
                on_progress(
                    message["progress"],
                    message["message"],
                    message["level"],
                    message["leaderboard"],
                )

    def _watch(self, now: float, timeout_s: float, stop: Callable[[], bool] | None) -> None:
        if stop is not None and stop():
            raise ChildStopped
        if now > self._deadline:
            raise ChildTimeout(timeout_s)
        resident_mb, cpu_s = self._usage()
        # Only where it may be too much are the shared pages told apart: that takes longer.
        if resident_mb > self.memory_mb and self.own_mb() > self.memory_mb:
            raise ChildOutOfMemory(self.memory_mb)
        self._standstill.look(now, cpu_s)

    def _error(self, error: Mapping[str, Any]) -> ChildError:
        if error["code"] == "out_of_memory":
            return ChildOutOfMemory(self.memory_mb)
        if error["code"] == "disk_full":
            return ChildDiskFull()
        if error["code"] == "crashed":
            return ChildCrashed(str(error["message"]), self._tail())
        return ChildError(str(error["code"]), str(error["message"]), error["details"])

    def _crash(self) -> ChildError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=GRACE_S)
        status, log = self._process.returncode, self._tail()
        if any(sign in log for sign in OUT_OF_MEMORY_SIGNS):
            return ChildOutOfMemory(self.memory_mb)
        if status is not None and status < 0:
            name = signal.Signals(-status).name
            # Whoever ends a process in this way by itself is the system that runs out of memory.
            hint = ", as when the machine has no memory left" if name == "SIGKILL" else ""
            return ChildCrashed(f"its process was ended by {name}{hint}", log, "killed")
        return ChildCrashed(f"its process ended with status {status}", log)

    def _tail(self) -> str:
        with suppress(OSError, ValueError):
            size = os.fstat(self._log.fileno()).st_size
            return os.pread(self._log.fileno(), STDERR_TAIL, max(0, size - STDERR_TAIL)).decode(
                errors="replace"
            )
        return ""

    def kill(self) -> None:
        """End the child and whatever it started: SIGTERM, a moment's grace, SIGKILL."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=GRACE_S)
                break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let the child go."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=GRACE_S)
        self.kill()
        if isinstance(self._process, ForkedChild):
            self._process.release()
        self._log.close()
        self._scratch.cleanup()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def run(
    target: str,
    params: Mapping[str, Any],
    *,
    memory_mb: int = 0,
    timeout_s: float = 300.0,
    stall_s: float = STALL_S,
    on_progress: ProgressHandler | None = None,
    stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Run one job in a child of its own; see :meth:`Child.call`."""
    with Child(memory_mb=memory_mb, job=target) as child:
        return child.call(
            target,
            params,
            timeout_s=timeout_s,
            stall_s=stall_s,
            on_progress=on_progress,
            stop=stop,
        )


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A directory for one job's files, gone with all its content when the block ends."""
    return new_directory()


def read_json(path: Path) -> Any:
    """The JSON that a child left in a file."""
    return json.loads(path.read_bytes())
