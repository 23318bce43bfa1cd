"""Places where a test can make a process die or stop, to see that the run survives it.

``UAM_FAIL=train_models.uploaded:kill`` ends the process with SIGKILL the first time that it
comes by, once for each ``UAM_HOME``; several are separated by commas. Unset, as it always is but
in tests, nothing happens.
"""

from __future__ import annotations

import logging
import os
import signal
import time

from app.config import Settings

logger = logging.getLogger(__name__)

PAUSE_S = 3600.0


def reach(settings: Settings, name: str) -> None:
    """Come by the place ``name``: die there (``kill``), stop there (``pause``), or go on."""
    if not settings.fail:
        return
    wanted = dict(item.split(":", 1) for item in settings.fail.split(","))
    action = wanted.get(name)
    if action is None or not _first_time(settings, name):
        return
    logger.warning("failpoint %s: %s", name, action)
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "pause":
        time.sleep(PAUSE_S)


def _first_time(settings: Settings, name: str) -> bool:
    directory = settings.uam_home / "failpoints"
    directory.mkdir(parents=True, exist_ok=True)
    try:
        (directory / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
