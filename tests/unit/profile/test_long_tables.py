"""Columns too long to be decoded at once: batch by batch they give what they give in one piece."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.profile import duplicates, moments, numeric, source, spelling
from tests.unit.profile.tables import profiled

START = datetime(2024, 2, 28, 23, 59, tzinfo=UTC)
ROWS = 90


def table() -> dict[str, tuple[str, Any]]:
    """Every physical kind, with and without missing cells, infinities and repeated values."""
    return {
        "id": ("id", list(range(ROWS))),
        "whole": ("integer", [None if i % 7 == 3 else i * i for i in range(ROWS)]),
        "small": ("integer", pa.array([i % 5 for i in range(ROWS)], pa.uint8())),
        "huge": ("integer", pa.array([2**64 - 1 - i for i in range(ROWS)], pa.uint64())),
        "float": ("number", [[0.5, -0.0, None, float("inf"), -1e300][i % 5] for i in range(ROWS)]),
        "nothing": ("number", pa.array([None] * ROWS, pa.float64())),
        "yes": ("boolean", [[True, False, None][i % 3] for i in range(ROWS)]),
        "day": ("datetime", [START + timedelta(hours=i) for i in range(ROWS)]),
        "code": ("categorical", [["AB-1", "cd 2", None, "é"][i % 4] for i in range(ROWS)]),
        "note": ("text", [f"some words {i % 11}" for i in range(ROWS)]),
    }


@pytest.mark.parametrize("copies", [1, 2])
def test_batches_change_nothing(tmp_path: Path, monkeypatch, copies: int) -> None:
    data = {
        name: (
            kind,
            pa.concat_arrays(
                [values if isinstance(values, pa.Array) else pa.array(values)] * copies
            ),
        )
        for name, (kind, values) in table().items()
    }
    data["id"] = ("integer", [i % ROWS for i in range(ROWS * copies)])
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = profiled(tmp_path / "a", data)
    monkeypatch.setattr(source, "CELLS_AT_ONCE", 10)
    monkeypatch.setattr(source, "BATCH", 7)
    for module in (duplicates, moments, numeric):
        monkeypatch.setattr(module, "SLICE", 11)
    parts = profiled(tmp_path / "b", data)
    assert whole["dataset"]["duplicate_rows"] == ROWS * (copies - 1)
    assert near(parts) == near(whole)


def near(value: Any) -> Any:
    """The same with every figure cut to 9 digits: sums of parts differ in the last ones."""
    if isinstance(value, dict):
        return {key: near(item) for key, item in value.items()}
    if isinstance(value, list):
        return [near(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=70), min_size=1, max_size=12))
def test_a_table_of_bytes_says_what_the_expressions_say(texts: list[str]) -> None:
    """ASCII takes the short way; a label beyond it, which has no class in common, the long one."""
    quick, slow = (coded([*texts, extra]) for extra in ("", "\u0301"))
    found, wanted = quick.characters(), slow.characters()
    assert found | {"beyond_ascii": 1} == wanted
    shapes = [spelling._shapes(values.labels).to_pylist() for values in (quick, slow)]
    assert shapes[0][: len(set(texts))] == shapes[1][: len(set(texts))]


def coded(texts: list[str]) -> source.Values:
    """A column of strings."""
    labels = list(dict.fromkeys(texts))
    codes = np.array([labels.index(text) for text in texts])
    made = pa.array(labels, pa.large_string())
    return source.Values(None, "string", codes, np.ones(len(texts), bool), made)  # type: ignore[arg-type]
