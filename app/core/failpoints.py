"""Places where a test can make a process die or stop, to see that the run survives it.

``UAM_FAIL=train_models.uploaded:kill`` ends the process with SIGKILL the first time that it
comes by, once for each ``UAM_HOME``; ``pause`` holds it there for as long as the mark that it
leaves in ``UAM_HOME/failpoints`` is empty. Several are separated by commas. Unset, as it always is but in tests,
nothing happens.
"""

from __future__ import annotations

import logging
import os
import signal
import time

from app.config import Settings

logger = logging.getLogger(__name__)

LOOK_S = 0.1


def reach(settings: Settings, name: str) -> None:
    """Come by the place ``name``: die there (``kill``), stop there (``pause``), or go on."""
    if not settings.fail:
        return
    for wanted in settings.fail.split(","):
        place, _, action = wanted.partition(":")
        if place != name or not _first_time(settings, wanted):
            continue
        logger.warning("failpoint %s", wanted)
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        while action == "pause" and not (settings.uam_home / "failpoints" / wanted).read_bytes():
            time.sleep(LOOK_S)


def _first_time(settings: Settings, wanted: str) -> bool:
    directory = settings.uam_home / "failpoints"
    directory.mkdir(parents=True, exist_ok=True)
    try:
        (directory / wanted).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
