"""Collections of hostile files, each read as an upload is: in a child with limits.

``python -m bench.hostile --corpus DIR [--every N] [--together N] [--timeout S] [--memory MB]``
reads every file (or every Nth) below DIR and prints what became of them, the peak of memory and the slowest.
It exits 1 if any outcome was neither a table nor a typed error, or if temporary space was left.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core import sandbox
from app.core.child_errors import ChildError
from app.datasets.ingestion import INGEST
from app.main import READER_JOBS

MAX_UNPACKED_BYTES = 4 * 2**30
# What a user is told of: a status of 413, 415 or 422 with a sentence.
TYPED = {"table", "bad_table", "unsupported_format", "too_large", "bad_option", "out_of_memory"}
LEFT = {"data.parquet", "preview.json"}


@dataclass(frozen=True)
class Outcome:
    path: Path
    kind: str
    message: str
    seconds: float
    peak_mb: float

    @property
    def fine(self) -> bool:
        return self.kind in TYPED

    def line(self) -> str:
        """For a file of all outcomes."""
        return "\t".join(
            [self.kind, f"{self.seconds:.2f}", f"{self.peak_mb:.0f}", str(self.path), self.message]
        )


def read_all(
    paths: list[Path], together: int, memory_mb: int, timeout_s: float
) -> Iterator[Outcome]:
    """Read each in a child of its own, as an upload is, or so many in one, which is faster."""
    left = list(reversed(paths))
    while left:
        with sandbox.Child(memory_mb=memory_mb, job=INGEST) as child:
            for _ in range(min(together, len(left))):
                yield read(child, left.pop(), timeout_s)
                if not child.alive:
                    break


def read(child: sandbox.Child, path: Path, timeout_s: float) -> Outcome:
    """Read one file in this child."""
    with sandbox.scratch() as folder:
        with watched(child) as peak:
            began = time.monotonic()
            kind, message = call(child, path, folder, timeout_s)
            seconds = time.monotonic() - began
        left = {entry.name for entry in Path(folder).iterdir()} - LEFT
        # What a killed child leaves there goes with the folder; one that ended cleans up itself.
        if left and child.alive:
            kind, message = "left_behind", ", ".join(sorted(left))
    return Outcome(path, kind, message, seconds, max(peak))


def call(child: sandbox.Child, path: Path, folder: str, timeout_s: float) -> tuple[str, str]:
    params = {
        "source": str(path),
        "filename": path.name,
        "out_dir": folder,
        "options": {},
        "max_unpacked_bytes": MAX_UNPACKED_BYTES,
    }
    try:
        table = child.call(INGEST, params, timeout_s=timeout_s)
    except ChildError as error:
        return error.code, error.message
    return "table", f"{table['rows']} x {table['cols']}"


@contextmanager
def watched(child: sandbox.Child) -> Iterator[list[float]]:
    """The child's own memory in MB, looked at five times a second."""
    peaks, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            peaks[0] = max(peaks[0], child.own_mb())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def files(corpus: Path, every: int) -> list[Path]:
    found = sorted(path for path in corpus.rglob("*") if path.is_file() and not path.is_symlink())
    return found[::every]


def report(corpus: Path, outcomes: list[Outcome]) -> None:
    kinds = Counter(outcome.kind for outcome in outcomes)
    print(f"{corpus.name}: {len(outcomes)} files")
    for kind, count in kinds.most_common():
        print(f"  {kind:20} {count:6}")
    if outcomes:
        greedy = max(outcomes, key=lambda outcome: outcome.peak_mb)
        slow = max(outcomes, key=lambda outcome: outcome.seconds)
        print(f"  peak memory {greedy.peak_mb:.0f} MB ({greedy.path.relative_to(corpus)})")
        print(f"  slowest {slow.seconds:.1f} s ({slow.path.relative_to(corpus)})")
    for outcome in outcomes:
        if not outcome.fine:
            print(f"  BAD {outcome.kind}: {outcome.path.relative_to(corpus)}: {outcome.message}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="read every Nth file only")
    parser.add_argument("--together", type=int, default=1, help="files that share a child")
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds a file may take")
    parser.add_argument("--memory", type=int, default=1024, help="MB a child may use")
    parser.add_argument("--list", type=Path, help="write every outcome to this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uam-hostile-") as temporary:
        tempfile.tempdir = temporary
        sandbox.use_nursery(READER_JOBS)
        before = {entry.name for entry in Path(temporary).iterdir()}
        found = files(given.corpus, given.every)
        outcomes = []
        with open(given.list or os.devnull, "w", encoding="utf-8", buffering=1) as listed:
            for outcome in read_all(found, given.together, given.memory, given.timeout):
                outcomes.append(outcome)
                listed.write(outcome.line() + "\n")
        sandbox.leave_nursery()
        scratch = [p for p in Path(temporary).glob("*/*") if p.is_dir() and any(p.iterdir())]
        new = {entry.name for entry in Path(temporary).iterdir()} - before
        left = [str(path) for path in scratch] + sorted(
            name for name in new if not name.startswith("uam-scratch-")
        )
    report(given.corpus, outcomes)
    if left:
        print(f"  LEFT BEHIND: {', '.join(left)}")
    return 1 if left or not all(outcome.fine for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
