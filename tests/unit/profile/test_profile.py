"""The profile of ordinary and of awful tables, as the contract describes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.analysis.errors import BadOption, BadTable
from app.analysis.profile.document import SAMPLE_ROWS, compute
from app.analysis.profile.duplicates import Fingerprints, count_duplicates
from app.analysis.profile.source import Table
from app.analysis.progress import silent
from app.analysis.schema import Column, columns_from_json
from tests.unit.profile.tables import column, kinds, profiled, write

RNG = np.random.default_rng(0)


def test_the_contract_of_the_document(tmp_path: Path) -> None:
    document = profiled(
        tmp_path,
        {
            "age": ("integer", [31, 45, None, 31]),
            "price": ("number", [1.5, float("nan"), -2.0, 0.0]),
            "when": (
                "datetime",
                [
                    datetime.fromisoformat("2024-01-01"),
                    None,
                    datetime.fromisoformat("2024-03-01T12:00"),
                    None,
                ],
            ),
            "kind": ("categorical", ["a", "b", "a", None]),
            "paid": ("boolean", [True, False, True, True]),
            "note": ("text", ["Good value", "bad value indeed", None, "good"]),
            "key": ("id", ["k1", "k2", "k3", "k4"]),
            "country": ("constant", ["X", "X", "X", "X"]),
        },
    )
    assert document["dataset"] == {
        "name": "test.csv",
        "rows": 4,
        "cols": 8,
        "size_bytes": 10,
        "missing_cells": 6,
        "missing_share": 6 / 32,
        "duplicate_rows": 0,
    }
    for entry in document["columns"]:
        assert {"name", "type", "reason", "count", "missing", "distinct", "distinct_exact"} <= set(
            entry
        )
    age = column(document, "age")
    assert (age["mean"], age["min"], age["max"], age["median"]) == (107 / 3, 31, 45, 31)
    assert age["std"] == pytest.approx(8.0829037687)
    assert (age["missing"], age["distinct"], age["zeros"], age["negatives"]) == (1, 2, 0, 0)
    assert set(age["quantiles"]) == {"0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"}
    assert sum(age["histogram"]["counts"]) == 3
    price = column(document, "price")
    assert (price["missing"], price["zeros"], price["negatives"]) == (1, 1, 1)
    when = column(document, "when")
    assert (when["min"], when["max"]) == ("2024-01-01T00:00:00", "2024-03-01T12:00:00")
    assert when["timeline"]["unit"] == "day"
    assert column(document, "kind")["top"] == [
        {"value": "a", "count": 2},
        {"value": "b", "count": 1},
    ]
    assert column(document, "paid")["top"][0] == {"value": True, "count": 3}
    note = column(document, "note")
    assert (note["lengths"]["min"], note["lengths"]["max"], note["lengths"]["median"]) == (
        4,
        16,
        10,
    )
    assert note["tokens"][0] == {"value": "good", "count": 2}
    assert column(document, "key")["distinct"] == 4
    assert column(document, "country")["value"] == "X"


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_table_of_hardly_any_rows(tmp_path: Path, rows: int) -> None:
    document = profiled(
        tmp_path,
        {
            "n": ("number", pa.array([1.0, 2.0][:rows], pa.float64())),
            "i": ("integer", pa.array([1, 2][:rows], pa.int64())),
            "t": (
                "datetime",
                pa.array([datetime.fromisoformat("2024-01-01")] * rows, pa.timestamp("us")),
            ),
            "c": ("categorical", pa.array(["a", "b"][:rows], pa.string())),
            "b": ("boolean", pa.array([True, False][:rows], pa.bool_())),
            "x": ("text", pa.array(["one two", "three four"][:rows], pa.string())),
            "k": ("id", pa.array(["a", "b"][:rows], pa.string())),
            "z": ("constant", pa.array([None] * rows, pa.null())),
        },
        charts=True,
        target="n",
    )
    assert document["dataset"]["rows"] == rows
    assert ("empty_table" if rows == 0 else "few_rows") in kinds(document)
    assert document["charts"] == [] or rows


def test_a_table_without_columns(tmp_path: Path) -> None:
    document = profiled(tmp_path, {}, charts=True)
    assert (document["columns"], document["charts"]) == ([], [])
    assert "empty_table" in kinds(document)


def test_columns_that_are_all_missing_or_hold_one_value(tmp_path: Path) -> None:
    document = profiled(
        tmp_path,
        {
            "none": ("constant", pa.array([None] * 60, pa.string())),
            "nan": ("number", [float("nan")] * 60),
            "nat": ("datetime", pa.array([None] * 60, pa.timestamp("us"))),
            "void": ("text", pa.array([None] * 60, pa.string())),
            "one": ("number", [7.5] * 60),
            "same": ("categorical", ["a"] * 60),
        },
        charts=True,
    )
    assert {c["name"] for c in document["charts"]} == {"missing-share"}
    assert [a["column"] for a in document["alerts"] if a["kind"] == "empty"] == [
        "none",
        "nan",
        "nat",
        "void",
    ]
    assert {a["column"] for a in document["alerts"] if a["kind"] == "constant"} == {"one", "same"}
    assert column(document, "nan")["mean"] is None
    assert (column(document, "one")["std"], column(document, "one")["skew"]) == (0.0, None)


def test_infinities_never_reach_the_json_but_are_told(tmp_path: Path) -> None:
    values = [1.0, float("inf"), -float("inf"), 2.0] * 20
    document = profiled(
        tmp_path, {"x": ("number", values), "y": ("number", values[::-1])}, charts=True
    )
    assert column(document, "x")["infinite"] == 40
    assert column(document, "x")["max"] == 2.0
    assert "infinite" in kinds(document)


def test_types_that_lie_are_described_by_what_is_there(tmp_path: Path) -> None:
    document = profiled(
        tmp_path,
        {
            "a": ("number", ["x", "y", "x"]),
            "b": ("categorical", [1, 2, 1]),
            "c": ("text", [1.5, 2.5, 1.5]),
            "d": ("datetime", ["no", "date", "no"]),
            "e": ("boolean", [1, 0, 1]),
            "f": ("integer", pa.array([2**64 - 1, 1, 1], pa.uint64())),
            "g": ("categorical", pa.array([[1], None, [1]])),
        },
    )
    assert column(document, "a")["top"][0] == {"value": "x", "count": 2}
    assert column(document, "b")["top"][0] == {"value": 1, "count": 2}
    assert column(document, "c")["mean"] == pytest.approx(11 / 6)
    assert column(document, "f")["max"] == 2.0**64
    assert column(document, "g")["top"] == [{"value": "[1]", "count": 2}]


def test_long_values_are_cut_and_say_so(tmp_path: Path) -> None:
    document = profiled(tmp_path, {"c": ("categorical", ["x" * 5000, "x" * 5000, "y"])})
    first = column(document, "c")["top"][0]
    assert (len(first["value"]), first["length"], first["count"]) == (1001, 5000, 2)


def test_a_big_table_is_sampled_for_associations_only_and_says_so(tmp_path: Path) -> None:
    rows = SAMPLE_ROWS + 5_000
    x = RNG.normal(size=rows)
    document = profiled(tmp_path, {"x": ("number", x), "y": ("number", x + RNG.normal(size=rows))})
    assert column(document, "x")["mean"] == pytest.approx(x.mean(), abs=1e-12)
    assert document["sampling"]["associations_rows"] == SAMPLE_ROWS
    assert document["sampling"]["associations_rows_total"] == rows
    first = document["associations"][0]
    assert first["rows"] == SAMPLE_ROWS
    assert first["value"] == pytest.approx(0.707, abs=0.02)


def test_a_target_that_is_no_column_and_a_column_that_is_not_there(tmp_path: Path) -> None:
    source, columns = write(tmp_path, {"a": ("integer", [1, 2])})
    given_dataset = {"name": "x", "size_bytes": 1}
    with pytest.raises(BadOption):
        compute(
            source,
            columns_from_json(columns),
            dataset=given_dataset,
            target="b",
            seed=0,
            progress=silent,
        )
    with pytest.raises(BadTable):
        compute(
            source,
            [Column("b", "integer")],
            dataset=given_dataset,
            target=None,
            seed=0,
            progress=silent,
        )
    (tmp_path / "no.parquet").write_bytes(b"not a table")
    with pytest.raises(BadTable):
        Table(tmp_path / "no.parquet", [])


def test_progress_never_falls_and_ends_at_one(tmp_path: Path) -> None:
    from app.analysis.profile.jobs import explore

    source, columns = write(
        tmp_path, {"a": ("integer", list(range(60))), "b": ("boolean", [True, False] * 30)}
    )
    (tmp_path / "out").mkdir()
    seen: list[float] = []
    explore(
        source=source,
        out_dir=str(tmp_path / "out"),
        columns=columns,
        dataset={"name": "x"},
        target="b",
        seed=0,
        progress=lambda fraction, message="", **_: seen.append(fraction),
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


CELLS = st.one_of(
    st.lists(st.sampled_from([None, -2, 0, 1, 2**60]), min_size=12, max_size=12),
    st.lists(st.sampled_from([None, 0.0, -0.0, 1.5, -2.0]), min_size=12, max_size=12),
    st.lists(st.sampled_from([None, "", "a", "b"]), min_size=12, max_size=12),
    st.lists(st.sampled_from([None, True, False]), min_size=12, max_size=12),
)


@given(st.lists(CELLS, min_size=1, max_size=4))
@example([[-2, None] * 6, [0, 1] * 6])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_duplicate_rows_are_counted_exactly(tmp_path: Path, cells: list) -> None:
    typed = {f'c"{i}': ("categorical", values) for i, values in enumerate(cells)}
    source, columns = write(tmp_path, typed)
    schema = columns_from_json(columns)
    truth = 12 - len(set(zip(*cells, strict=True)))
    table = Table(source, schema)
    prints = Fingerprints(table.rows)
    for values in table.values():
        prints.add(values, 0)
    assert prints.suspected() == truth
    assert count_duplicates(source, schema, table.rows) == truth


def test_dotted_and_quoted_names_are_read_as_they_are(tmp_path: Path) -> None:
    names = ["a", "a.b", 'q"uote', "semi;colon", "A", "new\nline", "'; DROP TABLE x; --", ""]
    document = profiled(
        tmp_path, {name: ("integer", [i, i, i + 1]) for i, name in enumerate(names)}
    )
    for i, name in enumerate(names):
        assert (column(document, name)["min"], column(document, name)["max"]) == (i, i + 1)
    assert document["dataset"]["duplicate_rows"] == 1


def test_hours_become_a_timeline_without_gaps(tmp_path: Path) -> None:
    start = datetime.fromisoformat("2024-01-01")
    moments = [start + timedelta(hours=h) for h in (0, 0, 1, 5)]
    document = profiled(tmp_path, {"t": ("datetime", moments)})
    found = column(document, "t")["timeline"]
    assert (found["unit"], found["counts"]) == ("hour", [2, 1, 0, 0, 0, 1])
    assert found["starts"][1] == "2024-01-01T01:00:00"
