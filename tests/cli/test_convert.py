"""``uam convert``."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import pty
import re
import subprocess
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from tests.cli.conftest import UAM, Run, one_line, write_shops

SEMICOLONS = "name;amount\nA;1,5\nB;2,5\n=C;3,5\n"


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_file_is_written_as_it_was_read(uam: Run, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(SEMICOLONS)
    done = uam("convert", "x.csv", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert read_csv(tmp_path / "out" / "x.csv") == [
        *(["name", "amount"], ["A", "1,5"], ["B", "2,5"], ["=C", "3,5"]),
    ]
    schema = json.loads((tmp_path / "out" / "x.schema.json").read_text())
    assert [column["type"] for column in schema["columns"]] == ["id", "number"]
    assert schema["read"]
    assert "warnings" in schema


def test_a_folder_stands_for_its_files(uam: Run, tmp_path: Path) -> None:
    for name in ("in/a.csv", "in/deep/b.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SEMICOLONS)
    done = uam("convert", "in", "--out", "out", "--to", "parquet")
    assert done.returncode == 0, done.stderr
    for name in ("a", "deep/b"):
        table = pq.read_table(tmp_path / "out" / f"{name}.parquet")
        assert table.column_names == ["name", "amount"]
        assert table.num_rows == 3


def test_what_cannot_be_read_is_told_and_skipped(uam: Run, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(SEMICOLONS)
    (tmp_path / "bad.csv").write_bytes(bytes(range(256)) * 20)
    done = uam("convert", "bad.csv", "x.csv", "missing.csv", "--out", "out")
    assert done.returncode == 0
    assert "bad.csv" in done.stderr
    assert "missing.csv" in done.stderr
    assert sorted(os.listdir(tmp_path / "out")) == ["x.csv", "x.schema.json"]


def test_when_nothing_can_be_read_the_code_is_1(uam: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(bytes(range(256)) * 20)
    done = uam("convert", "bad.csv", "--out", "out")
    assert done.returncode == 1
    assert one_line(done.stderr)


def test_a_reader_that_dies_costs_one_file(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    names = [f"{number:03d}" for number in range(150)]
    for name in names:
        (source / f"{name}.csv").write_text(SEMICOLONS)
    process = subprocess.Popen(
        [str(UAM), "convert", str(source), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(list(out.glob("*.csv"))) < 5:
        assert process.poll() is None
        time.sleep(0.01)
    children = psutil.Process(process.pid).children()
    for child in children:
        child.kill()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "SIGKILL" in told
    assert not list(out.glob(".*"))
    written = {path.stem for path in out.glob("*.csv")}
    assert len(set(names) - written) <= len(children)
    assert told.count("warning: ") <= len(children)
    assert f" of {len(names)} files converted" in told


def test_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    write_shops(tmp_path / "x.csv")
    ours, terminal = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm"}
    command = [str(UAM), "convert", "x.csv", "--out", "out"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=terminal
    ) as running:
        os.close(terminal)
        shown = b""
        # Linux tells the end of a terminal as an error.
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 4096):
                shown += chunk
        assert running.wait(60) == 0
    os.close(ours)
    text = shown.decode()
    assert "converting" in text
    assert re.search(r"\b100%", text), text
    assert "1 of 1 files converted" in text
