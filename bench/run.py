"""Every measurement, one after another, on this machine: ``make bench``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MEASUREMENTS = ("serving", "streams")


def main() -> int:
    """Run them; the exit code is that of the first that failed."""
    for name in MEASUREMENTS:
        print(f"--- {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{name}"],
            cwd=Path(__file__).resolve().parents[1],
            check=False,
        )
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
