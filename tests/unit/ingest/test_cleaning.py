"""Cleaning: what each step does, how it is switched off, and that the log can be executed."""

from __future__ import annotations

import datetime as dt
import json
import math

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import BadOption
from app.analysis.ingest import cleaning, write
from app.analysis.ingest.applied import apply_steps
from app.analysis.ingest.cleaning_rules import RULES, unified_spellings
from app.analysis.ingest.frame import load_frame
from app.analysis.ingest.jobs import clean
from app.analysis.progress import silent


def cleaned(folder, source, columns, options=None):
    out = folder / "cleaned"
    out.mkdir()
    result = clean(
        source=str(source),
        out_dir=str(out),
        columns=columns,
        options=options or {},
        progress=silent,
    )
    log = json.loads((out / "cleaning.json").read_text("utf-8"))
    assert result["steps"] == len(log["steps"])
    assert result["columns"] == log["columns"]
    return log, load_frame(out / "cleaned.parquet", log["columns"])


def steps(log):
    return {(step["rule"], step["column"]): step["rows"] for step in log["steps"]}


MESSY = (
    "name,answer,x,same,empty,v\n"
    " Ann Lee ,yes,1.5,k,,1\nBob Ray,YES,inf,k,,2\n Ann Lee ,no,2.5,k,,1\nBob Ray,yes,3.5,k,,7\n"
)


@pytest.mark.parametrize("repeated", [False, True])
def test_many_columns_are_cleaned_together_as_each_by_itself(read, tmp_path, monkeypatch, repeated):
    cells = (
        lambda n: f" word {n % 7} " if n % 3 else "   ",
        lambda n: ("yes", "YES", "no", "No", "'{c}'")[n % (4 if n < 30 else 5)],
        lambda n: ("Yes", "yes", "NO")[n % 3],
        lambda n: "inf" if n == 5 else f"{n / 8}",
        lambda n: str(n),
        lambda n: "k",
        lambda n: "",
        lambda n: f"2024-01-{n % 28 + 1:02d}",
    )
    lines = [",".join(cells[i % len(cells)](n + i) for i in range(120)) for n in range(40)]
    lines += lines[:3] if repeated else []
    table = read("\n".join([",".join(f"c{i} x" for i in range(120)), *lines]) + "\n")
    options = {"cleaning": {"drop_duplicate_rows": True}}
    found = []
    for folder, stacked in (("together", cleaning.STACKED), ("alone", 10**9)):
        monkeypatch.setattr(cleaning, "STACKED", stacked)
        monkeypatch.setattr(write, "STACKED", stacked)
        (tmp_path / folder).mkdir()
        found.append(cleaned(tmp_path / folder, table.data, table.result["columns"], options))
    assert found[0][0] == found[1][0]
    pd.testing.assert_frame_equal(found[0][1], found[1][1])
    rules = {step["rule"] for step in found[0][0]["steps"]}
    assert {"trim_space", "empty_to_missing", "unify_booleans", "infinite_to_missing"} <= rules
    assert ("drop_duplicate_rows" in rules) == repeated
    assert len(found[0][1]) == 40


def test_of_many_columns_only_rows_that_are_the_same_repeat(read, tmp_path):
    count = 90
    first = [str(i % 7) for i in range(count)]
    swapped = [first[1], first[0], *first[2:]]
    turned = first[1:] + first[:1]
    gap = ["", *first[1:]]
    other_gap = [first[0], "", *first[2:]]
    lines = [",".join(cells) for cells in (first, swapped, turned, gap, other_gap, first, gap)]
    table = read("\n".join([",".join(f"n{i}" for i in range(count)), *lines]) + "\n")
    log, frame = cleaned(tmp_path, table.data, table.result["columns"])
    (found,) = log["reported"]
    assert (found["rule"], found["rows"]) == ("drop_duplicate_rows", 2)
    assert len(frame) == 7


