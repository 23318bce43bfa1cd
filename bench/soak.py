"""A soak: runs are started while parts of UAM are killed at random, and then all is counted.

``python -m bench.soak --minutes 30`` runs an installation on what it brings along, with a lease
of 5 s. Every 5 to 20 s it kills with SIGKILL a random part: worker, API, beat, broker, or a
child that works. Prints what happened; exits 1 when an invariant of ``tests/faults`` is broken.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.core import scratch
from app.storage.orphans import OrphanSweep
from bench.soak_users import RUNS_AT_ONCE, Bystander, Starter
from tests.faults.installation import Installation, answers, install, until
from tests.faults.invariants import broken

LEASE_S = 5.0
KILL_EVERY_S = (5.0, 20.0)
PARTS = ("worker", "api", "beat", "child", "valkey")
# After the last kill: what a run may still take, and what is left to sweep.
SETTLE_S = 240.0


@dataclass
class Soak:
    """An installation under fire, and what was done to it."""

    installation: Installation
    seed: int
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._ended = threading.Event()

    @contextmanager
    def killing(self) -> Iterator[None]:
        """Kill parts in the block."""
        killer = threading.Thread(target=self._kill_on, daemon=True)
        killer.start()
        try:
            yield
        finally:
            self._ended.set()
            killer.join()

    def _kill_on(self) -> None:
        while not self._ended.wait(self._random.uniform(*KILL_EVERY_S)):
            part = self._random.choice(PARTS)
            victims = self._processes(part)
            if victims:
                with suppress(psutil.NoSuchProcess):
                    self._random.choice(victims).kill()
                    self.kills[part] += 1

    def _processes(self, part: str) -> list[psutil.Process]:
        marks = {"child": "uam child", "valkey": "valkey-server"}
        mark = marks.get(part, f"uam {part}")
        below = psutil.Process(self.installation.server.pid).children(recursive=True)
        return [one for one in below if _command(one).find(mark) >= 0]


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def soak(home: Path, minutes: float, runs: int, seed: int) -> int:
    """Start ``runs`` runs in ``minutes``; returns how many invariants are broken at the end."""
    (home / "tmp").mkdir()
    settings = {
        "UAM_LEASE_SECONDS": f"{LEASE_S:g}",
        "ACCESS_TOKEN_EXPIRE_MINUTES": "1440",
        "MAX_CONCURRENT_RUNS": str(RUNS_AT_ONCE),
        "TMPDIR": str(home / "tmp"),
    }
    with install(home, "embedded", settings) as installation:
        onlooker = Bystander(installation.server)
        starter = Starter(installation.server, seed)
        fire = Soak(installation, seed)
        begun = time.monotonic()
        with onlooker.looking(), fire.killing():
            for number in range(runs):
                due = begun + minutes * 60 * number / runs
                time.sleep(max(0.0, due - time.monotonic()))
                starter.start_one()
            time.sleep(max(0.0, begun + minutes * 60 - time.monotonic()))
        sentences = _settle(installation)
        sentences += starter.differences() + onlooker.complaints() + _unfair(installation, starter)
        _tell(installation, fire, starter, onlooker)
    sentences += _left_over(home)
    for sentence in sentences:
        print(f"BROKEN {sentence}")
    print(f"soak: {len(sentences)} invariants broken", flush=True)
    return len(sentences)


def _settle(installation: Installation) -> list[str]:
    """What is broken once the runs have ended and the beat's sweeps were done."""
    until(lambda: answers(installation.server.base_url), what="a ready API")
    deadline = time.monotonic() + SETTLE_S
    while any(sentence.startswith("I1") for sentence in broken(installation)):
        if time.monotonic() > deadline:
            break
        time.sleep(1)
    # In an operation these come by every ten minutes, and let what is young be.
    orphans = OrphanSweep(installation.database, installation.storage, installation.bucket, 0.0)
    swept = orphans.sweep() + orphans.sweep()
    print(f"soak: {swept} orphaned objects swept, {installation.storage.sweep(0)} half uploads")
    while (found := broken(installation)) and time.monotonic() < deadline:
        time.sleep(1)
    return found


def _unfair(installation: Installation, starter: Starter) -> list[str]:
    """Runs that failed although they had not been killed three times at one stage."""
    runs = [installation.run(run_id) for run_id in starter.run_ids]
    return [
        f"I1: run {run.id} failed: {run.error}"
        for run in runs
        if run.status == "FAILED" and "3 times" not in str(run.error)
    ]


def _left_over(home: Path) -> list[str]:
    """Scratch space that the installation's end leaves behind and the next start does not sweep."""
    tempfile.tempdir = str(home / "tmp")
    swept = scratch.sweep()
    left = [path.name for path in (home / "tmp").glob(f"{scratch.PREFIX}*")]
    print(f"soak: {swept} scratch directories swept")
    return [f"scratch space: {name} is left" for name in left]


def _tell(installation: Installation, fire: Soak, starter: Starter, onlooker: Bystander) -> None:
    ends = Counter(installation.run(run_id).status for run_id in starter.run_ids)
    attempts = [installation.run(run_id).attempt for run_id in starter.run_ids]
    print(f"soak: killed {dict(fire.kills)}")
    print(f"soak: {len(starter.run_ids)} runs {dict(ends)}, {sum(attempts)} attempts at stages")
    print(f"soak: a bystander's answers {dict(onlooker.answers)}")
    for run_id in starter.run_ids:
        run = installation.run(run_id)
        if run.status == "FAILED":
            print(f"soak: run {run_id} failed: {run.error}")


def main() -> int:
    """Run the soak; 1 when something is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=0, help="two a minute unless said")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    options = parser.parse_args()
    runs = options.runs or max(4, round(options.minutes * 2))
    print(f"soak: {options.minutes:g} minutes, {runs} runs, seed {options.seed}", flush=True)
    home = Path(tempfile.mkdtemp(prefix="uam-soak-"))
    found = soak(home, options.minutes, runs, options.seed)
    print(f"soak: everything is kept in {home}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
