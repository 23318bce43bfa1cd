"""Packed files of SPSS gone through once: pieces that are files of their own, and hold the same."""

from __future__ import annotations

import struct

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from app.analysis.errors import BadTable
from app.analysis.ingest import spss_cases, statistics
from app.analysis.ingest.spss_cases import packed_cases, pieces

ROWS = 1000


def frame(columns: int) -> pd.DataFrame:
    draw = np.random.default_rng(columns)
    kinds = (
        lambda: draw.integers(0, 100, ROWS).astype(float),
        lambda: draw.normal(size=ROWS),
        lambda: [None if i % 7 == 0 else f"text {i} " + "x" * (i % 400) for i in range(ROWS)],
        lambda: pd.to_datetime("2024-01-31 10:05") + pd.to_timedelta(np.arange(ROWS), unit="h"),
        lambda: np.where(draw.random(ROWS) < 0.2, np.nan, 7.0),
    )
    return pd.DataFrame({f"v{i}": kinds[i % len(kinds)]() for i in range(columns)})


@pytest.fixture(params=["row", "zlib"])
def saved(request, tmp_path):
    """Writes a file that is packed by commands, or those by zlib."""

    def write(table: pd.DataFrame, **options):
        path = tmp_path / f"made-{len(table.columns)}.sav"
        how = {"compress": True} if request.param == "zlib" else {"row_compress": True}
        labels = {"v0": {1: "one", 2: "a longer label"}}
        pyreadstat.write_sav(
            table, str(path), variable_value_labels=labels, note="a note", **how, **options
        )
        return path

    return write


@pytest.mark.parametrize("read_bytes", [8, 1000, 4 * 2**20])
@pytest.mark.parametrize("columns", [1, 2, 3, 5, 8])
def test_pieces_hold_what_the_file_holds(tmp_path, monkeypatch, saved, columns, read_bytes):
    monkeypatch.setattr(spss_cases, "_READ_BYTES", read_bytes)
    path, piece = saved(frame(columns)), tmp_path / "piece.sav"
    whole, about = pyreadstat.read_sav(str(path), output_format="dict")
    packed = packed_cases(path)
    assert packed is not None
    found = {name: [] for name in whole}
    counts = []
    for count in pieces(packed, 100, piece):
        part, told = pyreadstat.read_sav(str(piece), output_format="dict")
        assert told.number_rows == count
        assert told.variable_value_labels == about.variable_value_labels
        counts.append(count)
        for name, cells in part.items():
            found[name] += cells
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(whole))
    assert sum(counts) == ROWS
    assert len(counts) > 5
    assert all(100 <= count < 110 for count in counts[:-1])


def test_a_packed_file_is_gone_through_once(read, saved, monkeypatch):
    content = saved(frame(5)).read_bytes()
    whole = read(content, "t.sav")
    given, plain = [], pyreadstat.read_sav
    monkeypatch.setattr(
        pyreadstat, "read_sav", lambda *args, **more: given.append(more) or plain(*args, **more)
    )
    monkeypatch.setattr(statistics, "_READ_BYTES", 100_000)
    table = read(content, "t.sav")
    assert len(given) > 5
    assert not any(more.get("row_offset") for more in given)
    assert table.result == whole.result
    assert table.preview == whole.preview
    pd.testing.assert_frame_equal(table.frame(), whole.frame())


def test_what_is_damaged_is_told_by_its_row(read, saved, monkeypatch):
    content = saved(frame(2)).read_bytes()
    monkeypatch.setattr(statistics, "_READ_BYTES", 10_000)
    for cut in (len(content) // 2, len(content) - 40):
        with pytest.raises(BadTable, match="damaged"):
            read(content[:cut], "t.sav")


def test_a_file_that_claims_more_cases_than_it_has(read, saved, monkeypatch):
    monkeypatch.setattr(statistics, "_READ_BYTES", 10_000)
    content = bytearray(saved(frame(2)).read_bytes())
    struct.pack_into("<i", content, 80, ROWS + 5)
    with pytest.raises(BadTable, match="past row 1,000"):
        read(bytes(content), "t.sav")
    struct.pack_into("<i", content, 80, ROWS - 5)
    assert read(bytes(content), "t.sav").result["rows"] == ROWS - 5


def test_other_files_are_not_taken_apart(tmp_path, saved):
    plain = tmp_path / "plain.sav"
    pyreadstat.write_sav(frame(2), str(plain))
    assert packed_cases(plain) is None
    content = saved(frame(2)).read_bytes()
    for size in range(0, 600, 7):
        plain.write_bytes(content[:size])
        assert packed_cases(plain) is None
    odd = bytearray(content)
    struct.pack_into("<i", odd, 176, 77)
    plain.write_bytes(odd)
    assert packed_cases(plain) is None