def test_each_step_is_logged_with_rows_and_reason(read, tmp_path):
    table = read(MESSY)
    log, frame = cleaned(tmp_path, table.data, table.result["columns"])
    assert steps(log) == {
        ("trim_space", "name"): 2,
        ("unify_booleans", "answer"): 1,
        ("infinite_to_missing", "x"): 1,
        ("drop_constant_columns", "same"): 4,
        ("drop_empty_columns", "empty"): 4,
    }
    assert list(frame.columns) == ["name", "answer", "x", "v"]
    assert frame["name"].tolist() == ["Ann Lee", "Bob Ray", "Ann Lee", "Bob Ray"]
    assert frame["answer"].tolist() == ["yes", "yes", "no", "yes"]
    assert math.isnan(frame["x"][1])
    for step in log["steps"]:
        assert step["reason"]
        assert step["switch_off"] == f"options.cleaning.{step['rule']} = false"
    nullable = {column["name"]: column["nullable"] for column in log["columns"]}
    assert nullable == {"name": False, "answer": False, "x": True, "v": False}


def test_what_is_said_of_a_column_stays_with_it(read, tmp_path):
    table = read("mail,v\n" + "".join(f" user{n}@example.org,{n}\n" for n in range(9)))
    log, _ = cleaned(tmp_path, table.data, table.result["columns"])
    said = {name: table.result["columns"][0][name] for name in ("sensitive", "sensitive_reason")}
    assert said["sensitive"] == "email"
    assert {name: log["columns"][0][name] for name in said} == said


@pytest.mark.parametrize("rule", [rule for rule, about in RULES.items() if about.usual])
def test_each_rule_can_be_switched_off(read, tmp_path, rule):
    table = read(MESSY)
    log, _ = cleaned(tmp_path, table.data, table.result["columns"], {"cleaning": {rule: False}})
    assert rule not in {step["rule"] for step in log["steps"]}


def test_a_column_that_the_run_names_is_never_dropped(read, tmp_path):
    table = read(MESSY)
    options = {"target": "same", "features": ["empty", "x"]}
    log, frame = cleaned(tmp_path, table.data, table.result["columns"], options)
    assert {"same", "empty"} <= set(frame.columns)
    assert log["rows_out"] == log["rows_in"] == 4


def test_repeated_rows_are_reported_and_dropped_only_on_request(read, tmp_path):
    table = read("a,b\n1,x\n2,y\n1,x\n3,x\n1,x\n")
    log, frame = cleaned(tmp_path, table.data, table.result["columns"])
    assert len(frame) == 5
    assert log["reported"][0]["rows"] == 2
    (tmp_path / "again").mkdir()
    options = {"cleaning": {"drop_duplicate_rows": True}}
    log, frame = cleaned(tmp_path / "again", table.data, table.result["columns"], options)
    assert frame["a"].tolist() == [1, 2, 3]
    assert (log["rows_in"], log["rows_out"]) == (5, 3)


@pytest.mark.parametrize("cleaning", [{"impute": True}, {"trim_space": "no"}, ["trim_space"]])
def test_unknown_rules_are_refused(read, tmp_path, cleaning):
    table = read("a,b\n1,x\n2,y\n")
    with pytest.raises(BadOption):
        cleaned(tmp_path, table.data, table.result["columns"], {"cleaning": cleaning})


def test_one_row_drops_no_column(read, tmp_path):
    table = read("a,b\n1,x\n")
    _, frame = cleaned(tmp_path, table.data, table.result["columns"])
    assert list(frame.columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("counts", "mapping"),
    [
        ({"yes": 5, "Yes": 2, "no": 1}, {"Yes": "yes"}),
        ({"Y": 5, "yes": 6, "no": 1, "N": 2}, {"Y": "yes", "no": "N"}),
        ({"Yes": 5, "No": 2}, {}),
        ({"yes": 5, "YES": 2}, {}),
        ({"yes": 5, "YES": 2, "no": 1, "maybe": 1}, {}),
        ({"ja": 1, "Ja": 2, "nein": 3}, {"ja": "Ja"}),
    ],
)
def test_spellings_are_unified_within_one_pair(counts, mapping):
    assert unified_spellings(counts) == mapping


