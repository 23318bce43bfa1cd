"""Shared metrics have their room before they are used, or are not shared."""

import os
import subprocess
import sys

SCRIPT = """
import os, resource, sys
from app.core.metric_files import RESERVED_BYTES, VARIABLE, reserve
room = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
reserve()
from app.core.telemetry import REQUESTS, metrics_page
REQUESTS.labels("GET", "/", "200").inc()
print(VARIABLE in os.environ, b"http_requests_total" in metrics_page()[0])
"""


def run(directory, room):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(room)],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_blocks_of_every_file_are_there(tmp_path):
    assert run(tmp_path, 2**30) == ["True", "True"]
    files = list(tmp_path.glob("*.db"))
    assert {path.name.partition("_")[0] for path in files} == {"counter", "histogram"}
    for path in files:
        found = path.stat()
        assert found.st_blocks * 512 >= found.st_size >= 128 * 1024


def test_without_room_a_process_keeps_its_metrics_to_itself(tmp_path):
    assert run(tmp_path, 200_000) == ["False", "True"]
    assert list(tmp_path.iterdir()) == []
