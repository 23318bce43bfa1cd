"""A worker that takes no message although it could gives up; one that is busy does not."""

import os
import socket
import subprocess
import threading

import pytest

from app.config import Settings
from app.workers import canaries
from app.workers.canaries import Canaries, check, patience_s


class Watched(Canaries):
    """Says that it gave up instead of ending the tests."""

    gave_up = threading.Event

    def _give_up(self):
        self.gave_up.set()


@pytest.fixture
def settings(tmp_path):
    return Settings(uam_home=tmp_path, redis_url="redis://127.0.0.1:9/0", _env_file=None)


@pytest.fixture
def watched(settings, monkeypatch):
    monkeypatch.setattr(canaries, "patience_s", lambda _: 0.2)
    one = Watched(settings)
    one.gave_up = threading.Event()
    yield one
    one.stop()


def test_patience_is_a_minute_or_two_short_leases():
    for lease, patience in ((2, 6), (10, 20), (30, 60), (300, 60)):
        assert patience_s(Settings(lease_seconds=lease, _env_file=None)) == patience


def test_canaries_that_nobody_consumes_end_the_worker(watched, monkeypatch):
    monkeypatch.setattr(canaries, "send_canary", lambda _: True)
    watched.start()
    assert watched.gave_up.wait(10)


@pytest.mark.parametrize("taken", [True, False])
def test_a_worker_lives_that_consumes_or_whose_broker_is_away(watched, monkeypatch, taken):
    sent = []

    def send(queue):
        sent.append(queue)
        if taken:
            watched.consumed()
        return taken

    monkeypatch.setattr(canaries, "send_canary", send)
    watched.start()
    assert not watched.gave_up.wait(1)
    assert len(sent) > canaries.CANARIES
    assert set(sent) == {f"uam.canary.{socket.gethostname()}-{os.getpid()}"}


def test_a_worker_lives_that_works_in_all_its_slots(watched, monkeypatch):
    sent = []
    monkeypatch.setattr(canaries, "send_canary", lambda queue: sent.append(queue) or True)
    watched.slots = 1
    with watched.working():
        watched.start()
        assert not watched.gave_up.wait(1)
        assert sent == []
    assert watched.gave_up.wait(10)


def test_the_check_says_what_is_wrong(settings):
    assert check(settings) == "no worker runs here"
    one = Canaries(settings)
    one.start()
    assert check(settings) == ""
    sign = settings.uam_home / "workers" / f"{socket.gethostname()}-{os.getpid()}"
    sign.write_text(str(float(sign.read_text()) - 100))
    assert check(settings).startswith("a worker has consumed nothing for ")
    one.stop()
    assert check(settings) == "no worker runs here"


def test_a_new_worker_forgets_the_dead(settings):
    signs = settings.uam_home / "workers"
    signs.mkdir()
    ended = subprocess.Popen(["true"])
    ended.wait()
    (signs / f"{socket.gethostname()}-{ended.pid}").write_text("1.0")
    (signs / "elsewhere-1").write_text("1.0")
    one = Canaries(settings)
    one.start()
    names = {sign.name for sign in signs.iterdir()}
    assert names == {f"{socket.gethostname()}-{os.getpid()}", "elsewhere-1"}
    one.stop()
