"""The child's side of the sandbox: ``python -I -m app.core.sandbox_child``.

Reads calls as JSON lines from stdin, runs each, and writes progress, result and errors as
JSON lines to the protocol's own descriptor. What libraries print goes to stderr.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import math
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

from app.core.titles import set_title

PR_SET_PDEATHSIG = 1
# RLIMIT_DATA counts private writable mappings, which allocators reserve ahead of use: the
# supervisor's watch on resident memory is the limit, this is the backstop behind it.
DATA_LIMIT_FACTOR = 3
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Engines with error types of their own tell the system's error only in words.
_NO_ROOM_WORDS = tuple(os.strerror(number) for number in sorted(_NO_ROOM))


def _jsonable(value: Any) -> Any:
    """Last resort of the encoder: numpy scalars and paths."""
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


class _Wire:
    """Writes protocol lines."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def send(self, message: dict[str, Any]) -> None:
        try:
            text = json.dumps(message, default=_jsonable, allow_nan=False)
        except ValueError:
            text = json.dumps(_finite(message), default=_jsonable)
        self._stream.write(text + "\n")
        self._stream.flush()

    def progress(
        self,
        fraction: float,
        message: str = "",
        *,
        level: str = "INFO",
        leaderboard: dict[str, Any] | None = None,
    ) -> None:
        self.send(
            {
                "progress": max(0.0, min(1.0, float(fraction))),
                "message": message,
                "level": level,
                "leaderboard": leaderboard,
            }
        )


def _confine(memory_mb: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_mb > 0:
        limit = _reserved_bytes() + memory_mb * 1024 * 1024 * DATA_LIMIT_FACTOR
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _reserved_bytes() -> int:
    """What RLIMIT_DATA counts already: the mappings that came with the interpreter or the fork."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        sizes = (line.split()[1] for line in status if line.startswith("VmData:"))
        return int(next(sizes, "0")) * 1024


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from or during."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _tells_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _NO_ROOM
    return any(words in str(error) for words in _NO_ROOM_WORDS)


def _describe(error: BaseException) -> dict[str, Any]:
    """A typed error as it is; anything else by its class alone, never by its traceback."""
    if any(_tells_full_disk(known) for known in _with_causes(error)):
        return {"code": "disk_full", "message": "there is no room left on the disk", "details": {}}
    code = getattr(error, "code", None)
    details = getattr(error, "details", None)
    if isinstance(code, str) and isinstance(details, dict):
        return {"code": code, "message": str(error), "details": details}
    if _is_out_of_memory(error):
        return {"code": "out_of_memory", "message": "out of memory", "details": {}}
    return {"code": "crashed", "message": f"{type(error).__name__}: {error}"[:500], "details": {}}


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, in the words of Python, DuckDB or a library in C++."""
    name = type(error).__name__
    return isinstance(error, MemoryError) or "OutOfMemory" in name or "std::bad_alloc" in str(error)


def _serve_one(wire: _Wire, call: dict[str, Any]) -> None:
    module, _, name = str(call["target"]).partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        wire.send({"result": function(**call["params"], progress=wire.progress)})
    except BaseException as error:
        if not hasattr(error, "code"):
            import traceback

            # On a full disk not even this can be written.
            with suppress(OSError):
                traceback.print_exc(file=sys.stderr)
        wire.send({"error": _describe(error)})


def main(search_path: Sequence[str]) -> None:
    """Serve calls until stdin closes; modules are looked for in ``search_path`` too."""
    set_title("uam child")
    wire = _Wire(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    sys.path.extend(search_path)
    for number, line in enumerate(sys.stdin):
        call = json.loads(line)
        if number == 0:
            _confine(int(call.get("memory_mb", 0)))
        _serve_one(wire, call)


if __name__ == "__main__":
    main(sys.argv[1:])
