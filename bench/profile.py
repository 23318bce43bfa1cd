"""How fast UAM profiles a CSV, beside DuckDB's bare SUMMARIZE, skrub and ydata-profiling.

Each runs in a process of its own, start and imports included; UAM as ``uam profile`` does, from
the file to the written page::

    python -m bench.profile [CSV …] [--rows 5000000] [--wide 5000] [--peers] [--rounds 1]

Without a file it makes its own: a table of ``--rows`` × 20 and one of 1,000 × ``--wide``. With
``--peers`` skrub's TableReport and ydata-profiling join in, each in an environment of its own
made by uv from PyPI, unless the file is too large for them to end within ``--patience`` seconds.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ingest import make_wide

ROOT = Path(__file__).resolve().parents[1]
SUMMARIZE = """
import sys, duckdb
connection = duckdb.connect(config={"threads": 2})
connection.sql(f"SUMMARIZE SELECT * FROM read_csv('{sys.argv[1]}')").fetchall()
"""
SKRUB = """
import sys, pathlib, pandas, skrub
skrub.TableReport(pandas.read_csv(sys.argv[1]), verbose=0).write_html(pathlib.Path(sys.argv[2]) / "skrub.html")
"""
YDATA = """
import sys, pandas
from ydata_profiling import ProfileReport
report = ProfileReport(pandas.read_csv(sys.argv[1]), minimal=True, progress_bar=False)
report.to_file(sys.argv[2] + "/ydata.html")
"""
PROFILE = """
import json, sys
from app.analysis.profile.jobs import profile
from app.analysis.progress import silent
from app.core.sandbox import default_memory_mb
out = sys.argv[2]
columns = json.load(open(out + "/read/columns.json"))
profile(source=out + "/read/data.parquet", out_dir=out, columns=columns,
        dataset={"name": "table", "size_bytes": 0}, target=None, seed=0, progress=silent,
        memory_mb=default_memory_mb())
"""
READ = """
import json, os, sys
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import silent
source, out = sys.argv[1], sys.argv[2] + "/read"
os.makedirs(out, exist_ok=True)
facts = ingest(source=source, filename=source, out_dir=out, options={},
               max_unpacked_bytes=2**40, progress=silent)
json.dump(facts["columns"], open(out + "/columns.json", "w"))
"""
PEERS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "skrub TableReport": (("skrub", "pandas", "matplotlib"), SKRUB),
    "ydata-profiling, minimal": (("ydata-profiling", "pandas<3", "setuptools<81"), YDATA),
}
LONG = """
SELECT i AS id, 2013 + (i % 3)::INT AS year, (1 + random() * 11.99)::INT AS month,
  date '2013-01-01' + (random() * 1000)::INT AS day,
  timestamp '2013-01-01' + to_seconds((random() * 86400000)::BIGINT) AS moment,
  (['UA', 'AA', 'B6', 'DL', 'EV', 'WN'])[1 + (random() * 5.99)::INT] AS carrier,
  'N' || (100 + random() * 4000)::INT || 'UA' AS tail, (random() * 8000)::INT AS flight,
  (['JFK', 'LGA', 'EWR'])[1 + (random() * 2.99)::INT] AS origin,
  'D' || (random() * 104)::INT AS dest, (-20 - ln(1 - random()) * 30)::INT AS delay,
  CASE WHEN random() < 0.03 THEN NULL ELSE (-30 - ln(1 - random()) * 40)::INT END AS arrival,
  round(random() * 900, 2) AS price, random() * random() * 1e4 AS weight,
  (50 + random() * 4900)::INT AS distance, random() < 0.1 AS cancelled,
  random() + random() + random() - 1.5 AS noise,
  CASE WHEN random() < 0.2 THEN NULL ELSE round(random() * 40, 1) END AS temp,
  (['on time', 'late aircraft', 'weather at the origin', 'carrier'])[1 + (random() * 3.99)::INT]
    || ' ' || (random() * 1000)::INT AS note, (random() * 24)::INT AS hour
