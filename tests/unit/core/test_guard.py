"""The guard: who belongs to whom, and what is left when the maker is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.guard import Guard, family, kill_family, processes
from tests.unit.core.supervised import FAMILY, alive, pids, until

MAKER = """
import os, subprocess, sys
from app.core.guard import Guard
ones = [subprocess.Popen([sys.executable, "-c", sys.argv[3], "2", sys.argv[1], name, sys.argv[3]],
        start_new_session=True) for name in ("mine", "released")]
guard = Guard()
guard.watch([one.pid for one in ones])
guard.watch([ones[0].pid])
print("up", flush=True)
sys.stdin.read()
if sys.argv[2] == "close":
    guard.close()
os._exit(0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where families note their processes; they end with the test."""
    yield tmp_path
    for name in ("mine", "released"):
        kill_family(pid for pid in pids(tmp_path, name) if alive(pid))


def start(folder: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", FAMILY, "2", str(folder), name, FAMILY]
    process = subprocess.Popen(command, start_new_session=True)
    until(lambda: len(pids(folder, name)) == 3)
    return process


def test_the_process_table_has_this_process():
    (mine,) = [process for process in processes() if process.pid == os.getpid()]
    assert (mine.parent, mine.group, mine.session) == (os.getppid(), os.getpgid(0), os.getsid(0))
    assert mine.started > 0


def test_a_family_reaches_through_sessions_and_ends_whole(folder):
    process = start(folder, "mine")
    assert family([process.pid]) == set(pids(folder, "mine"))
    kill_family([process.pid])
    process.wait()
    until(lambda: not any(map(alive, pids(folder, "mine"))))
    assert family([process.pid]) == set()
    kill_family([process.pid])


@pytest.mark.parametrize("end", ["close", "exit", "kill"])
def test_what_is_watched_ends_with_the_maker_and_nothing_else(folder, end):
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(folder), end, FAMILY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert maker.stdout.readline() == b"up\n"
    until(lambda: len(pids(folder, "mine")) == len(pids(folder, "released")) == 3)
    if end == "kill":
        maker.kill()
    # Not until its output ends: those who live on hold that, too.
    maker.stdin.close()
    maker.wait()
    maker.stdout.close()
    until(lambda: not any(map(alive, pids(folder, "mine"))))
    assert all(map(alive, pids(folder, "released")))


def test_a_guard_with_nothing_to_do_ends_quietly():
    guard = Guard()
    assert guard.alive
    guard.watch([])
    guard.close()
    assert not guard.alive
