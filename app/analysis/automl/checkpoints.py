"""What a training keeps while it goes on: whoever does it again need not fit that again.

A directory holds one file for each thing that was tried, and ``spent.json``. Each file appears
whole or not at all, begins with the SHA-256 of the rest, and names the plan that it belongs to.
``spent.json`` also names what is being tried: whoever finds it knows what the end came in.
What is damaged or of another plan is ignored. The files are pickles: load only a directory of
your own. Nothing heavy is imported here, since the server looks into the directory, too.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.analysis.automl.budget import Budget
from app.analysis.automl.options import RunOptions

FORMAT = 5
ENDING = ".candidate"
SPENT = "spent.json"
DIGEST_BYTES = 32
MOST_ENDS = 2
"""An attempt may end so often while one thing is tried; then it is given up."""
WRITING_SHARE = 0.015
"""Of the budget, writing may take so much; what is tried afterwards is not kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. ``content`` is what came of it, ``None`` when it was dropped,
    and ``told`` what is to be told about that.

    ``planned`` and ``worked`` are the planned seconds, and those of the wall clock that went
    into work, from the start of the plan to the end of this step; ``cut`` says whether the
    clock had cut the plan by then.
    """

    name: str
    content: Any
    told: tuple[str, ...]
    planned: float
    worked: float
    cut: bool


def plan_of(
    files: Sequence[Path],
    columns: list[dict[str, Any]],
    options: RunOptions,
    versions: dict[str, str],
) -> str:
    """The hash (hex) of all that decides what is tried on what: the files, the columns, the
    options with their seed, the libraries, and the portfolio."""
    here = Path(__file__).parent
    portfolio = (here / "portfolio.json").read_bytes()
    portfolio += (here / "forecasting" / "portfolio.json").read_bytes()
    data = []
    for file in files:
        with file.open("rb") as stream:
            data.append(hashlib.file_digest(stream, "sha256").hexdigest())
    parts = [FORMAT, data, columns, asdict(options), versions]
    text = json.dumps(parts, sort_keys=True, default=str).encode()
    return hashlib.sha256(text + portfolio).hexdigest()


class Checkpoints:
    """The steps of one training. Without a folder nothing is kept and nothing is found.

    ``spent_s`` are the seconds of the budget that earlier attempts took.
    """

    def __init__(self, folder: Path | None = None, plan: str = "", budget_s: float = 0.0) -> None:
        self._folder = folder
        self._plan = plan
        self._may_take_s = WRITING_SHARE * budget_s
        self._number = 0
        self._steps: dict[str, Step] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            paths = sorted(folder.glob(f"*{ENDING}"))
            self._number = len(paths)
            found = (self._read(path) for path in paths)
            self._steps = {step.name: step for step in found if step is not None}
        told = self._read_spent()
        self._ends: dict[str, int] = told.get("ends", {})
        self._given_up: dict[str, str] = told.get("given_up", {})
        self._blame(told.get("trying"), told.get("blamed"))
        worked = max((step.worked for step in self._steps.values()), default=0.0)
        self.spent_s = max(worked, float(told.get("spent_s", 0.0)))

    def _blame(self, name: str | None, reason: str | None) -> None:
        """Count the end of an attempt against what it was trying; a ``reason`` says it was that."""
        if name is None:
            return
        self._ends[name] = self._ends.get(name, 0) + 1
        if reason is not None:
            self._given_up[name] = f"was given up: {reason}."
        elif self._ends[name] >= MOST_ENDS:
            self._given_up[name] = f"was given up: {self._ends[name]} attempts ended in it."

    def begin(self, budget: Budget) -> str | None:
        """Note that the budget runs; returns what is to be told of earlier attempts, if any."""
        self._write_spent(budget)
        if not self._steps and not self.spent_s:
            return None
        kept = sum(step.content is not None for step in self._steps.values())
        were = "1 candidate was" if kept == 1 else f"{kept} candidates were"
        left = max(0.0, budget.seconds - budget.elapsed)
        return f"Resumed: {were} kept, {left:.0f} s of {budget.seconds:.0f} s are left."

    def recall(self, name: str, budget: Budget) -> Step | None:
        """What an earlier attempt kept of ``name``; the budget's plan goes on from there."""
        step = self._steps.get(name)
        if step is not None:
            budget.resume(step.planned, step.worked, cut=step.cut)
        return step

    def given_up(self, name: str) -> str | None:
        """Why ``name`` is not to be tried again, if it is not."""
        return self._given_up.get(name)

    def attend(self, name: str, budget: Budget) -> None:
        """Note that ``name`` is tried from now on, until it is kept."""
        self._write_spent(budget, trying=name)

    def keep(self, name: str, content: Any, budget: Budget, *, told: tuple[str, ...] = ()) -> None:
        """Keep what came of ``name``. A full disk costs the checkpoint, not the training."""
        self._write_spent(budget)
        if self._folder is None or self._may_take_s <= 0:
            return
        started = time.perf_counter()
        step = (name, content, told, budget.spent, budget.worked, budget.cut)
        body = pickle.dumps((self._plan, step), protocol=pickle.HIGHEST_PROTOCOL)
        self._number += 1
        path = self._folder / f"{self._number:04d}{ENDING}"
        _write(path, hashlib.sha256(body).digest(), body)
        self._may_take_s -= time.perf_counter() - started

    def _read(self, path: Path) -> Step | None:
        """The step in a file, or ``None`` when it cannot be used."""
        with suppress(Exception):  # written by another version: any error may come of it
            data = memoryview(path.read_bytes())
            digest, body = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
            if hashlib.sha256(body).digest() == digest:
                plan, step = pickle.loads(body)  # noqa: S301 - of the caller's own directory
                return Step(*step) if plan == self._plan else None
        return None

    def _read_spent(self) -> dict[str, Any]:
        """What ``spent.json`` says of this plan; empty when there is none, or none of its form."""
        if self._folder is None:
            return {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            told: dict[str, Any] = json.loads((self._folder / SPENT).read_bytes())
            told["spent_s"] = max(0.0, float(told["spent_s"]))
            if told["plan"] == self._plan:
                return told
        return {}

    def _write_spent(self, budget: Budget, trying: str | None = None) -> None:
        if self._folder is not None:
            told = {
                "plan": self._plan,
                "spent_s": round(budget.elapsed, 3),
                "trying": trying,
                "ends": self._ends,
                "given_up": self._given_up,
            }
            _write(self._folder / SPENT, json.dumps(told).encode())


def _write(path: Path, *parts: bytes) -> None:
    """Write a file that appears whole, or not at all when there is no room for it."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            file.writelines(parts)
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
