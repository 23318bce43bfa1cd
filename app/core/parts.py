"""The parts of ``uam serve``: what they are, and when a part that died starts again."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CONFIGURATION_ERROR = 2
EARLY_S = 10.0
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0


@dataclass(frozen=True)
class Part:
    """A child of the supervisor: what to run, and what to add to its environment.

    ``ready_socket``: a Unix socket; the parts after this one start once it answers.
    ``stops_last``: the others need it until they have stopped.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_socket: str = ""
    stops_last: bool = False


class RunningPart:
    """A part and how it has fared so far."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.restart_at = 0.0
        self.early_deaths = 0
        self.refusals = 0

    @property
    def pid(self) -> int | None:
        """Its process, while it has one."""
        return None if self.process is None else self.process.pid

    def start(self) -> None:
        """Start it in a session of its own. May raise ``OSError``."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            list(self.part.argv),
            env={**os.environ, **self.part.env},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def died(self, status: int) -> float:
        """Note a death and return the delay until the next start, in seconds."""
        now = time.monotonic()
        early = now - self.started < EARLY_S
        self.early_deaths = self.early_deaths + 1 if early else 0
        self.refusals = self.refusals + 1 if early and status == CONFIGURATION_ERROR else 0
        self.process = None
        delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(10, max(0, self.early_deaths - 1)))
        self.restart_at = now + delay
        return delay
