"""``uam serve``: prepares the installation and becomes the supervisor of its parts."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import NoReturn

from app.commands.failures import WorkFailed, WrongUsage
from app.commands.installation import prepare, settings_or_exit
from app.core.embedded import EmbeddedError, HomeLock, embed_broker
from app.core.parts import Part
from app.core.supervisor import become


def serve(host: str, port: int, home: Path | None, workers: int | None) -> NoReturn:
    """Run everything until SIGTERM: what the settings do not name is embedded under ``home``.

    Raises :class:`WrongUsage` for a wrong setting and :class:`WorkFailed` for a port that is
    taken or a named server that does not answer.
    """
    if home is not None:
        os.environ["UAM_HOME"] = str(home.absolute())
    settings = settings_or_exit()
    try:
        lock = HomeLock(settings.uam_home)
        _check_free(host, port)
        parts = []
        named = {} if workers is None else {"UAM_WORKER_SLOTS": str(workers)}
        named["PROMETHEUS_MULTIPROC_DIR"] = str(fresh_metrics(settings.uam_home))
        if not settings.redis_url:
            broker = embed_broker(settings.uam_home)
            parts.append(broker.part)
            named["REDIS_URL"] = broker.url
    except EmbeddedError as error:
        raise WrongUsage(str(error)) from None
    prepare(settings)
    where = ["--host", host, "--port", str(port)]
    parts += [_part("api", named, *where), _part("worker", named), _part("beat", named)]
    shown = f"[{host}]" if ":" in host else host
    become(parts, f"http://{shown}:{port}", (lock.descriptor,))


def fresh_metrics(parent: Path) -> Path:
    """An empty directory into which every part writes its metrics, so that the API answers for all."""
    directory = parent / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _part(name: str, env: dict[str, str], *arguments: str) -> Part:
    argv = [sys.executable, "-P", "-m", "app.cli", name, *arguments]
    return Part(name=name, argv=argv, env=env)


def _check_free(host: str, port: int) -> None:
    """Raises :class:`WorkFailed` unless the API will be able to listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise WorkFailed(f"cannot listen on {host}:{port}: {error.strerror}") from None
