"""A real cluster for tests: a scheduler and workers, each a process of its own, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import distributed

ROOT = Path(__file__).resolve().parents[3]
START_S = 400
WORKERS = ("one", "two")


@dataclass
class RealCluster:
    """Processes that :meth:`close` ends; ``url`` is what COMPUTE_URL would be."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    def repair(self) -> None:
        """Start what does not run, and wait until it does."""
        if "scheduler" not in self.running:
            self.close()
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            self._run("scheduler", "scheduler", "--port", str(self.port))
        for name in WORKERS:
            if name not in self.running:
                # Without a nanny, which would be the process that is ended in its place.
                given = (f"tcp://127.0.0.1:{self.port}", "--nthreads", "1", "--no-nanny")
                self._run(name, "worker", *given, "--name", name)
        client = self.client()
        client.wait_for_workers(len(WORKERS), timeout=START_S)
        client.close()

    def client(self) -> Any:
        return distributed.Client(
            self.url.replace("dask", "tcp"), set_as_default=False, timeout=START_S
        )

    def kill(self, name: str) -> None:
        """End one process by ``SIGKILL``."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for name in list(self.running):
            self.kill(name)

    def _run(self, name: str, part: str, *given: str) -> None:
        argv = [sys.executable, "-m", f"distributed.cli.dask_{part}", *given]
        argv += ["--host", "127.0.0.1", "--no-dashboard", "--preload", "app.analysis.automl.jobs"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                argv, stdout=log, stderr=log, cwd=self.folder, env=environment
            )
