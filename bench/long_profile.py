"""The profile of a Parquet file that is longer than the memory it may take.

    .venv/bin/python -m bench.long_profile --rows 100000000 --memory 1024

Makes the file in the temporary directory (about 10 bytes a cell), profiles it in a process of
its own, and prints the seconds of the clock and of the processor and the peak of resident
memory. Up to three times the bytes of a column are needed on the disk besides.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.profile import measured

COLUMNS = {
    "key": ("id", "i"),
    "moment": ("datetime", "TIMESTAMP '2015-01-01' + INTERVAL 1 SECOND * (hash(i) % 300000000)"),
    "day": ("datetime", "DATE '2020-01-01' + (hash(i + 1) % 2000)::INT"),
    "carrier": ("categorical", "['AA', 'B6', 'DL', 'UA', 'WN'][1 + (hash(i + 2) % 5)::INT]"),
    "route": ("categorical", "'R' || (hash(i + 3) % 4000)"),
    "delay": ("integer", "CASE WHEN hash(i + 4) % 8 = 0 THEN NULL ELSE hash(i + 5) % 900 END::INT"),
    "price": ("number", "(hash(i + 6) % 9000000) / 100.0"),
    "weight": ("number", "sqrt((hash(i + 7) % 1000000000)::DOUBLE) * 1.25"),
    "noise": ("number", "CASE WHEN hash(i + 8) % 5 = 0 THEN NULL ELSE hash(i + 9)::DOUBLE END"),
    "late": ("boolean", "hash(i + 10) % 10 = 0"),
    "year": ("integer", "(2000 + hash(i + 11) % 24)::INT"),
}
UNLIKE = {"note": ("text", "'passenger ' || hash(i + 12) || ' of ' || hash(i + 13) % 1000")}

PROFILE = """
import json, sys
from app.analysis.profile.jobs import profile
from app.analysis.progress import silent
source, out, columns, memory = sys.argv[1:]
profile(source=source, out_dir=out, columns=json.loads(columns), dataset={"name": "long"},
        target=None, seed=0, progress=silent, memory_mb=int(memory) or None)
"""


def make(path: Path, rows: int, columns: dict[str, tuple[str, str]]) -> None:
    """The Parquet file, written a row group at a time."""
    import duckdb

    cells = ", ".join(f"{cell} AS {name}" for name, (_, cell) in columns.items())
    with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(
            f"COPY (SELECT {cells} FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--memory", type=int, default=1024, help="MB; 0: any amount")
    parser.add_argument("--columns", nargs="*", help="some of them only")
    parser.add_argument("--note", action="store_true", help="a text too that is never the same")
    parser.add_argument("--patience", type=float, default=3_600.0)
    given = parser.parse_args()
    columns = COLUMNS | (UNLIKE if given.note else {})
    columns = {name: columns[name] for name in given.columns or columns}
    with tempfile.TemporaryDirectory(prefix="uam-long-") as name:
        path, out = Path(name) / "long.parquet", Path(name) / "out"
        out.mkdir()
        make(path, given.rows, columns)
        schema = [{"name": column, "type": kind} for column, (kind, _) in columns.items()]
        told = json.dumps(schema), str(given.memory)
        cost = measured([sys.executable, "-c", PROFILE, str(path), str(out), *told], given.patience)
        shape = f"{given.rows:,} × {len(columns)}, {path.stat().st_size / 1e6:,.0f} MB"
        if cost is None:
            print(f"{shape}: failed, or over {given.patience:.0f} s")
            return
        document = json.loads((out / "profile.json").read_text("utf-8"))
        print(
            f"{shape}, {given.memory} MB: {cost.seconds:.0f} s, {cost.cpu_s:.0f} s of the "
            f"processor, peak {cost.peak_mb:.0f} MB, {document['dataset']['duplicate_rows']} "
            "duplicate rows"
        )


if __name__ == "__main__":
    main()
