"""What ``uam serve`` costs: until it is ready, when it idles, for an upload, for a prediction.

``python -m bench.serving`` prints one line a figure, on an embedded installation of its own.
"""

from __future__ import annotations

import csv
import io
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from tests.api.server import Server, serve
from tests.api.world import EXAMPLE_CSV, World, register

MB = 1024 * 1024
PREDICTIONS = 300
BULK_ROWS = 100_000
BULKS = 6
BUDGET_S = 60


def api_of(server: Server) -> psutil.Process:
    """The process that answers HTTP: it listens on the server's port."""
    port = int(server.base_url.rpartition(":")[2])
    listening = next(
        connection
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    )
    return psutil.Process(listening.pid)


def parts(server: Server) -> list[psutil.Process]:
    """Every process of the installation: the supervisor and all below it."""
    supervisor = api_of(server).parent()
    assert supervisor is not None
    return [supervisor, *supervisor.children(recursive=True)]


def idle_memory(server: Server) -> Iterator[tuple[str, float]]:
    """Resident and proportional memory of each process, in MB."""
    for process in parts(server):
        memory = process.memory_full_info()
        title = " ".join(process.cmdline())[:40]
        yield f"idle: {title}: resident {memory.rss / MB:.0f} MB, proportional", memory.pss / MB


def large_csv(megabytes: int) -> Path:
    """A CSV file of that size, of numbers and words, in the temporary directory."""
    draw = random.Random(0)
    words = ("alpha", "beta", "gamma", "delta")
    lines = [
        f"{n},{draw.random():.6f},{draw.choice(words)},{draw.randrange(10**6)},2024-01-{n % 28 + 1:02d}\n"
        for n in range(20_000)
    ]
    block = "".join(lines).encode()
    with tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as file:
        file.write(b"n,share,word,count,day\n")
        while file.tell() < megabytes * MB:
            file.write(block)
    return Path(file.name)


def upload_growth(server: Server, world: World, megabytes: int) -> tuple[float, float]:
    """By how many MB an upload makes the API grow at most, and its seconds."""
    api = api_of(server)
    before = peak = api.memory_info().rss
    path = large_csv(megabytes)
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, api.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        with path.open("rb") as file:
            answer = world.api.post("/datasets/upload", files={"file": file}, timeout=600)
        answer.raise_for_status()
    finally:
        done.set()
        watcher.join()
        path.unlink()
    return (peak - before) / MB, time.perf_counter() - started


def homes(rows: int, seed: int) -> bytes:
    """CSV of homes of nine columns: a price that depends on the others, and not on them alone."""
    draw = random.Random(seed)
    lines = ["city,kind,heating,size,rooms,age,floor,distance,price"]
    for _ in range(rows):
        city, kind = draw.randrange(40), draw.randrange(5)
        size, age = 20 + draw.expovariate(1 / 60), draw.randrange(120)
        distance = draw.expovariate(1 / 8)
        worth = size * (30 + city % 7 * 5 - min(distance, 20)) * (1 + kind / 9) - age * size / 9
        lines.append(
            f"city {city},kind {kind},{draw.choice(('gas', 'oil', 'pump'))},{size:.1f},"
            f"{max(1, round(size / 25))},{age},{draw.randrange(9)},{distance:.2f},"
            f"{worth * draw.gauss(1, 0.15):.0f}"
        )
    return ("\n".join(lines) + "\n").encode()


def trained(world: World, seconds: int) -> str:
    """The path of a model of 5,000 homes, learned within so many seconds."""
    dataset = world.upload(homes(5_000, 0))["dataset_id"]
    run_id = world.start(dataset, target="price", time_budget_s=seconds)
    status = world.wait(run_id)
    assert status["status"] == "COMPLETED", status
    model = next(m for m in world.api.get("/models").json() if m["run_id"] == run_id)
    return f"/models/{model['id']}/predict"


def prediction_times(world: World, path: str, *, kept: bool) -> list[float]:
    """Milliseconds of warm one-row predictions over HTTP, by one connection that is ``kept``, or
    by a new one each."""
    limits = httpx.Limits(max_keepalive_connections=1 if kept else 0)
    rows = list(csv.DictReader(io.StringIO(homes(PREDICTIONS + 10, 1).decode())))
    times = []
    with httpx.Client(base_url=world.api.base_url, headers=world.api.headers, limits=limits) as api:
        for n, row in enumerate(rows):
            started = time.perf_counter()
            api.post(path, json={"rows": [row]}).raise_for_status()
            if n >= 10:
                times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


def bulk_seconds(world: World, path: str) -> float:
    """Seconds until 100,000 rows of a CSV file are predicted, and the answer is here."""
    files = {"file": ("homes.csv", io.BytesIO(homes(BULK_ROWS, 2)))}
    started = time.perf_counter()
    answer = world.api.post(path, files=files, headers={"Accept": "text/csv"}, timeout=600)
    answer.raise_for_status()
    seconds = time.perf_counter() - started
    assert answer.status_code == 200, answer.text
    assert answer.text.count("\n") == BULK_ROWS + 1
    return seconds


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="uam-bench-") as name:
        started = time.perf_counter()
        with serve(Path(name), "embedded", {}) as server:
            print(f"ready after {time.perf_counter() - started:.1f} s")
            time.sleep(3)
            total = 0.0
            for label, megabytes in idle_memory(server):
                total += megabytes
                print(f"{label} {megabytes:.0f} MB")
            print(f"idle: together {total:.0f} MB (proportional)")
            world = register(server)
            world.upload(io.BytesIO(EXAMPLE_CSV).read())
            growth, seconds = upload_growth(server, world, 100)
            print(f"upload of 100 MB: API grows by {growth:.0f} MB, {seconds:.1f} s")
            path = trained(world, BUDGET_S)
            for kept in (False, True, False, True):
                times = prediction_times(world, path, kept=kept)
                print(
                    f"one warm prediction by {'a kept connection' if kept else 'a new one'}: "
                    f"median {statistics.median(times):.1f} ms, "
                    f"95 % {times[int(len(times) * 0.95)]:.1f} ms"
                )
            times = [bulk_seconds(world, path) for _ in range(BULKS)]
            print(
                f"{BULK_ROWS:,} rows of CSV: the first {times[0]:.1f} s, "
                f"then {statistics.median(times[1:]):.1f} s in the median"
            )


if __name__ == "__main__":
    main()
