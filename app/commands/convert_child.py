"""The child's own side of ``uam convert``: writes down what became of each file as it goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from app.analysis.ingest.convert import Outcome, convert, targets
from app.analysis.progress import Progress


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
    with Path(record).open("a", encoding="utf-8", buffering=1) as lines:
        lines.write(json.dumps({"plan": [str(source) for source in plan]}) + "\n")

        def note(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            lines.write(json.dumps({"source": str(outcome.source), "error": outcome.error}) + "\n")
            told = f"{outcome.source}: {outcome.error}" if outcome.error else ""
            progress(done / len(plan), told, level="WARNING")

        left = set(plan).difference(Path(path) for path in skip)
        convert(paths, Path(out), to, {}, note, set(every) - left, Path(work))
    return {}
