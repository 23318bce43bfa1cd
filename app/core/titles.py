"""The name under which a process shows in the process list."""

from __future__ import annotations

import setproctitle


def set_title(name: str) -> None:
    """Show this process as ``name``: ``uam serve``, ``uam api``, ``uam worker``, ``uam beat``."""
    setproctitle.setproctitle(name)
