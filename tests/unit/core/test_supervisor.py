"""``uam serve`` as a parent: what dies starts again, and what is to stop stops whole."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.core.parts import LONGEST_DELAY_S, Part, RunningPart
from tests.ports import free_port
from tests.unit.core.supervised import Supervised, alive, family, part, pids, until

MIB = 1024 * 1024
FOREVER = "import time; time.sleep(600)"
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
time.sleep(600)
"""
NOTES_ITS_END = """
import signal, sys, time
def end(*_):
    time.sleep(0.3)
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
open(sys.argv[1] + sys.argv[2], "w").close()
time.sleep(600)
"""
# Answers 503, then 200.
BECOMES_READY = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(200 if self.path == "/ready" and Handler.asked > 2 else 503)
        self.end_headers()
    def log_message(self, *_): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
LISTENS_LATE = """
import socket, sys, time
time.sleep(0.5)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(64)
time.sleep(600)
"""
CONNECTS = """
import socket, sys, time
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
open(sys.argv[2], "w").close()
time.sleep(600)
"""


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def start(*parts: Part, url: str = "") -> Supervised:
        started.append(Supervised(tmp_path, *parts, url=url))
        return started[-1]

    yield start
    for supervised in started:
        supervised.clean_up()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_down_to_the_last_grandchild(supervise, tmp_path, number):
    supervised = supervise(family(tmp_path, "a"), family(tmp_path, "b"))
    until(lambda: len(pids(tmp_path, "a")) == len(pids(tmp_path, "b")) == 3)
    everything = supervised.tree()
    assert set(everything) > {*pids(tmp_path, "a"), *pids(tmp_path, "b")}
    assert supervised.stop(number) == 0
    until(lambda: not any(map(alive, everything)), 2)
    assert supervised.told(f"{number.name}, stopping")
    assert supervised.told("stopped after")


def test_a_part_that_is_killed_starts_again_and_its_family_is_ended(supervise, tmp_path):
    supervised = supervise(family(tmp_path, "a"), part("other", FOREVER))
    until(lambda: len(pids(tmp_path, "a")) == 3)
    first = pids(tmp_path, "a")
    psutil.Process(first[0]).kill()
    until(lambda: len(pids(tmp_path, "a")) == 6)
    until(lambda: not any(map(alive, first)))
    assert all(map(alive, pids(tmp_path, "a")[3:]))
    assert supervised.told("a was ended by SIGKILL, again in 0.5 s")
    assert supervised.told("a started", times=2)
    assert not supervised.told("other started", times=2)


def test_nothing_outlives_a_supervisor_that_is_killed(supervise, tmp_path):
    supervised = supervise(family(tmp_path, "a"), family(tmp_path, "b"))
    until(lambda: len(pids(tmp_path, "a")) == len(pids(tmp_path, "b")) == 3)
    everything = supervised.tree()
    supervised.kill()
    until(lambda: not any(map(alive, everything)), 5)


def test_a_guard_that_is_killed_is_replaced(supervise, tmp_path):
    supervised = supervise(family(tmp_path, "a"))
    until(lambda: len(pids(tmp_path, "a")) == 3)
    (first,) = supervised.guards()
    psutil.Process(first).kill()
    until(lambda: supervised.guards() not in ([], [first]))
    everything = supervised.tree()
    supervised.kill()
    until(lambda: not any(map(alive, everything)), 5)


def test_a_part_that_does_not_stop_is_killed_in_time(supervise, tmp_path):
    supervised = supervise(part("deaf", STUBBORN, tmp_path / "up"), family(tmp_path, "a"))
    until(lambda: (tmp_path / "up").exists() and len(pids(tmp_path, "a")) == 3)
    everything = supervised.tree()
    begun = time.monotonic()
    assert supervised.stop() == 0
    assert time.monotonic() - begun < 10
    assert supervised.told("deaf did not stop in time and is killed")
    until(lambda: not any(map(alive, everything)), 2)


