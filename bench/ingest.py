"""How fast UAM reads, beside DuckDB's own copy of the same file; for workbooks beside calamine,
bare, through pandas and through polars.

Everything is made in a temporary folder and read in a child of its own, UAM as an upload does::

    python -m bench.ingest [--mb 1000] [--rounds 2] [--rows 100000] [--wide 1200 5000]

Prints seconds, MB/s, the ratio to the peer, and the child's peak of resident memory. Peers and
UAM take turns, because a machine that is busy is busy for both.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

MB = 1_000_000
_BLOCK_ROWS = 20_000
_TEXTS = ("on time", "late aircraft", "weather at the origin", "carrier", "air system, all of it")

UAM = """
import sys
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import silent
source, out = sys.argv[1:]
ingest(source=source, filename=source, out_dir=out, options={}, max_unpacked_bytes=2**40,
       progress=silent)
"""
DUCKDB = """
import sys, duckdb
source, out = sys.argv[1:]
connection = duckdb.connect(config={"threads": 2})
connection.execute(f"COPY (SELECT * FROM read_csv('{source}')) TO '{out}/data.parquet'")
"""
CALAMINE = """
import sys
from python_calamine import CalamineWorkbook
rows = CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).to_python()
"""
PANDAS = """
import sys, pandas
source, out = sys.argv[1:]
pandas.read_excel(source, engine="calamine").to_parquet(f"{out}/data.parquet")
"""
# Installed for the bench only (pip install polars fastexcel); left out where it is not.
POLARS = """
import sys, polars
source, out = sys.argv[1:]
polars.read_excel(source, engine="calamine").write_parquet(f"{out}/data.parquet")
"""


@dataclass(frozen=True)
class Cost:
    """What a child took: seconds by the clock and of the processor, and its peak in MB."""

    seconds: float
    cpu_s: float
    peak_mb: float


def run(program: str, source: Path) -> Cost:
    """Run a program in a child of its own; raises ``CalledProcessError`` when it fails."""
    with tempfile.TemporaryDirectory(dir=source.parent) as out:
        wrapped = (
            f"{program}\nimport resource\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
        )
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        argv = [sys.executable, "-c", wrapped, str(source), out]
        told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, cpu_s, float(told.split()[-1]))


def make_flights(path: Path, megabytes: int) -> None:
    """A CSV of about that size: whole numbers, numbers, dates, codes, truth values and texts."""
    draw = random.Random(0)
    first = date(2015, 1, 1)
    block = "".join(
        f"{first + timedelta(days=draw.randrange(3000))},{draw.choice('ABDU')}{draw.choice('ALX')},"
        f"{draw.randrange(1, 9999)},N{draw.randrange(100, 999)}UA,{draw.choice(('JFK', 'SFO', 'ORD'))},"
        f"{draw.choice(('LAX', 'BOS', 'SEA', 'DEN'))},{draw.gauss(8, 30):.1f},"
        f"{draw.randrange(-60, 400) if draw.random() > 0.02 else ''},{draw.randrange(50, 5000)},"
        f"{draw.random() * 900:.4f},{draw.choice(('True', 'False'))},"
        f'"{draw.choice(_TEXTS)} {draw.randrange(1000)}"\n'
        for _ in range(_BLOCK_ROWS)
    )
    header = "day,carrier,flight,tail,origin,dest,delay,arrival,distance,price,diverted,note\n"
    with path.open("w") as file:
        file.write(header)
        for _ in range(max(1, megabytes * MB // len(block))):
            file.write(block)


def make_wide(path: Path, columns: int, rows: int = 1000) -> None:
    """A CSV of many columns of five kinds."""
    draw = random.Random(0)
    kinds: tuple[Callable[[], object], ...] = (
        lambda: draw.randrange(100_000),
        lambda: f"{draw.random() * 1000:.4f}",
        lambda: date(2020, 1, 1) + timedelta(days=draw.randrange(1000)),
        lambda: draw.choice(("red", "green", "blue", "B6")),
        lambda: f"some words {draw.randrange(10**6)}",
    )
    with path.open("w") as file:
        file.write(",".join(f"column {i}" for i in range(columns)) + "\n")
        for _ in range(rows):
            file.write(",".join(str(kinds[i % len(kinds)]()) for i in range(columns)) + "\n")


def make_workbook(path: Path, rows: int) -> None:
    """A sheet of ten columns: numbers, texts and dates."""
    import xlsxwriter

    draw = random.Random(0)
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [f"column {i}" for i in range(10)])
    for row in range(1, rows + 1):
        numbers = [draw.randrange(10_000) for _ in range(4)] + [draw.random() for _ in range(3)]
        sheet.write_row(row, 0, [*numbers, "green", f"a text of {row}", "2024-05-06"])
    book.close()


def compare(name: str, source: Path, peer: str, program: str, rounds: int) -> None:
    """Print a line of the table; the best of the rounds counts for either side."""
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(run(program, source))
        ours.append(run(UAM, source))
    own = min(ours, key=lambda cost: cost.seconds)
    other = min(theirs, key=lambda cost: cost.seconds)
    size = source.stat().st_size / MB
    print(
        f"| {name}, {size:,.0f} MB | {own.seconds:.1f} s ({own.cpu_s:.1f} CPU) | "
        f"{size / own.seconds:.0f} MB/s | {own.peak_mb:.0f} MB | {peer}: {other.seconds:.1f} s "
        f"({other.cpu_s:.1f} CPU), {other.peak_mb:.0f} MB | {own.seconds / other.seconds:.1f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=1000, help="size of the long CSV; 0 for none")
    parser.add_argument("--wide", type=int, nargs="*", default=[1200, 5000], help="columns")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the sheet; 0 for none")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    print(
        "| file | UAM | speed | peak | beside | UAM / peer |\n| --- | --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory(prefix="uam-ingest-") as name:
        source = Path(name) / "table.csv"
        if given.mb:
            make_flights(source, given.mb)
            compare("12 columns", source, "DuckDB", DUCKDB, given.rounds)
        for columns in given.wide:
            make_wide(source, columns)
            compare(f"1,000 × {columns:,}", source, "DuckDB", DUCKDB, given.rounds)
        if given.rows:
            book = Path(name) / "table.xlsx"
            make_workbook(book, given.rows)
            peers = {"bare calamine": CALAMINE, "pandas by calamine": PANDAS}
            if all(map(find_spec, ("polars", "fastexcel"))):
                peers["polars by calamine"] = POLARS
            for peer, program in peers.items():
                compare(f"{given.rows:,} × 10 xlsx", book, peer, program, given.rounds)


if __name__ == "__main__":
    main()
