"""Tables that do not fit into memory: sorted in files, they give what they give in memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.profile import long_strings, ordered, sorting, source
from app.analysis.profile.ordered import Stored, Weighted, runs
from app.analysis.profile.sorting import Sorter
from tests.unit.profile.tables import column, profiled
from tests.unit.profile.test_long_tables import ROWS, table

FLOATS = st.floats(allow_nan=False, width=64)


def wide() -> dict[str, tuple[str, Any]]:
    """The table of long columns, and what else a column may hold."""
    data = table()
    scattered = [(i * 37) % ROWS for i in range(ROWS)]
    data |= {
        "scattered": ("number", [place + 0.25 for place in scattered]),
        "classes": ("categorical", [place % 3 for place in scattered]),
        "keys": ("categorical", scattered),
        "same": ("constant", [7] * ROWS),
        "word": ("constant", ["one"] * ROWS),
        "empty": ("text", pa.array([None] * ROWS, pa.string())),
        "exact": ("number", pa.array([None, *range(1, ROWS)], pa.decimal128(8, 2))),
        "name": ("id", [f"é{place}" for place in scattered]),
        "minute": ("integer", pa.array(scattered, pa.time32("s"))),
    }
    return data


@pytest.mark.parametrize("memory_mb", [None, 10_000])
def test_the_schema_of_the_file_is_not_made_anew_for_every_column(
    tmp_path: Path, monkeypatch, memory_mb: int | None
) -> None:
    asked, made = [], pq.ParquetFile.schema_arrow.fget

    def counted(file: pq.ParquetFile) -> pa.Schema:
        asked.append(file)
        return made(file)

    monkeypatch.setattr(pq.ParquetFile, "schema_arrow", property(counted))
    data: dict[str, tuple[str, Any]] = {f"c{i}": ("number", [i + 0.5, 2.0]) for i in range(200)}
    profiled(tmp_path, data, memory_mb=memory_mb)
    assert 0 < len(asked) < 20


@pytest.mark.usefixtures("cramped")
@pytest.mark.parametrize("repeated", [False, True])
def test_little_memory_changes_nothing(tmp_path: Path, monkeypatch, repeated: bool) -> None:
    data = wide()
    if repeated:  # no key is left, so that rows have to be told apart
        again = [0, *range(ROWS - 1)]
        data = {
            name: (kind, (v if isinstance(v, pa.Array) else pa.array(v)).take(pa.array(again)))
            for name, (kind, v) in data.items()
        }
    found = []
    for memory_mb in (None, 1):
        folder = tmp_path / str(memory_mb)
        folder.mkdir()
        if memory_mb is None:
            with monkeypatch.context() as whole:
                whole.setattr(source, "BATCH", 2**20)
                found.append(profiled(folder, data, memory_mb=memory_mb))
        else:
            found.append(profiled(folder, data, memory_mb=memory_mb, target="small"))
    in_memory, in_files = found
    assert in_files["columns"] == in_memory["columns"]
    assert in_files["dataset"] == in_memory["dataset"]
    assert in_files["dataset"]["duplicate_rows"] == int(repeated)


@pytest.mark.usefixtures("cramped")
def test_too_many_strings_are_told_apart_by_hashes(tmp_path: Path, monkeypatch) -> None:
    """All figures are those of the whole; that the distinct ones are counted so is told."""
    words = [f"word {i % 20} of {i % 3}" for i in range(ROWS)]
    data = {
        "text": ("text", [None, *words[1:]]),
        "level": ("categorical", [f"L{(i * i) % 30}" for i in range(ROWS)]),
        "key": ("id", [f"K-{i}" for i in range(ROWS)]),
    }
    (tmp_path / "a").mkdir()
    whole = profiled(tmp_path / "a", data)
    monkeypatch.setattr(long_strings, "LEAST_ROOM", 300)
    monkeypatch.setattr(long_strings, "KEPT_LABELS", 5)
    (tmp_path / "b").mkdir()
    hashed = profiled(tmp_path / "b", data, memory_mb=1)
    assert hashed["dataset"] == whole["dataset"]
    for name in data:
        there, here = column(hashed, name), column(whole, name)
        assert there["distinct_exact"] == (name == "key")  # all differ: that is proof
        error = there.get("distinct_error", 0)
        assert there["distinct"] <= here["distinct"] <= there["distinct"] + error
        for figure in ("missing", "lengths", "characters", "singles", "distinct"):
            assert there.get(figure) == here.get(figure)
    level, truth = column(hashed, "level")["top"], column(whole, "level")["top"]
    assert [row["count"] for row in level] == [row["count"] for row in truth]
    counts = {word: data["level"][1].count(word) for word in set(data["level"][1])}
    assert all(counts[row["value"]] == row["count"] for row in level)
    text = column(hashed, "text")
    assert not text["tokens_exact"]
    assert text["tokens_texts"] in (2, 3)
    assert not column(hashed, "key")["patterns_exact"]


@pytest.mark.usefixtures("cramped")
def test_the_page_says_what_is_estimated(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(long_strings, "LEAST_ROOM", 1)
    profiled(tmp_path, {"key": ("id", [f"K-{i % 80}" for i in range(ROWS)])}, memory_mb=1)
    assert "80 to 82 (estimated)" in (tmp_path / "out/profile.html").read_text("utf-8")


def sorted_in_little_memory(values: Any) -> Any:
    """The values in ascending order, from files if they are more than 16 and hardly repeat."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "LEAST_ROOM", 16)
        sorter = Sorter(values.dtype, 0)
        sorter.add(values)
        return sorter.ordered()


