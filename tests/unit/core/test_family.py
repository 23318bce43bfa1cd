"""Who belongs to a process."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from app.core.family import family

# A child that has one of its own, which one of its threads has started.
GRANDPARENT = """
import subprocess, sys, threading
wait = [sys.executable, "-c", "import sys; print('ready', flush=True); sys.stdin.read()"]
thread = threading.Thread(target=lambda: subprocess.run(wait, check=False))
thread.start()
thread.join()
"""


def test_a_process_and_those_below_it():
    with subprocess.Popen(
        [sys.executable, "-c", GRANDPARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        found = [member.pid for member in family(child.pid)]
        below = psutil.Process(child.pid).children(recursive=True)
        child.communicate()
    assert found == [child.pid, *(process.pid for process in below)]
    assert len(found) == 2


def test_a_process_that_is_gone_has_none():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    with pytest.raises(psutil.NoSuchProcess):
        family(child.pid)