def test_the_second_signal_waits_for_nobody(supervise, tmp_path):
    supervised = supervise(part("deaf", STUBBORN, tmp_path / "up"))
    until(lambda: (tmp_path / "up").exists())
    everything = supervised.tree()
    supervised.process.send_signal(signal.SIGINT)
    until(lambda: supervised.told("SIGINT, stopping"))
    assert supervised.stop(signal.SIGINT) == 0
    assert supervised.told("stopping now")
    until(lambda: not any(map(alive, everything)), 2)


def test_what_the_others_need_stops_last(supervise, tmp_path):
    note = tmp_path / "ended"
    supervised = supervise(
        part("broker", NOTES_ITS_END, note, "broker", stops_last=True),
        part("worker", NOTES_ITS_END, note, "worker"),
    )
    until(lambda: all((tmp_path / f"ended{name}").exists() for name in ("broker", "worker")))
    assert supervised.stop() == 0
    assert note.read_text().split() == ["worker", "broker"]


def test_a_part_that_refuses_its_configuration_stops_all(supervise, tmp_path):
    refuses = "import sys; print('REDIS_URL: must begin with redis://'); sys.exit(2)"
    supervised = supervise(part("worker", refuses), family(tmp_path, "a"))
    until(lambda: len(pids(tmp_path, "a")) == 3)
    everything = supervised.tree()
    assert supervised.process.wait(40) == 2
    assert supervised.told("REDIS_URL: must begin with redis://", times=5)
    assert supervised.told("worker refuses its configuration")
    until(lambda: not any(map(alive, everything)), 2)


def test_a_part_that_fails_otherwise_is_tried_ever_more_slowly(supervise):
    supervised = supervise(part("api", "raise SystemExit(1)"), Part("lost", ["/no/such/program"]))
    for delay in ("0.5", "1", "2"):
        until(lambda delay=delay: supervised.told(f"api ended with status 1, again in {delay} s"))
    assert supervised.told("lost cannot start (No such file or directory), again in 1 s")
    assert supervised.process.poll() is None
    assert supervised.stop() == 0


def test_delays_grow_to_a_bound_and_a_long_life_forgives(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("app.core.parts.time.monotonic", lambda: now)
    running = RunningPart(Part("api", ["x"]))
    delays = []
    for _ in range(9):
        running.started = now
        delays.append(running.died(1))
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert max(delays) == LONGEST_DELAY_S
    running.started = now - 60
    assert running.died(1) == 0.5
    assert running.early_deaths == running.refusals == 0


def test_ready_is_said_once_when_it_is_true(supervise):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    supervised = supervise(part("api", BECOMES_READY, port), url=url)
    until(lambda: supervised.told("UAM is ready"))
    psutil.Process(supervised.tree()[-1]).kill()
    until(lambda: supervised.told("api started", times=2))
    assert supervised.stop() == 0
    assert [line for line in supervised.said if "ready" in line] == [f"UAM is ready at {url}"]


def test_parts_wait_for_the_socket_that_they_need(supervise, tmp_path):
    path = tmp_path / "s"
    supervise(
        part("broker", LISTENS_LATE, path, ready_socket=str(path)),
        part("worker", CONNECTS, path, tmp_path / "connected"),
    )
    until(lambda: (tmp_path / "connected").exists())


def test_environments_reach_their_part_alone(supervise, tmp_path):
    code = "import os, sys, time; open(sys.argv[1], 'w').write(os.environ.get('X', 'none')); time.sleep(600)"
    supervised = supervise(
        part("a", code, tmp_path / "a", env={"X": "a secret"}), part("b", code, tmp_path / "b")
    )
    for name, value in (("a", "a secret"), ("b", "none")):
        path = tmp_path / name
        until(lambda path=path, value=value: path.exists() and path.read_text() == value)
    shown = psutil.Process(supervised.process.pid).cmdline()
    assert "a secret" not in " ".join(shown)


def test_the_supervisor_is_small_and_shows_its_name(supervise, tmp_path):
    supervised = supervise(family(tmp_path, "a"))
    until(lambda: len(pids(tmp_path, "a")) == 3)
    process = psutil.Process(supervised.process.pid)
    assert " ".join(process.cmdline()).strip() == "uam serve"
    assert process.memory_info().rss < 30 * MIB
    (guard,) = supervised.guards()
    assert psutil.Process(guard).memory_info().rss < 20 * MIB
