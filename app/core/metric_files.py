"""Room for the files in which several processes share their metrics.

The metrics' library maps its files into memory and leaves them sparse. On a disk that is full
the first touch of a page without a block ends the process (SIGBUS), whatever it was doing. So
the blocks are taken before the library opens the files; where that fails, this process keeps
its metrics to itself.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# By the library's names. A series takes about 200 bytes; of histograms there are at most some
# 1,500 and of counters 500, for labels are routes and statuses, never ids.
RESERVED_BYTES = {"counter": 128 * 1024, "histogram": 384 * 1024}


def reserve() -> None:
    """Take the room, if :data:`VARIABLE` is set; call it before the library is imported."""
    named = os.environ.get(VARIABLE)
    if named is None:
        return
    paths = {Path(named) / f"{kind}_{os.getpid()}.db": n for kind, n in RESERVED_BYTES.items()}
    try:
        for path, size in paths.items():
            _allocate(path, size)
    except OSError as error:
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        del os.environ[VARIABLE]
        logger.warning("no room for shared metrics: %s", error.strerror)


def _allocate(path: Path, size: int) -> None:
    """Write zeros, which is what the library's empty file holds; a sparse one has no blocks."""
    with path.open("ab") as file:
        file.write(bytes(max(0, size - file.tell())))
