"""What a thousand open event streams cost the API: its memory before, with them, and after news.

Starts an API of its own, without a worker, so that the run that is followed never ends.
``python bench/streams.py [STREAMS]`` prints one line; nothing here is a test.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from tests.api.server import free_port

MB = 1024 * 1024
TABLE = b"city,size\n" + b"".join(b"%s,%d\n" % ((b"Bonn", b"Graz")[i % 2], i) for i in range(100))


@contextmanager
def running_api(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """``uam api`` on an embedded database; yields its address and its process."""
    environment = {"PATH": os.environ["PATH"], "UAM_HOME": str(home), "HOME": str(home)}
    uam = [sys.executable, "-m", "app.cli"]
    subprocess.run([*uam, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    api = subprocess.Popen([*uam, "api", "--port", str(port)], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _until_it_answers(url)
        yield url, psutil.Process(api.pid)
    finally:
        api.send_signal(signal.SIGTERM)
        api.wait(30)


def _until_it_answers(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{url}/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the API did not start")


def start_a_run(url: str) -> tuple[str, str]:
    """Register, upload and start; returns the token and the run."""
    client = httpx.Client(base_url=url, timeout=60)
    person = {
        "name": "Ada",
        "email": f"{secrets.token_hex(4)}@example.com",
        "password": secrets.token_hex(),
    }
    token = client.post("/auth/register", json=person).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    dataset = client.post("/datasets/upload", files={"file": ("t.csv", TABLE)}).json()
    started = client.post("/runs/start", json={"dataset_id": dataset["dataset_id"], "options": {}})
    return token, started.json()["run_id"]


async def open_stream(
    url: str, token: str, run_id: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream of the run's events, past its first event."""
    host = urlsplit(url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    request = f"GET /runs/{run_id}/events HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}"
    writer.write(f"{request}\r\n\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"\nid: "), 120)
    return reader, writer


async def measure(url: str, api: psutil.Process, streams: int) -> str:
    """Open the streams and say what they cost."""
    token, run_id = await asyncio.to_thread(start_a_run, url)
    # Threads and imports that the first streams bring are not theirs.
    first = [await open_stream(url, token, run_id) for _ in range(10)]
    before = api.memory_info().rss
    begun = time.monotonic()
    gate = asyncio.Semaphore(50)

    async def one() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with gate:
            return await open_stream(url, token, run_id)

    opened = await asyncio.gather(*(one() for _ in range(streams)))
    took = time.monotonic() - begun
    cost = (api.memory_info().rss - before) / MB
    busy = api.cpu_times()
    await asyncio.sleep(20)  # a keepalive comment passes through each
    idle = api.cpu_times()
    kept = (api.memory_info().rss - before) / MB
    used = (idle.user + idle.system - busy.user - busy.system) / 20
    begun = time.monotonic()
    headers = {"Authorization": f"Bearer {token}"}
    answer = await asyncio.to_thread(
        httpx.post, f"{url}/runs/{run_id}/cancel", headers=headers, timeout=60
    )
    answer.raise_for_status()
    await asyncio.gather(
        *(asyncio.wait_for(reader.readuntil(b"event: done"), 120) for reader, _ in opened)
    )
    told = time.monotonic() - begun
    for _, writer in (*first, *opened):
        writer.close()
    return (
        f"{streams} streams: opened in {took:.1f} s, {cost:.0f} MiB, after 20 s {kept:.0f} MiB "
        f"and {used:.0%} of a core; all told of the end in {told:.1f} s"
    )


def main() -> None:
    """Measure and print."""
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as home, running_api(Path(home)) as (url, api):
        print(asyncio.run(measure(url, api, streams)))


if __name__ == "__main__":
    main()
