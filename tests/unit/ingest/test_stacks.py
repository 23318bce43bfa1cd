"""Columns judged end to end: the answers are those of the engine asked about each by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.analysis.ingest import stacks, write
from app.analysis.ingest.parts import PartWriter

COLUMNS = 180
# One cell of each row for every way of judging: numbers, gaps, dates, codes, mixtures, NA, texts.
CELLS = (
    lambda i: str(i * 37 % 1000),
    lambda i: "NA" if i % 9 == 0 else f"{i / 7:.3f}",
    lambda i: f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}",
    lambda i: "see note" if i == 40 else str(i),
    lambda i: ("DE", "FR", "NA", "AT")[i % 4],
    lambda i: f'"some, words {i}"',
    lambda i: ("True", "False", "")[i % 3],
    lambda i: f"{i % 31 + 1:02d}/{i % 12 + 1:02d}/2023",
    lambda i: "null" if i % 5 == 0 else f"c{i % 3}",
    lambda i: "0.1234567890123456789" if i % 4 == 0 else "0.5",
    lambda i: f" {i} ",
    lambda i: f"0{i % 50}",
)


def table(rows: int) -> str:
    names = ",".join(f"column {i}" for i in range(COLUMNS))
    lines = [",".join(CELLS[i % len(CELLS)](n) for i in range(COLUMNS)) for n in range(rows)]
    return "\n".join([names, *lines]) + "\n"


@pytest.mark.parametrize("rows", [0, 1, 60])
def test_held_parked_and_side_by_side_agree(
    read: Any, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    content = table(rows)
    held = read(content)
    monkeypatch.setattr(stacks, "HELD_BYTES", -1)
    monkeypatch.setattr(stacks, "_GROUP", 7)
    monkeypatch.setattr(stacks, "STACK_BYTES", 20 * max(rows, 1) * 30)
    parked = read(content)
    monkeypatch.setattr(stacks, "_LEAST_COLUMNS", 10**9)
    monkeypatch.setattr(write, "STACKED", 10**9)
    alone = read(content)
    assert held.result == parked.result == alone.result
    assert held.preview == parked.preview == alone.preview
    # Values and types; whether Parquet says "not null" is for whoever wrote it.
    tables = [pq.read_table(one.data) for one in (held, parked, alone)]
    assert tables[0].schema.types == tables[1].schema.types == tables[2].schema.types
    assert tables[0].to_pylist() == tables[1].to_pylist() == tables[2].to_pylist()


def test_rows_keep_their_order_in_a_long_stack(read: Any) -> None:
    rows = 5000
    names = ",".join(f"n{i}" for i in range(70))
    lines = (",".join(str(n * 70 + i) for i in range(70)) for n in range(rows))
    frame = read("\n".join([names, *lines]) + "\n").frame()
    assert (frame.to_numpy().ravel() == range(rows * 70)).all()


def test_a_value_of_one_column_as_a_form_of_it() -> None:
    assert write._form("coalesce(TRY_CAST(c12 AS BIGINT), c12 || 'c12')") == (
        12,
        "coalesce(TRY_CAST({c} AS BIGINT), {c} || 'c12')",
    )
    assert write._form("NULL::VARCHAR") == (0, "NULL::VARCHAR")


def test_batches_of_a_wide_table_share_a_row_group(tmp_path: Path) -> None:
    width, rows = 2000, 1500
    with PartWriter(tmp_path) as parts:
        for n in range(rows):
            parts.append([str(n)] * width)
    (path,) = tmp_path.iterdir()
    metadata = pq.read_metadata(path)
    assert (metadata.num_rows, metadata.num_columns) == (rows, width)
    # Batches of 400,000 cells would have been 8.
    assert metadata.num_row_groups <= 2
    column: pa.ChunkedArray = pq.read_table(path, columns=["c7"]).column(0)
    assert column.to_pylist() == [str(n) for n in range(rows)]


ALONE = """
import sys, tempfile
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import silent
with tempfile.TemporaryDirectory() as out:
    ingest(source=sys.argv[1], filename=sys.argv[1], out_dir=out, options={},
        max_unpacked_bytes=2**30, progress=silent)
print([name for name in ("pandas", "pyarrow.dataset") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", "a,b\n1,x y\n2,z\n"), ("t.json", '[{"a": 1, "b": "x"}]')]
)
def test_a_small_file_waits_for_no_large_library(tmp_path: Path, name: str, content: str) -> None:
    source = tmp_path / name
    source.write_text(content)
    argv = [sys.executable, "-c", ALONE, str(source)]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
