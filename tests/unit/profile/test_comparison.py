"""Two tables beside each other: columns that came and went, and what the others hold."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from app.analysis.profile.jobs import compare
from app.analysis.progress import silent
from tests.unit.profile.tables import write

RNG = np.random.default_rng(3)
Data = dict[str, tuple[str, Any]]


def compared(
    folder: Path, before: Data, after: Data, memory_mb: int | None = None
) -> dict[str, Any]:
    """``compare.json`` of the two, with its page under ``page``."""
    sides = {}
    for side, data in (("a", before), ("b", after)):
        place = folder / side
        place.mkdir(parents=True)
        source, columns = write(place, data)
        sides[side] = {"source": source, "columns": columns, "name": f"{side}.csv"}
    told = compare(**sides, out_dir=str(folder), progress=silent, memory_mb=memory_mb)
    document: dict[str, Any] = json.loads((folder / "compare.json").read_text("utf-8"))
    assert told["summary"] == document["summary"]
    return document | {"page": (folder / "compare.html").read_text("utf-8")}


def entry(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(c) for c in document["columns"] if c["name"] == name)


def test_columns_that_came_went_or_changed_their_type(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        {"a": ("integer", [1, 2]), "b": ("text", ["x y", "z w"]), "c": ("integer", [1, 2])},
        {"c": ("categorical", ["u", "v"]), "a": ("integer", [1, 2]), "d": ("number", [0.5, 1.5])},
    )
    assert found["schema"] == {
        "same": False,
        "added": [{"name": "d", "type": "number"}],
        "removed": [{"name": "b", "type": "text"}],
        "retyped": [{"name": "c", "before": "integer", "after": "categorical"}],
        "reordered": True,
    }
    assert entry(found, "c")["kind"] == "other"
    assert "integer values before" in entry(found, "c")["message"]


def test_each_kind_of_column_is_measured_by_what_it_holds(tmp_path: Path) -> None:
    day = datetime.fromisoformat("2024-01-01")

    def table(shift: int, cities: list[str], n: int) -> Data:
        return {
            "amount": ("number", RNG.normal(10 + 2 * shift, 2, n)),
            "steady": ("integer", RNG.integers(0, 50, n)),
            "when": ("datetime", [day + timedelta(days=400 * shift + i % 300) for i in range(n)]),
            "city": ("categorical", RNG.choice(cities, n)),
            "note": ("text", ["word " * (1 + shift * 3 + i % 4) for i in range(n)]),
            "key": ("id", list(range(100 * shift, 100 * shift + n))),
            "paid": ("boolean", RNG.random(n) < 0.5),
        }

    found = compared(
        tmp_path, table(0, ["Bonn", "Graz"], 800), table(1, ["Bonn", "Graz", "Wien"], 900)
    )
    verdicts = {c["name"]: (c["kind"], c["verdict"]) for c in found["columns"]}
    assert verdicts == {
        "amount": ("numeric", "strong"),
        "steady": ("numeric", "none"),
        "when": ("time", "strong"),
        "city": ("category", "strong"),
        "note": ("text", "strong"),
        "key": ("id", "none"),
        "paid": ("category", "none"),
    }
    fresh = entry(found, "city")["new"]
    assert (fresh["count"], [row["value"] for row in fresh["values"]]) == (1, ["Wien"])
    assert fresh["rows"] == fresh["values"][0]["rows"] > 200
    assert (entry(found, "key")["shared"], entry(found, "key")["distinct"]) == (
        700,
        {"a": 800, "b": 900},
    )
    amount = entry(found, "amount")["histogram"]
    assert (sum(amount["a"]), sum(amount["b"])) == (800, 900)
    order = [c["verdict"] for c in found["columns"]]
    assert order == sorted(order, key=["strong", "moderate", "too_few_rows", "none"].index)
    assert any("differs in 4 of 7" in sentence for sentence in found["summary"])


def test_cells_that_go_missing_are_a_change_of_their_own(tmp_path: Path) -> None:
    full = RNG.normal(size=500)
    gaps = [None if i % 4 == 0 else float(value) for i, value in enumerate(full)]
    found = compared(tmp_path, {"x": ("number", full)}, {"x": ("number", gaps)})
    assert entry(found, "x")["missing_changed"] is True
    assert entry(found, "x")["verdict"] == "none"
    assert entry(found, "x")["message"] == "Missing in 0 % of the rows before, 25 % now."


def test_a_few_missing_cells_leave_the_verdict_on_the_values(tmp_path: Path) -> None:
    """Each test has its own p-value: that of the missing cells is not taken for the other."""

    def side(shift: float) -> Data:
        values = RNG.normal(shift, 1, 500).tolist()
        return {"x": ("number", [None, None, *values])}

    found = entry(compared(tmp_path, side(0), side(2)), "x")
    assert (found["missing_changed"], found["verdict"]) == (False, "strong")
    assert found["p_value"] <= found["p_corrected"] < 1e-6


def test_many_rows_alone_make_no_alarm(tmp_path: Path) -> None:
    n = 400_000
    found = compared(
        tmp_path,
        {"x": ("number", RNG.normal(0, 1, n))},
        {"x": ("number", RNG.normal(0.03, 1, n))},
    )
    assert entry(found, "x")["p_corrected"] < 1e-6
    assert entry(found, "x")["verdict"] == "none"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"a": ("integer", [1])}, {}),
        ({"a": ("number", pa.array([], pa.float64()))}, {"a": ("number", [1.0])}),
        ({"a": ("number", [None, float("nan")])}, {"a": ("number", [float("inf")] * 40)}),
        ({"a": ("constant", ["x"] * 50)}, {"a": ("constant", ["y"] * 50)}),
        ({"a": ("id", ["k1", "k2"])}, {"a": ("id", pa.array([None], pa.string()))}),
        (
            {"a": ("datetime", [datetime.fromisoformat("0001-01-01")])},
            {"a": ("datetime", [datetime.fromisoformat("9999-01-01")])},
        ),
        ({"a": ("integer", [2**63 - 1, -(2**63)])}, {"a": ("number", [1e308, -1e308])}),
        ({"a": ("categorical", [1, 2] * 30)}, {"a": ("integer", [1, 3] * 30)}),
        ({"a": ("text", [""] * 40)}, {"a": ("text", ["a\x00b", "😀"] * 20)}),
    ],
)
def test_awful_tables_are_compared(tmp_path: Path, before: Data, after: Data) -> None:
    if not before:
        before = {"only": ("number", pa.array([], pa.float64()))}
    if not after:
        after = {"else": ("number", pa.array([], pa.float64()))}
    found = compared(tmp_path, before, after)
    assert found["summary"]
    assert "nan" not in found["page"].lower().replace("nanmaster", "")


def test_names_and_values_are_never_run(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    data: Data = {evil: ("categorical", [evil, "b"] * 40)}
    found = compared(tmp_path, data, {evil: ("categorical", ["b", evil + "x"] * 40)})
    assert "<script>alert" not in found["page"]
    assert "default-src 'none'" in found["page"]
