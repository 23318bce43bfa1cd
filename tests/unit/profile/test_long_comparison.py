"""Two tables that do not fit into memory: compared in files, they give what they give in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.profile import level_change, long_strings, ordered, source
from app.analysis.profile.columns import pairs_of
from app.analysis.profile.drift import numbers_change
from app.analysis.profile.ordered import Joined, among
from tests.unit.profile.tables import write
from tests.unit.profile.test_comparison import Data, compared, entry
from tests.unit.profile.test_little_memory import sorted_in_little_memory, wide
from tests.unit.profile.test_long_tables import ROWS

NUMBERS = st.lists(
    st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, 1.0, 2.0])), min_size=1
)


def later() -> Data:
    """The wide table again: fewer rows, other values, a column of whole numbers now decimal."""
    rows = np.arange(ROWS - 13)
    data: Data = {name: (kind, taken(values, rows)) for name, (kind, values) in wide().items()}
    data["small"] = ("number", pa.array((rows % 7) + 0.5 * (rows % 2)))
    data["scattered"] = ("number", pa.array((rows * 31) % ROWS + 9.75))
    data["classes"] = ("categorical", pa.array((rows * rows) % 5))
    data["code"] = ("categorical", pa.array([["AB-1", "ef 3", "é"][i % 3] for i in rows.tolist()]))
    data["name"] = ("id", pa.array([f"é{2 * i}" for i in rows.tolist()]))
    data["note"] = ("text", pa.array([f"more words {i * i}" for i in rows.tolist()]))
    return data


def taken(values: Any, rows: Any) -> pa.Array:
    """Some rows of a column."""
    return (values if isinstance(values, pa.Array) else pa.array(values)).take(pa.array(rows))


def both_ways(folder: Path, before: Data, after: Data) -> tuple[dict[str, Any], dict[str, Any]]:
    """The comparison in memory and in files; what is told to be by hashes is taken out."""
    with pytest.MonkeyPatch.context() as whole:
        whole.setattr(source, "BATCH", 2**20)
        in_memory = compared(folder / "memory", before, after)
    in_files = compared(folder / "files", before, after, memory_mb=1)
    for column in in_files["columns"]:
        if column.pop("distinct_exact", True) is False:
            in_files.setdefault("hashed", []).append(column["name"])
    return in_memory, in_files


@pytest.mark.usefixtures("cramped")
def test_little_memory_changes_nothing(tmp_path: Path) -> None:
    in_memory, in_files = both_ways(tmp_path, wide(), later())
    assert in_files.pop("hashed") == ["name"]
    assert in_files == in_memory
    kinds = {column["kind"] for column in in_files["columns"]}
    assert kinds == {"numeric", "time", "category", "text", "id"}


@pytest.mark.usefixtures("cramped")
def test_too_many_strings_are_matched_by_hashes(tmp_path: Path, monkeypatch) -> None:
    """Every count is that of the whole, and that it was made so is told."""
    monkeypatch.setattr(long_strings, "LEAST_ROOM", 300)
    # Each level occurs in another number of rows, so that none ties.
    levels = [f"level {i}" for i in range(30) for _ in range(2 * i + 1)]
    fewer = [level for level in levels if not level.endswith("7")] + ["fresh"] * 40
    before: Data = {
        "level": ("categorical", pa.array(levels)),
        "key": ("id", pa.array([f"K-{i}" for i in range(len(levels))])),
        "text": ("text", pa.array([f"{'word ' * (i % 9)}{i}" for i in range(len(levels))])),
    }
    after: Data = {
        "level": ("categorical", pa.array(fewer)),
        "key": ("id", pa.array([f"K-{3 * i}" for i in range(len(fewer))])),
        "text": ("text", pa.array([f"{'word ' * (i % 7)}{i}" for i in range(len(fewer))])),
    }
    in_memory, in_files = both_ways(tmp_path, before, after)
    assert in_files.pop("hashed") == ["level", "key"]
    assert in_files == in_memory
    assert entry(in_files, "level")["new"]["values"] == [{"value": "fresh", "rows": 40}]
    assert entry(in_files, "level")["gone"]["count"] == 3


def test_too_many_strings_to_be_named_are_matched_by_hashes_in_memory_too(
    tmp_path: Path, monkeypatch
) -> None:
    before: Data = {"c": ("categorical", pa.array(list("aaabbcddddd")))}
    after: Data = {"c": ("categorical", pa.array(list("aabbbbeeeeee")))}
    named = compared(tmp_path / "named", before, after)
    monkeypatch.setattr(level_change, "MOST_NAMED", 2)
    hashed = compared(tmp_path / "hashed", before, after)
    assert hashed["columns"][0].pop("distinct_exact") is False
    assert hashed == named


def test_what_fits_is_read_whole_and_what_does_not_in_batches(tmp_path: Path) -> None:
    tables = []
    for name in "ab":
        (tmp_path / name).mkdir()
        path, _ = write(tmp_path / name, {"x": ("integer", range(1000))})
        tables.append(source.Table(path, [source.Column("x", "integer")]))
    for room, long in ((None, False), (2_000_000, False), (1_000, True)):
        (pair,) = pairs_of(*tables, room)
        assert [not isinstance(side, source.Values) for side in pair] == [long, long]


@given(NUMBERS, NUMBERS)
def test_two_lots_together_are_as_if_sorted_into_one(a: list[float], b: list[float]) -> None:
    first, second = np.sort(np.array(a)), np.sort(np.array(b))
    together = Joined(first, second)
    truth = np.sort(np.concatenate([first, second]))
    assert [together[i] for i in range(len(together))] == truth.tolist()
    assert together[-1] == truth[-1]
    for side in ("left", "right"):
        assert (together.searchsorted(truth, side) == truth.searchsorted(truth, side)).all()
    assert among(first, second).tolist() == [a.count(value) for value in second.tolist()]


@given(NUMBERS, NUMBERS)
def test_the_change_of_values_in_files_is_that_of_values_in_memory(
    a: list[float], b: list[float]
) -> None:
    finite = [[value for value in side if np.isfinite(value)] or [0.0] for side in (a, b)]
    arrays = [np.sort(np.array(side)) for side in finite]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered, "SLICE", 7)
        stored = [sorted_in_little_memory(array) for array in arrays]
        assert numbers_change(*stored) == numbers_change(*arrays)


def test_whole_numbers_and_decimals_together_are_decimals() -> None:
    together = Joined(np.array([1, 3, 5]), np.array([2.5, 5.0]))
    assert together.dtype == np.float64
    assert [together[i] for i in range(5)] == [1.0, 2.5, 3.0, 5.0, 5.0]
