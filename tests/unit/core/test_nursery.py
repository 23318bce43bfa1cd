"""A nursery forks children that have their libraries already, and may itself be killed."""

import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.core import sandbox
from app.core.child_errors import ChildCrashed, ChildOutOfMemory
from app.core.nursery import KILLED, Nursery, NurseryGone
from app.core.sandbox import Child

HERE = str(Path(__file__).parent)


@pytest.fixture
def nursery():
    sandbox.use_nursery({"sandbox_jobs": ["decimal", "no_such_module", "fractions"]})
    yield sandbox._nursery
    sandbox.leave_nursery()


def call(child, name, **params):
    return child.call(f"sandbox_jobs:{name}", params, timeout_s=30)


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(nursery):
    """The nursery's own processes, by the title that each shows; one that has ended shows none."""
    process = psutil.Process(nursery._running._process.pid)
    return [_title(one) for one in (process, *process.children())]


def _title(process):
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).strip()
    return ""


def test_what_a_job_needs_is_imported_before_its_first_child(nursery):
    assert "decimal" not in modules("another:job")
    assert {"decimal", "fractions"} <= modules("sandbox_jobs:modules")
    # From now on every child has it.
    assert "decimal" in modules("another:job")


def modules(job):
    with Child(search_path=[HERE], job=job) as child:
        return set(call(child, "modules")["modules"])


def test_a_parent_of_thousands_of_open_files_has_its_nursery(nursery):
    many = 1100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * many), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(many)]
    try:
        assert {"decimal", "fractions"} <= modules("sandbox_jobs:modules")
        until(lambda: children_of(nursery) == ["uam nursery"])
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_children_are_seen_by_name_and_leave_nothing(nursery):
    with Child(search_path=[HERE]) as one, Child(search_path=[HERE]) as other:
        assert call(one, "echo", value=1) != call(other, "echo", value=2)
        assert children_of(nursery) == ["uam nursery", "uam child", "uam child"]
        pids = [one.pid, other.pid]
    until(lambda: not any(map(psutil.pid_exists, pids)))
    assert children_of(nursery) == ["uam nursery"]


def test_a_number_is_not_given_away_before_its_child_was_let_go(nursery):
    with Child(search_path=[HERE]) as one:
        os.kill(one.pid, signal.SIGKILL)
        assert one._process.wait(30) == KILLED
        assert psutil.Process(one.pid).status() == psutil.STATUS_ZOMBIE
    until(lambda: not psutil.pid_exists(one.pid))


def test_a_killed_nursery_costs_its_children_and_is_replaced(nursery):
    with Child(search_path=[HERE]) as one:
        call(one, "echo", value=1)
        nursery._running._process.kill()
        with pytest.raises(ChildCrashed, match="SIGKILL"):
            call(one, "hang")
        until(lambda: not alive(one.pid))
    with Child(search_path=[HERE]) as one:
        assert call(one, "echo", value=1) == {"value": 1}
        assert children_of(nursery) == ["uam nursery", "uam child"]


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_nursery_that_cannot_be_had_is_done_without(nursery, monkeypatch):
    monkeypatch.setattr("app.core.nursery.ANSWER_S", 0.5)
    with Child(search_path=[HERE]) as one:
        call(one, "echo", value=1)
        nursery._running._process.send_signal(signal.SIGSTOP)
        with Child(search_path=[HERE]) as other:
            assert call(other, "echo", value=2) == {"value": 2}
            assert isinstance(other._process, subprocess.Popen)


def test_one_that_nobody_needs_is_let_go_and_one_with_children_is_not():
    nursery = Nursery(subprocess.Popen, idle_s=0.3)
    environment = {"TMPDIR": tempfile.gettempdir()}
    with tempfile.TemporaryFile() as log:
        # Its libraries take it longer to load than it may be idle.
        child = nursery.fork(environment, [], log, ["pandas"])
        process = nursery._running._process
        time.sleep(1)
        assert process.poll() is None
        child.stdin.close()
        assert child.wait(30) == 0
        child.release()
        assert process.wait(30) is not None
        child.stdout.close()
        # And had again when it is needed again.
        again = nursery.fork(environment, [], log)
        again.stdin.close()
        assert again.wait(30) == 0
        again.stdout.close()
    nursery.close()
    with tempfile.TemporaryFile() as log, pytest.raises(NurseryGone):
        nursery._running.fork(environment, [], log, [])


def test_many_threads_have_children_at_once(nursery):
    answers = []

    def work(number):
        with Child(search_path=[HERE]) as one:
            answers.append(call(one, "echo", value=number)["value"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(8))


def test_what_a_child_shares_with_its_nursery_is_not_held_against_it():
    sandbox.use_nursery({"sandbox_jobs": ["duckdb", "pandas"]})
    try:
        with Child(memory_mb=60, search_path=[HERE], job="sandbox_jobs:rest") as one:
            assert call(one, "rest", seconds=1.0) == {}
            assert psutil.Process(one.pid).memory_info().rss > 60 * 1024 * 1024
            with pytest.raises(ChildOutOfMemory):
                call(one, "eat", megabytes=2000)
    finally:
        sandbox.leave_nursery()