TEXTS = st.one_of(
    st.none(), st.sampled_from(["", " ", "a", " a", "a\t", "yes", "YES", "no", "NO ", "\u00a0é"])
)
NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf, -math.inf]))
DAYS = [dt.datetime.fromisoformat("2024-01-31"), dt.datetime.fromisoformat("2024-02-01T12:00:01")]
# Each kind of column that a dataset stores, with the cells that a rule may touch.
CELLS = {
    "t": ("categorical", pa.string(), TEXTS),
    "u": ("text", pa.string(), TEXTS),
    "k": ("id", pa.string(), st.sampled_from(["a1", "a1 ", "b2"])),
    "x": ("number", pa.float64(), NUMBERS),
    "n": ("integer", pa.int64(), st.sampled_from([None, 7, 2**60 + 1, 2**60])),
    "b": ("boolean", pa.bool_(), st.sampled_from([None, True, False])),
    "d": ("datetime", pa.timestamp("us"), st.sampled_from([None, *DAYS])),
    "c": ("constant", pa.int64(), st.just(5)),
}
ROWS = st.lists(st.tuples(*(cells for _, _, cells in CELLS.values())), min_size=1, max_size=8)
OFF = st.dictionaries(st.sampled_from(sorted(RULES)), st.booleans())
NAMED = st.sampled_from([{}, {"target": "c"}, {"target": "t", "group_column": "k"}])


@settings(max_examples=80, deadline=None)
@given(rows=ROWS, cleaning=OFF, named=NAMED)
def test_the_log_applied_to_the_raw_table_gives_the_cleaned_one(
    tmp_path_factory, rows, cleaning, named
):
    folder = tmp_path_factory.mktemp("clean")
    columns = [{"name": n, "type": k, "nullable": True} for n, (k, _, _) in CELLS.items()]
    arrays = {
        name: pa.array(cells, kind)
        for cells, (name, (_, kind, _)) in zip(zip(*rows, strict=True), CELLS.items(), strict=True)
    }
    source = folder / "raw.parquet"
    pq.write_table(pa.table(arrays), source)

    log, frame = cleaned(folder, source, columns, {"cleaning": cleaning, **named})
    replayed = apply_steps(load_frame(source, columns), log["steps"])

    assert (len(frame), list(frame)) == (log["rows_out"], [c["name"] for c in log["columns"]])
    pd.testing.assert_frame_equal(replayed, frame, check_dtype=False, check_column_type=False)


@pytest.mark.parametrize(
    "cells", [[math.nan, None, 1.0, None], [math.nan, math.nan, math.nan, None], [math.nan] * 4]
)
def test_what_is_no_number_is_missing(tmp_path, cells):
    columns = [{"name": n, "type": k, "nullable": True} for n, k in (("x", "number"), ("y", "id"))]
    source = tmp_path / "raw.parquet"
    pq.write_table(pa.table({"x": cells, "y": [1, 1, 2, 1]}), source)
    log, frame = cleaned(tmp_path, source, columns, {"cleaning": {"drop_duplicate_rows": True}})
    replayed = apply_steps(load_frame(source, columns), log["steps"])
    pd.testing.assert_frame_equal(replayed, frame)
    gone = {step["column"] for step in log["steps"] if step["rule"] == "drop_empty_columns"}
    assert gone == (set() if 1.0 in cells else {"x"})
    assert all(column["nullable"] for column in log["columns"] if column["name"] == "x")


def test_rows_to_predict_are_never_dropped_and_may_lack_columns(read, tmp_path):
    table = read(MESSY)
    options = {"cleaning": {"drop_duplicate_rows": True}}
    log, _ = cleaned(tmp_path, table.data, table.result["columns"], options)
    rows = pd.DataFrame({"name": [" Ann ", " Ann "], "x": [math.inf, math.inf]})
    done = apply_steps(rows, log["steps"], keep_rows=True)
    assert done["name"].tolist() == ["Ann", "Ann"]
    assert done["x"].isna().all()
    assert rows["name"].tolist() == [" Ann ", " Ann "]
