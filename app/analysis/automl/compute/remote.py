"""What the workers of a cluster run. A worker is given the material once and keeps it.

Everything that comes to a worker or goes from it is pickled by the name of its module: client and
workers must have the same versions, which :func:`versions_here` lets the client compare.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any, TypeVar

from joblib import parallel_config
from threadpoolctl import threadpool_limits

from app.analysis.automl.budget import Budget
from app.analysis.automl.bundle import versions
from app.analysis.automl.estimators.base import Fitting
from app.analysis.automl.material import Material
from app.analysis.automl.transforms import TargetScale

T = TypeVar("T")

ASKING_S = 0.5
"""Seconds between two looks at whether the client wants the fit to end."""


def versions_here() -> dict[str, str]:
    """The versions that must be the same on both sides."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, "uam": version("uam"), **versions()}


def bare(material: Material) -> Material:
    """The material without what belongs to one process: its clock and what it has encoded."""
    budget = Budget(float("inf"), time.monotonic(), 0.0)
    return replace(material, budget=budget, jobs=1, slots=0, _folds={}, _holdout=None)


@dataclass
class Parcel:
    """The material at a worker. What is encoded for one fit is there for the next.

    Several threads of a worker may fit at once: they share what is encoded, but not what an
    estimator family keeps beside it, which is not made for that.
    """

    material: Material
    _lock: Any = field(default_factory=threading.Lock)
    _kept: dict[tuple[int, int, str], dict[str, Any]] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without what was made here, from worker to worker, too."""
        return Parcel, (bare(self.material),)

    def fold(self, index: int, target: str, view: Any) -> tuple[Fitting, TargetScale]:
        """As ``Material.fold``, the view made that will be asked for."""
        return self._made(index, target, view, lambda: self.material.fold(index, target))

    def whole(self, target: str, view: Any) -> tuple[Fitting, TargetScale]:
        """As ``Material.whole``."""
        return self._made(-1, target, view, lambda: self.material.whole(target))

    def _made(
        self, index: int, target: str, view: Any, make: Callable[[], tuple[Fitting, TargetScale]]
    ) -> tuple[Fitting, TargetScale]:
        with self._lock:
            fitting, scale = make()
            fitting.view(view)
            fitting.valid_view(view)
            if index < 0:
                # The folds are done with: see Material.whole.
                self._kept = {key: kept for key, kept in self._kept.items() if key[1] < 0}
            kept = self._kept.setdefault((threading.get_ident(), index, target), {})
            return replace(fitting, kept=kept), scale


class Clock:
    """Asks whether a fit at a worker is to end: its seconds are over, the client says so, or
    nobody waits for it any more. ``signal`` names what the client says it by."""

    def __init__(self, allowed_s: float, signal: str) -> None:
        self._until = time.monotonic() + allowed_s
        self._signal = signal
        self._asked = time.monotonic() - ASKING_S
        self.over = False

    def __call__(self) -> bool:
        """Whether to end; once it is so, it stays so."""
        now = time.monotonic()
        self.over = self.over or now > self._until
        if not self.over and now - self._asked >= ASKING_S:
            self.over = _unwanted() or _signalled(self._signal)
            self._asked = time.monotonic()
        return self.over


def _unwanted() -> bool:
    """Whether the scheduler has taken this worker's present task back."""
    from distributed.worker import get_worker, thread_state  # type: ignore[attr-defined]

    with suppress(Exception):  # without an answer the fit goes on, as long as it may
        task = get_worker().state.tasks.get(thread_state.key)
        return task is None or task.state == "cancelled"
    return False


def _signalled(name: str) -> bool:
    from distributed import Event

    with suppress(Exception):
        event: Any = Event
        return bool(event(name).is_set())
    return False


@dataclass(frozen=True, slots=True)
class Failed:
    """An error that the work itself raised, as opposed to one of the cluster."""

    error: Exception


def perform(
    parcel: Parcel, work: Callable[..., T], arguments: tuple[Any, ...], allowed_s: float, name: str
) -> T | Failed:
    """Do ``work(parcel, clock, *arguments)`` with one thread, as fits do that go side by side."""
    threadpool_limits(1)
    try:
        # Else what fits with joblib itself would send its parts to the cluster again.
        with parallel_config(backend="threading", n_jobs=1):
            return work(parcel, Clock(allowed_s, name), *arguments)
    except Exception as error:
        return Failed(error)
