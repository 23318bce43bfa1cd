"""The border: whatever a child does, the parent goes on, and no child is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.core import sandbox
from app.core.child_errors import (
    ChildCrashed,
    ChildError,
    ChildOutOfMemory,
    ChildStalled,
    ChildStopped,
    ChildTimeout,
)
from app.core.sandbox import Child
from app.core.sandbox_pool import PredictorPool

HERE = str(Path(__file__).parent)


@pytest.fixture(params=["fresh", "forked"], autouse=True)
def origin(request):
    """Where children come from: a fresh interpreter, or a nursery's fork."""
    if request.param == "forked":
        sandbox.use_nursery({})
    yield request.param
    sandbox.leave_nursery()


@pytest.fixture
def child():
    with Child(memory_mb=2000, search_path=[HERE]) as one:
        yield one


def call(child, name, *, timeout_s=30.0, **params):
    return child.call(f"sandbox_jobs:{name}", params, timeout_s=timeout_s)


def gone(pid):
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_result_comes_back_whatever_is_printed(child):
    told = []
    result = child.call(
        "sandbox_jobs:echo",
        {"value": "a\nb — ü"},
        timeout_s=30,
        on_progress=lambda *report: told.append(report),
    )
    assert result == {"value": "a\nb — ü"}
    assert told == [(0.5, "half way", "INFO", [{"rank": 1}])]


def test_a_child_answers_many_calls(child):
    pid = child.pid
    assert [call(child, "echo", value=n)["value"] for n in range(5)] == [0, 1, 2, 3, 4]
    assert child.pid == pid


def test_no_secret_of_the_server_is_in_its_environment(child, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s" * 40)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:password@host/db")
    with Child(memory_mb=500, search_path=[HERE]) as one:
        names = call(one, "environment")["names"]
    assert "SECRET_KEY" not in names
    assert "DATABASE_URL" not in names


def test_what_is_not_finite_becomes_null(child):
    assert call(child, "not_finite") == {"nan": None, "inside": [None, 1.5]}


def test_a_typed_error_crosses_the_border(child):
    with pytest.raises(ChildError) as caught:
        call(child, "typed_error")
    assert caught.value.code == "bad_table"
    assert caught.value.message == "row 3 has too few cells"
    assert caught.value.details == {"row": 3}
    assert call(child, "echo", value=1) == {"value": 1}


def test_a_panic_that_is_no_exception_is_caught(child):
    with pytest.raises(ChildCrashed):
        call(child, "base_exception")
    assert child.alive


@pytest.mark.parametrize("name", ["abort", "leave"])
def test_a_child_that_dies_is_an_error(child, name):
    with pytest.raises(ChildCrashed):
        call(child, name)
    assert gone(child.pid)


def test_a_hang_ends_at_the_deadline(child):
    with pytest.raises(ChildTimeout):
        call(child, "hang", timeout_s=1.0)
    assert gone(child.pid)


@pytest.mark.parametrize(
    ("name", "why"),
    [("hang", "it stood still for 1.5 s"), ("compute", "it took longer than 4 s")],
)
def test_a_standstill_is_seen_and_hard_work_is_none(child, name, why):
    call(child, "echo", value=1)
    with pytest.raises(ChildTimeout, match=why):
        child.call(f"sandbox_jobs:{name}", {}, timeout_s=4.0, stall_s=1.5)
    assert gone(child.pid)


def test_a_stopped_child_stands_still(child):
    call(child, "echo", value=1)
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(ChildStalled):
        child.call("sandbox_jobs:echo", {"value": 1}, timeout_s=60, stall_s=1.0)
    assert gone(child.pid)


@pytest.mark.parametrize(
    "name", ["native_out_of_memory", "rusts_out_of_memory", "foreign_out_of_memory"]
)
def test_what_runs_out_of_memory_on_its_own_is_told_so(child, name):
    with pytest.raises(ChildOutOfMemory):
        call(child, name)


def test_memory_is_limited():
    with Child(memory_mb=150, search_path=[HERE]) as one, pytest.raises(ChildOutOfMemory):
        call(one, "eat", megabytes=2000)
    assert gone(one.pid)


def test_pages_of_files_which_the_system_can_drop_are_not_held_against_a_child(tmp_path):
    file = tmp_path / "mapped"
    file.write_bytes(b"\x01" * (200 * 1024 * 1024))
    with Child(memory_mb=100, search_path=[HERE]) as one:
        assert call(one, "read_mapped", path=str(file), seconds=1.0) == {"sum": 200 * 256}


def test_a_stop_is_heard_and_ends_the_grandchildren(tmp_path):
    pid_file = tmp_path / "pids"
    with Child(memory_mb=500, search_path=[HERE]) as one, pytest.raises(ChildStopped):
        one.call(
            "sandbox_jobs:spawn_and_hang",
            {"pid_file": str(pid_file)},
            timeout_s=60,
            stop=lambda: pid_file.exists() and len(pid_file.read_text().split()) == 2,
        )
    for pid in pid_file.read_text().split():
        assert gone(int(pid))


def test_a_child_dies_with_its_parent(tmp_path, origin):
    pid_file = tmp_path / "pids"
    script = (
        "from app.core.sandbox import Child, use_nursery\n"
        f"{'use_nursery({})' if origin == 'forked' else ''}\n"
        f"Child(memory_mb=500, search_path=[{HERE!r}]).call('sandbox_jobs:spawn_and_hang',"
        f" {{'pid_file': {str(pid_file)!r}}}, timeout_s=60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    while not (pid_file.exists() and len(pid_file.read_text().split()) == 2):
        assert parent.poll() is None
        time.sleep(0.05)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    child, grandchild = map(int, pid_file.read_text().split())
    try:
        assert gone(child)
    finally:
        os.kill(grandchild, signal.SIGKILL)


def test_a_child_outlives_the_thread_that_called_first():
    made = []

    def start():
        one = Child(memory_mb=500, search_path=[HERE])
        call(one, "echo", value=0)
        made.append(one)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with made[0] as one:
        time.sleep(0.3)
        assert call(one, "echo", value=1) == {"value": 1}


def test_a_pool_keeps_its_child_warm_and_replaces_one_that_died():
    pool = PredictorPool(memory_mb=500)
    try:
        with pytest.raises(ChildError):
            pool.call("json:no_such_function", {}, timeout_s=10)
        [child] = pool._free
        with pytest.raises(ChildError):
            pool.call("json:no_such_function", {}, timeout_s=10)
        assert [one.pid for one in pool._free] == [child.pid]
        child.kill()
        with pytest.raises(ChildError):
            pool.call("json:no_such_function", {}, timeout_s=10)
        assert [one.pid for one in pool._free] != [child.pid]
        assert pool.let_go_if_idle(idle_s=0.0)
        assert pool._free == []
    finally:
        pool.close()


def test_a_pool_that_nobody_calls_lets_its_children_go():
    pool = PredictorPool(memory_mb=500, idle_s=0.5)
    try:
        with pytest.raises(ChildError):
            pool.call("json:no_such_function", {}, timeout_s=10)
        [child] = pool._free
        child._process.wait(timeout=30)
        assert not child.alive
    finally:
        pool.close()
