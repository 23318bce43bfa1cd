"""The containers' health checks: ``python deploy/health.py api|worker|beat``; exit code 0 is healthy.

Each looks at what the part is there for, with nothing but what is in the image:
the API says that it is ready, the worker has consumed a canary within the last minute or works in
all its slots, and the beat's process is there and not stopped.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

TIMEOUT_S = 4.0
READY = "http://127.0.0.1:8000/ready"
STOPPED = {"T", "t", "Z", "X"}


def api_is_healthy(url: str = READY) -> bool:
    """Whether every part that the API needs answers it."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, TimeoutError):
        return False


def worker_is_healthy() -> bool:
    """Whether the worker of this host consumes, as ``uam worker --check`` says with the reason."""
    from app.config import load_settings
    from app.workers.canaries import check

    return not check(load_settings())


def beat_is_healthy(processes: Path = Path("/proc")) -> bool:
    """Whether a process ``uam beat`` runs. Its failures are in its log and it tries again."""
    for folder in processes.glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = (folder / "stat").read_text().rpartition(") ")[2][:1]
        except OSError:
            continue  # the process ended meanwhile
        if "uam beat" in command and state not in STOPPED:
            return True
    return False


CHECKS: dict[str, Callable[[], bool]] = {
    "api": api_is_healthy,
    "worker": worker_is_healthy,
    "beat": beat_is_healthy,
}


def main(arguments: list[str]) -> int:
    """The exit code for one part."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        print(f"usage: health.py {'|'.join(CHECKS)}", file=sys.stderr)
        return 2
    return 0 if CHECKS[arguments[0]]() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
