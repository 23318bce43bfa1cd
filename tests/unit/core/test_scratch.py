"""Scratch space goes with whoever made it, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core import sandbox, scratch
from app.core.child_errors import ChildDiskFull

HOLDER = """
import sys
from app.core import scratch
kept = scratch.new_directory()
open(kept.name + "/upload", "wb").write(b"x" * 1000)
print(kept.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of this test's own, for it and for what it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "_own", None)
    return tmp_path


@pytest.fixture
def hold(temporary: Path) -> Callable[[], tuple[subprocess.Popen[str], Path]]:
    """Start a process that has scratch space."""
    started = []

    def start() -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in started:
        process.communicate()


def test_what_a_killed_process_left_is_swept_and_nothing_else(temporary, hold):
    (killed, left), (_, used) = hold(), hold()
    with scratch.new_directory() as mine:
        assert scratch.sweep() == 0
        killed.kill()
        killed.wait()
        assert left.is_dir()
        assert scratch.sweep() == 1
        assert not left.parent.exists()
        assert (used / "upload").exists()
        assert Path(mine).is_dir()
    assert scratch.sweep() == 0


def test_a_process_that_ends_takes_its_space_along(temporary, hold):
    process, space = hold()
    process.communicate()
    assert process.returncode == 0
    assert not space.parent.exists()


def test_a_sweep_touches_no_link_and_no_file(temporary):
    outside = temporary / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (temporary / f"{scratch.PREFIX}link").symlink_to(outside)
    (temporary / f"{scratch.PREFIX}file").touch()
    assert scratch.sweep() == 0
    assert (outside / "kept").exists()


def test_a_directory_that_somebody_cleared_is_made_anew(temporary):
    first = scratch.own_directory()
    first.rmdir()
    with scratch.new_directory() as name:
        assert Path(name).parent != first


def test_what_a_child_leaves_in_its_temporary_files_goes_with_it(temporary):
    with sandbox.Child(search_path=[str(Path(__file__).parent)]) as child:
        made = child.call("sandbox_jobs:litter", {}, timeout_s=60)["path"]
        assert Path(made).is_relative_to(scratch.own_directory())
        assert os.path.exists(made)
        child.kill()
    assert os.listdir(scratch.own_directory()) == []


def test_a_child_that_finds_no_room_says_so(temporary):
    with sandbox.Child(search_path=[str(Path(__file__).parent)]) as child:
        for way in ("file", "engine", "typed"):
            with pytest.raises(ChildDiskFull):
                child.call("sandbox_jobs:fill_disk", {"way": way}, timeout_s=60)
