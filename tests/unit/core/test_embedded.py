"""The embedded broker and the lock on ``UAM_HOME``, with the real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kombu
import psutil
import pytest
import redis

from app.core.embedded import EmbeddedError, HomeLock, embed_broker
from app.core.redis_urls import for_celery, for_limits
from tests.unit.core.supervised import Supervised, alive, until

HOLD = """
import sys, time
from pathlib import Path
from app.core.embedded import HomeLock
lock = HomeLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def holder(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_one_home_serves_one_at_a_time(tmp_path):
    with holder(tmp_path / "home") as process:
        with pytest.raises(EmbeddedError, match=rf"pid {process.pid}\).*already serves"):
            HomeLock(tmp_path / "home")
        with HomeLock(tmp_path / "other"):
            pass


def test_the_lock_of_one_that_was_killed_is_free(tmp_path):
    with holder(tmp_path) as process:
        process.kill()
        process.wait()
        with HomeLock(tmp_path):
            assert (tmp_path / "serve.lock").read_text() == f"{os.getpid()}\n"
    with HomeLock(tmp_path):
        pass


def test_the_lock_waits_for_the_heirs_of_one_that_was_killed(tmp_path):
    """As a guard does: it inherits the descriptor and lives a moment longer."""
    heir = "import subprocess; subprocess.Popen(['sleep', '1'], pass_fds=[lock.descriptor])"
    code = HOLD.replace("print(", f"{heir}\nprint(")
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    process.kill()
    process.wait()
    process.stdout.close()
    with HomeLock(tmp_path):
        pass


def test_a_home_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match="UAM_HOME"):
        HomeLock(tmp_path / "file")


@contextmanager
def broker(home: Path, log: Path) -> Iterator[tuple[Supervised, redis.Redis, str]]:
    """The embedded broker, supervised as in ``uam serve``."""
    embedded = embed_broker(home)
    log.mkdir(exist_ok=True)
    supervised = Supervised(log, embedded.part)
    client = redis.Redis.from_url(embedded.url)
    try:
        until(lambda: answers(client))
        yield supervised, client, embedded.url
    finally:
        client.close()
        supervised.clean_up()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture(params=["home", "with space & ünicode", "deep/" * 30 + "home"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / request.param


def test_only_this_user_reaches_the_broker(home, tmp_path):
    with broker(home, tmp_path / "log") as (_, client, url):
        assert client.config_get("port") == {"port": "0"}
        socket = Path(client.config_get("unixsocket")["unixsocket"])
        assert len(os.fsencode(socket)) < 104
        for private in (socket, socket.parent, home / "valkey"):
            assert private.stat().st_mode & 0o077 == 0
        server = psutil.Process(client.info("server")["process_id"])
        assert server.net_connections("tcp") == []
        with kombu.Connection(for_celery(url)) as connection:
            queue = connection.SimpleQueue("test")
            queue.put({"run": 1})
            message = queue.get(timeout=5)
            assert message.payload == {"run": 1}
            message.ack()


def test_what_is_queued_survives_a_kill_and_a_restart(tmp_path):
    with broker(tmp_path / "home", tmp_path / "log") as (supervised, client, _):
        client.lpush("uam", "one")
        # Written to the file when it is answered; synced within the second.
        first = client.info("server")["process_id"]
        os.kill(first, signal.SIGKILL)
        until(lambda: answers(client))
        assert client.info("server")["process_id"] != first
        assert client.lrange("uam", 0, -1) == [b"one"]
        client.lpush("uam", "two")
        assert supervised.stop() == 0
    with broker(tmp_path / "home", tmp_path / "log") as (_, client, _):
        assert client.lrange("uam", 0, -1) == [b"two", b"one"]


def test_the_broker_ends_with_a_supervisor_that_is_killed(tmp_path):
    with broker(tmp_path / "home", tmp_path / "log") as (supervised, client, _):
        server = client.info("server")["process_id"]
        supervised.kill()
        until(lambda: not alive(server))
    with broker(tmp_path / "home", tmp_path / "log") as (_, client, _):
        assert answers(client)


def test_a_file_that_cannot_be_read_is_set_aside(tmp_path):
    home = tmp_path / "home"
    with broker(home, tmp_path / "log") as (_, client, _):
        client.lpush("uam", "one")
    (written,) = (home / "valkey" / "data" / "appendonlydir").glob("*.incr.aof")
    written.write_bytes(bytes(64) + written.read_bytes())
    with broker(home, tmp_path / "log") as (supervised, client, _):
        assert client.exists("uam") == 0
        assert supervised.told("cannot be read")
        client.lpush("uam", "two")
    assert (home / "valkey" / "data.unreadable").is_dir()
    with broker(home, tmp_path / "log") as (_, client, _):
        assert client.lrange("uam", 0, -1) == [b"two"]


def test_a_directory_of_somebody_else_is_refused(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (home / "valkey").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedError, match="UAM_HOME"):
        embed_broker(home)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("url", "celery", "limits"),
    [
        ("redis://h:1/2", "redis://h:1/2", "redis://h:1/2"),
        ("rediss://:p@h", "rediss://:p@h", "rediss://:p@h"),
        ("unix:///a/b?db=3", "redis+socket:///a/b?virtual_host=3", "redis+unix:///a/b?db=3"),
        ("unix:///a%20b", "redis+socket:///a%20b?virtual_host=0", "redis+unix:///a%20b"),
        (
            "unix://:p@/a?db=1",
            "redis+socket://:p@/a?virtual_host=1",
            "redis+unix://:p@/a?db=1",
        ),
    ],
)
def test_each_library_gets_its_own_spelling(url, celery, limits):
    assert (for_celery(url), for_limits(url)) == (celery, limits)