PARTS = st.lists(
    st.lists(st.one_of(FLOATS, st.sampled_from([0.0, 1.0, -1.0])), max_size=30), max_size=9
)


@given(PARTS, st.lists(FLOATS, min_size=1, max_size=8), st.booleans())
@settings(max_examples=60)
def test_a_sorter_sorts(parts: list[list[float]], sought: list[float], often: bool) -> None:
    parts = [part * (20 if often else 1) for part in parts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "LEAST_ROOM", 16)
        for module in (ordered, sorting):
            patch.setattr(module, "BLOCK", 4)
        patch.setattr(ordered, "SLICE", 5)
        sorter = Sorter(np.float64, 0)
        for part in parts:
            sorter.add(np.array(part, np.float64))
        found = sorter.ordered()
        truth = np.sort(np.array([value for part in parts for value in part]))
        assert np.array_equal(np.asarray(found[:]), truth)
        middle = slice(len(truth) // 4, 3 * len(truth) // 4)
        for here, there in ((found, truth), (found[middle], truth[middle])):
            assert len(here) == len(there)
            for side in ("left", "right"):
                assert here.searchsorted(np.array(sought), side).tolist() == (
                    there.searchsorted(sought, side).tolist()
                )
                assert here.searchsorted(sought[0], side) == there.searchsorted(sought[0], side)
            if len(there):
                assert [here[0], here[-1]] == [there[0], there[-1]]
            each = [(v, c) for vs, cs in runs(here) for v, c in zip(vs, cs, strict=True)]
            values, counts = np.unique(there, return_counts=True)
            assert each == list(zip(values, counts, strict=True))


def test_what_repeats_stays_in_memory_and_what_does_not_is_stored(monkeypatch) -> None:
    monkeypatch.setattr(sorting, "LEAST_ROOM", 64)
    kinds = []
    for modulus in (3, 1_000):
        sorter = Sorter(np.int64, 0)
        sorter.add(np.arange(1_000) % modulus)
        kinds.append(type(sorter.ordered()))
    assert kinds == [Weighted, Stored]
    with pytest.raises(IndexError):
        Weighted(np.array([1]), np.array([2]))[2]


@pytest.mark.usefixtures("cramped")
def test_moments_in_files_are_those_of_exact_arithmetic(tmp_path: Path) -> None:
    """The same bound as in memory."""
    from fractions import Fraction

    values = [1e15 + (i * 7919 % 1000) / 8 for i in range(200)]
    profile = column(profiled(tmp_path, {"x": ("number", values)}, memory_mb=1), "x")
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    spread = sum((value - mean) ** 2 for value in exact) / (len(exact) - 1)
    assert abs(profile["mean"] - float(mean)) <= 1e-9 * max(values)
    assert math.isclose(profile["std"], math.sqrt(spread), rel_tol=1e-9)
