"""How many threads may work: the container's quota, not the machine's count of cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

_V2 = Path("/sys/fs/cgroup/cpu.max")
_V1_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_V1_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def available_cpus() -> int:
    """Whole CPUs that this process may use: affinity and control-group quota, at least 1.

    More threads than the quota make boosting many times slower, not faster.
    """
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, _quota() or allowed))


TEAM_ROWS = 200_000
"""Up to here fits go side by side, by one thread each: at least as fast as one after another by
several, and far less hurt by others on the same processors. The threads of a child sleep while they
wait for each other, and to wake one takes longer than its part of the work on a smaller table:
2 threads take 10 times as long on 11,000 rows, 2 times on 60,000 and as long on 200,000."""


def team(threads: int, rows: int) -> int:
    """How many of ``threads`` a booster of so many rows is to use."""
    return threads if rows > TEAM_ROWS else 1


@contextmanager
def bounded_pools(threads: int) -> Iterator[None]:
    """Within, BLAS and OpenMP pools of all libraries use at most ``threads`` threads."""
    with threadpool_limits(limits=threads):
        yield


def _quota() -> int | None:
    try:
        if _V2.exists():
            quota, period = _V2.read_text().split()
        else:
            quota, period = _V1_QUOTA.read_text(), _V1_PERIOD.read_text()
        return None if quota == "max" or int(quota) <= 0 else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None