FROM range({rows}) t(i)
"""


@dataclass(frozen=True)
class Cost:
    """What a process and its children took: seconds by the clock and of the processor, and the
    peak of resident memory in MB of the largest of them. ``None`` where it did not end."""

    seconds: float
    cpu_s: float
    peak_mb: float


def measured(argv: Sequence[str], patience_s: float) -> Cost | None:
    """Run a command quietly in a process of its own; ``None`` when it failed or did not end."""
    watch = (
        "import resource, subprocess, sys\n"
        "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)\n"
        "sys.exit(code)"
    )
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", watch, *argv],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        told, trouble = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # what it started, too
        process.communicate()
        return None
    seconds = time.perf_counter() - began
    if process.returncode:
        print(trouble.strip().splitlines()[-1:], file=sys.stderr)
        return None
    cpu_s, peak_mb = map(float, told.split()[-2:])
    return Cost(seconds, cpu_s, peak_mb)


def environment(folder: Path, packages: Sequence[str]) -> str:
    """The interpreter of a new environment that holds ``packages``, from PyPI."""
    uv = str(ROOT / ".tools/bin/uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python = str(folder / "bin/python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *packages], check=True)
    return python


def compare(
    name: str, source: Path, out: Path, peers: Mapping[str, str], patience_s: float, rounds: int
) -> None:
    """Print the lines of one file; all take turns, and the best round counts for each."""
    python = sys.executable
    uam = str(Path(sys.executable).with_name("uam"))
    runs = {
        "DuckDB SUMMARIZE": [python, "-c", SUMMARIZE, str(source)],
        "uam profile": [uam, "profile", str(source), "--out", str(out)],
        "of which reading": [python, "-c", READ, str(source), str(out)],
        "of which profiling": [python, "-c", PROFILE, str(source), str(out)],
    } | {
        peer: [interpreter, "-c", PEERS[peer][1], str(source), str(out)]
        for peer, interpreter in peers.items()
    }
    costs: dict[str, list[Cost | None]] = {label: [] for label in runs}
    for _ in range(rounds):
        for label, argv in runs.items():
            costs[label].append(measured(argv, patience_s))
    best = {
        label: min(filter(None, found), key=lambda cost: cost.seconds, default=None)
        for label, found in costs.items()
    }
    base = best["DuckDB SUMMARIZE"]
    for label, cost in best.items():
        if cost is None:
            print(f"| {name} | {label} | failed, or over {patience_s:.0f} s | | | |", flush=True)
            continue
        ratio = f"{cost.seconds / base.seconds:.1f}" if base else ""
        print(
            f"| {name} | {label} | {cost.seconds:.1f} | {cost.cpu_s:.1f} | {cost.peak_mb:.0f} | "
            f"{ratio} |",
            flush=True,
        )


def make_long(path: Path, rows: int) -> None:
    """A CSV of 20 columns: keys, years, days, moments, codes, whole numbers, numbers and texts."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"COPY ({LONG.format(rows=rows)}) TO '{path}' (FORMAT csv)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="CSV files; none: made here")
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the long table; 0: none")
    parser.add_argument("--wide", type=int, default=5_000, help="columns of the wide one; 0: none")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds given to each")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uam-profile-") as name:
        folder = Path(name)
        peers = {
            peer: environment(folder / f"peer-{i}", packages)
            for i, (peer, (packages, _)) in enumerate(PEERS.items())
            if given.peers
        }
        print("| file | what | seconds | CPU s | peak MB | of SUMMARIZE |\n" + "| --- " * 6 + "|")
        files = {path.stem: path.resolve() for path in given.files}
        if not files and given.rows:
            files[f"{given.rows:,} × 20"] = folder / "long.csv"
            make_long(folder / "long.csv", given.rows)
        if not given.files and given.wide:
            files[f"1,000 × {given.wide:,}"] = folder / "wide.csv"
            make_wide(folder / "wide.csv", given.wide)
        for label, path in files.items():
            out = folder / "out"
            out.mkdir(exist_ok=True)
            compare(label, path, out, peers, given.patience, given.rounds)


if __name__ == "__main__":
    main()
