"""Names and values of any kind: a good profile, nothing executed, nothing cut without a word."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from app.analysis.profile.moments import moments
from app.analysis.profile.numeric import numeric_facts
from app.analysis.profile.source import Values
from app.analysis.schema import Column
from tests.unit.profile.tables import profiled
from tests.unit.profile.test_little_memory import sorted_in_little_memory
from tests.unit.profile.test_moments import NASTY, WHOLE, check

ROWS = 60
EVIL = "<script>alert(1)</script>"
LONG = "n" * 5_000
EACH = range(ROWS)
HALVES = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)] * (ROWS // 2)


def table() -> dict[str, tuple[str, Any]]:
    """Names nobody would give, and columns of every physical type, many of them declared wrongly."""
    return {
        "\"q'uote`": ("number", pa.array(np.arange(ROWS, dtype=np.float16))),
        "new\nline": ("text", pa.array([b"\xff\xfe%d" % i for i in EACH], pa.binary())),
        EVIL: ("categorical", pa.array([f"{EVIL}{i % 3}" for i in EACH])),
        "👩‍🔬": ("categorical", pa.array([[i % 3] for i in EACH])),
        LONG: ("number", pa.array([Decimal(10) ** 70 + i for i in EACH], pa.decimal256(76, 0))),
        "": ("datetime", pa.array(HALVES, pa.timestamp("us"))),
        "{{7*7}}": ("categorical", pa.array([{"a": i % 2, "b": "<b>"} for i in EACH])),
        "a.b": ("datetime", pa.array([i * 10**15 for i in EACH], pa.timestamp("ns"))),
        "a": ("integer", pa.array([timedelta(seconds=i) for i in EACH])),
        "\x00nul": ("number", pa.array([None] * ROWS, pa.null())),
        "$x$": ("number", pa.array([i % 2 == 0 for i in EACH])),
        "=1+1": ("text", pa.array(EACH)),
        "\u202ertl": ("datetime", pa.array([f"2020-{i}" for i in EACH])),
        "infinite": ("id", pa.array([1e308, -1e308, float("inf"), None] * 15)),
        "not a number": ("constant", pa.array([float("nan")] * ROWS)),
        "two constants": ("constant", pa.array(["a", "b"] * 30)),
        "words": ("integer", pa.array(["x\x00y", "\n", EVIL, "🙂" * 2_000] * 15)),
        "zeros": ("categorical", pa.array([float("inf"), 0.0, 0.0, 5e-324] * 15)),
        "codes": ("categorical", pa.array([i % 5 for i in EACH]).dictionary_encode()),
        "unsigned": ("categorical", pa.array([2**64 - 1 - i % 3 for i in EACH], pa.uint64())),
        "blank": ("text", pa.array([""] * ROWS)),
        "day": ("number", pa.array([date(2020, 1, 1)] * ROWS)),
        "ends": ("integer", pa.array([2**63 - 1, -(2**63)] * 30)),
        "tiny": ("number", pa.array([5e-324, 1e300, -1e300, 0.0] * 15)),
        "hour": ("datetime", pa.array([time(1, 2)] * ROWS)),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    return profiled(folder, table(), target="$x$")


def test_every_name_and_value_arrives_as_it_is(document: dict[str, Any]) -> None:
    assert [entry["name"] for entry in document["columns"]] == list(table())
    words = next(entry for entry in document["columns"] if entry["name"] == "words")
    cut = next(row for row in words["top"] if "length" in row)
    assert cut["length"] == 2_000
    assert cut["value"].endswith("…")


def test_nothing_from_the_table_is_markup(document: dict[str, Any], folder: Path) -> None:
    page = (folder / "out/profile.html").read_text("utf-8")
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{7*7}}" in page
    assert LONG in page


def test_it_is_the_same_in_little_memory(document: dict[str, Any], tmp_path: Path) -> None:
    again = profiled(tmp_path, table(), memory_mb=1, target="$x$")
    assert again["columns"] == document["columns"]
    assert again["dataset"] == document["dataset"]


@given(NASTY)
@settings(max_examples=150, deadline=None)
def test_nasty_numbers_in_little_memory(values: list[float]) -> None:
    """The bounds of arithmetic without rounding hold there too, and no figure differs."""
    check(values, np.float64, lambda array: moments(sorted_in_little_memory(array)))
    assert _facts(values, np.float64, sorted_in_little_memory) == _facts(
        values, np.float64, np.sort
    )


@given(WHOLE)
@settings(max_examples=150, deadline=None)
def test_nasty_whole_numbers_in_little_memory(values: list[int]) -> None:
    check(values, np.int64, lambda array: moments(sorted_in_little_memory(array)))
    assert _facts(values, np.int64, sorted_in_little_memory) == _facts(values, np.int64, np.sort)


def _facts(values: list[Any], dtype: Any, order: Any) -> dict[str, Any]:
    class Ordered(Values):
        def ordered(self) -> Any:
            return order(self.data)

    data = np.array(values, dtype)
    kind: Any = "integer" if dtype is np.int64 else "number"
    return numeric_facts(Ordered(Column("x", kind), kind, data, np.ones(len(data), bool)))
