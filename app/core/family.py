"""A process and those below it, and what they hold, asked of the kernel."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil


def family(pid: int) -> list[psutil.Process]:
    """The process and all that it and its children have started and are still there.

    The kernel keeps a list of them. Where it shows none, every process of the machine has to be
    looked at: 10 ms, and the watch over a child asks five times a second. Raises
    :class:`psutil.NoSuchProcess` for one that is gone.
    """
    first = psutil.Process(pid)
    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        return [first, *first.children(recursive=True)]
    found, pids = [first], [pid]
    for member in pids:
        for child in _children(member):
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(child))
                pids.append(child)
    return found


def own_bytes(process: psutil.Process) -> int:
    """Memory that a process has for itself, what was swapped out included.

    It is the smaller of what is private and written to, so without pages shared with the process
    that it was forked from, and what is of no file, so without pages that the system can drop.
    Raises :class:`OSError` for a process that is gone.
    """
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines()[1:]
    kb = {name: int(size.split()[0]) for name, size in (line.split(":") for line in lines)}
    return 1024 * (min(kb["Private_Dirty"], kb["Anonymous"]) + kb["Swap"])


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (thread / "children").read_text("ascii").split())
    return children
