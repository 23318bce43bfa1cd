"""A long read tells how far it is: a rising share, and at times a line with percent and rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.analysis.ingest import careful, watch
from app.analysis.ingest.jobs import ingest
from app.analysis.ingest.watch import Stretch, rising, watched
from app.commands import convert_child

Told = list[tuple[float, str]]


class Listener:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.told: Told = []

    def __call__(
        self,
        fraction: float,
        message: str = "",
        *,
        level: str = "INFO",
        leaderboard: dict[str, Any] | None = None,
    ) -> None:
        assert level in ("INFO", "WARNING")
        assert leaderboard is None
        self.told.append((fraction, message))


def test_a_stretch_tells_tenths_but_not_too_often() -> None:
    heard, now = Listener(), 0.0
    stretch = Stretch(heard, 0.2, 0.6, "Reading the rows", 1_000_000, clock=lambda: now)
    stretch(0.25)  # too soon for a line
    now = 6.0
    stretch(0.5)
    now = 7.0
    stretch(0.75)  # too soon after the last one
    now = 12.0
    stretch(0.55)  # a second try begins anew: nothing to tell
    stretch(0.8)
    assert [round(fraction, 3) for fraction, _ in heard.told] == [0.3, 0.4, 0.5, 0.52]
    assert [message for _, message in heard.told] == [
        "",
        "Reading the rows: 50%, about 500,000 rows",
        "",
        "Reading the rows: 80%, about 800,000 rows",
    ]


def test_what_would_fall_stays() -> None:
    heard = Listener()
    tell = rising(heard)
    for fraction in (0.1, 0.5, 0.3, 0.7):
        tell(fraction)
    assert [fraction for fraction, _ in heard.told] == [0.1, 0.5, 0.5, 0.7]


def test_the_engine_is_watched_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_PAUSE_S", 0.001)
    heard = Listener()
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    with watched(connection, Stretch(heard, 0.0, 1.0, "Counting")):
        # Work enough that it is looked at, whatever else the machine does.
        for _ in range(50):
            connection.execute("SELECT sum(hash(i)) FROM range(3_000_000) t(i)").fetchall()
            if heard.told:
                break
    assert heard.told
    fractions = [fraction for fraction, _ in heard.told]
    assert fractions == sorted(fractions)


@pytest.fixture
def long_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is long, and every time is worth a line."""
    monkeypatch.setattr("app.analysis.ingest.stacks.HELD_BYTES", -1)
    monkeypatch.setattr(watch, "_PAUSE_S", 0.0005)
    monkeypatch.setattr(watch, "_QUIET_S", 0.0)
    monkeypatch.setattr(careful, "_TELLING_ROWS", 500)


def read_told(folder: Path, line: Callable[[int], str], rows: int) -> Told:
    source, heard = folder / "t.csv", Listener()
    source.write_text("a,b,c\n" + "".join(line(n) for n in range(rows)))
    (folder / "out").mkdir()
    ingest(
        source=str(source),
        filename="t.csv",
        out_dir=str(folder / "out"),
        options={},
        max_unpacked_bytes=2**30,
        progress=heard,
    )
    return heard.told


@pytest.mark.usefixtures("long_reads")
def test_a_long_clean_text_tells_how_far_it_is(tmp_path: Path) -> None:
    told = read_told(tmp_path, lambda n: f"{n},{n / 8},x{n % 7} y\n", 200_000)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    lines = [message for _, message in told if message.startswith("Reading the rows: ")]
    assert lines
    assert all("%, about " in line and line.endswith(" rows") for line in lines)
    assert any(0.05 < fraction <= 0.55 for fraction in fractions)


@pytest.mark.usefixtures("long_reads")
def test_a_long_irregular_text_tells_how_far_it_is(tmp_path: Path) -> None:
    told = read_told(tmp_path, lambda n: f"{n},x\n" if n % 9 else f"{n},x,y,z\n", 20_000)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert sum(message.startswith("Reading row by row: ") for _, message in told) >= 5


@pytest.mark.usefixtures("long_reads")
@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_converting_one_long_file_moves_the_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: Any
) -> None:
    monkeypatch.setattr(convert_child, "LONG_S", 0.0)
    source, heard = tmp_path / "t.csv", Listener()
    source.write_text("a,b\n" + "".join(f"{n},x{n % 7} y\n" for n in range(200_000)))
    (tmp_path / "out").mkdir()
    convert_child.convert_all(
        sources=[str(source)],
        out=str(tmp_path / "out"),
        to=to,
        skip=[],
        record=str(tmp_path / "record"),
        work=str(tmp_path),
        progress=heard,
    )
    fractions = [fraction for fraction, _ in heard.told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len({fraction for fraction in fractions if 0.05 < fraction < 0.95}) >= 3
    assert any(message.startswith("Reading the rows: ") for _, message in heard.told)
