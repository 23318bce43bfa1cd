"""The child's own side of ``uam convert``: writes down what became of each file as it goes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Literal

from app.analysis.ingest.convert import Outcome, convert, targets
from app.analysis.progress import Progress

# A single file that takes longer tells in lines how far it is.
LONG_S = 5.0


def convert_all(
    *,
    sources: list[str],
    out: str,
    to: Literal["csv", "parquet"],
    skip: list[str],
    record: str,
    work: str,
    lane: int = 0,
    lanes: int = 1,
    progress: Progress,
) -> dict[str, Any]:
    """Convert the files that ``sources`` stand for, but those in ``skip``.

    Of the files every one in ``lanes`` is this child's, from number ``lane`` on. A line of the
    file ``record`` is one JSON object: the ``plan`` (this child's files, in order) comes
    first, then ``{"source", "error"}`` for each file that is done. Returns nothing of use:
    when this process breaks down, the record tells how far it came.
    """
    paths = [Path(source) for source in sources]
    every = [source for source, _ in targets(paths, Path(out), to)]
    plan = every[lane::lanes]
    done = len(skip)
    began = time.monotonic()
    with Path(record).open("a", encoding="utf-8", buffering=1) as lines:
        lines.write(json.dumps({"plan": [str(source) for source in plan]}) + "\n")

        def note(outcome: Outcome) -> None:
            nonlocal done
            nonlocal began
            done, began = done + 1, time.monotonic()
            lines.write(json.dumps({"source": str(outcome.source), "error": outcome.error}) + "\n")
            told = f"{outcome.source}: {outcome.error}" if outcome.error else ""
            progress(done / len(plan), told, level="WARNING")

        def share(
            fraction: float, message: str = "", *, level: str = "INFO", **_board: object
        ) -> None:
            # What is soon done is not worth a line.
            long = len(plan) == 1 and time.monotonic() - began >= LONG_S
            progress((done + fraction) / len(plan), message if long else "", level=level)

        left = set(plan).difference(Path(path) for path in skip)
        convert(paths, Path(out), to, {}, note, set(every) - left, Path(work), share)
    return {}
