"""Alerts: each is raised by the data that deserves it, with its numbers, and ranked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from app.analysis.profile.alerts import MOST, Alert, ranked
from app.analysis.profile.jobs import profile
from app.analysis.progress import silent
from tests.unit.profile.tables import kinds, profiled, write

N = 400
RNG = np.random.default_rng(2)
NOISE = RNG.normal(size=N)
CLASS = np.where(RNG.random(N) < 0.4, "yes", "no")


def masked(values: np.ndarray, mask: np.ndarray) -> pa.Array:
    return pa.array(values, mask=mask)


def test_a_sensitive_column_is_told_with_its_reason(tmp_path: Path) -> None:
    source, columns = write(tmp_path, {"mail": ("id", [f"u{i}@example.org" for i in range(N)])})
    seen = f"all {N} sampled values are e-mail addresses"
    columns[0] |= {"sensitive": "email", "sensitive_reason": seen}
    out = tmp_path / "out"
    out.mkdir()
    profile(
        source=source,
        out_dir=str(out),
        columns=columns,
        dataset={"name": "people.csv", "size_bytes": 10},
        target=None,
        seed=0,
        progress=silent,
    )
    document = json.loads((out / "profile.json").read_text("utf-8"))
    assert (document["columns"][0]["sensitive"], document["columns"][0]["sensitive_reason"]) == (
        "email",
        seen,
    )
    first = document["alerts"][0]
    assert (first["kind"], first["severity"], first["column"]) == ("sensitive", "medium", "mail")
    assert seen in first["message"]
    page = (out / "profile.html").read_text("utf-8")
    assert f"Seems to hold e-mail addresses: {seen}" in page


def test_findings_of_single_columns(tmp_path: Path) -> None:
    gaps = np.arange(N) < 240
    document = profiled(
        tmp_path,
        {
            "gappy": ("number", masked(RNG.normal(size=N), gaps)),
            "gappy2": ("number", masked(RNG.normal(size=N), gaps)),
            "tail": ("number", np.exp(3 * RNG.normal(size=N))),
            "many": ("categorical", [f"c{i % 150}" for i in range(N)]),
            "rare": ("categorical", ["x"] * (N - 2) + ["y"] * 2),
            "key": ("id", [f"k{i}" for i in range(N)]),
            "again": ("id", [f"k{i // 2}" for i in range(N)]),
            "still": ("constant", [1] * N),
            "a": ("number", NOISE),
            "b": ("number", NOISE * 2 + 0.05 * RNG.normal(size=N)),
        },
    )
    found = kinds(document)
    assert set(found) == {
        "missing",
        "missing_together",
        "skewed",
        "outliers",
        "high_cardinality",
        "lopsided",
        "identifier",
        "repeated_identifier",
        "constant",
        "correlated",
    }
    assert found["missing"]["severity"] == "high"
    assert "240 of 400 rows (60 %)" in found["missing"]["message"]
    assert "150 categories" in found["high_cardinality"]["message"]
    assert "200 of its 400 values repeat" in found["repeated_identifier"]["message"]
    pairs = {tuple(a["columns"]): a for a in document["alerts"] if a["kind"] == "correlated"}
    assert "(Pearson r = 0.999)" in pairs["a", "b"]["message"]
    severities = [alert["severity"] for alert in document["alerts"]]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)
    assert all(alert["action"] and alert["message"].endswith(".") for alert in document["alerts"])


def test_duplicates_are_told_with_their_share(tmp_path: Path) -> None:
    document = profiled(tmp_path, {"a": ("integer", [i % 90 for i in range(100)])})
    assert document["dataset"]["duplicate_rows"] == 10
    alert = kinds(document)["duplicate_rows"]
    assert "10 of 100 rows (10 %)" in alert["message"]
    assert "column" not in alert


def test_a_leaking_column_and_a_leaking_gap_are_named(tmp_path: Path) -> None:
    document = profiled(
        tmp_path,
        {
            "target": ("categorical", CLASS),
            "copy": ("categorical", np.where(CLASS == "yes", "paid", "open")),
            "refund": ("number", masked(NOISE, CLASS == "no")),
            "honest": ("number", NOISE + (CLASS == "yes")),
        },
        target="target",
    )
    leaks = {a["column"]: a for a in document["alerts"] if a["kind"] == "leakage"}
    assert set(leaks) == {"copy", "refund"}
    assert "Whether “refund” is missing" in leaks["refund"]["message"]
    assert document["alerts"][0]["kind"] == "leakage"


def test_chance_is_no_leak(tmp_path: Path) -> None:
    document = profiled(
        tmp_path,
        {
            "target": ("categorical", CLASS[:60]),
            "noise": ("categorical", [f"c{i % 25}" for i in range(60)]),
            "number": ("number", RNG.normal(size=60)),
        },
        target="target",
    )
    assert "leakage" not in kinds(document)


def test_an_unbalanced_target_and_missing_labels(tmp_path: Path) -> None:
    labels = [None] * 10 + ["yes"] * 15 + ["no"] * 975
    document = profiled(
        tmp_path,
        {
            "target": ("categorical", labels),
            "x": ("number", RNG.normal(size=1000)),
        },
        target="target",
    )
    found = kinds(document)
    assert "“yes” makes up 15 of 990 rows (1.5 %)" in found["imbalance"]["message"]
    assert found["imbalance"]["severity"] == "high"
    assert "missing in 10 rows" in found["target_missing"]["message"]


def test_a_target_of_zeros_and_ones_is_judged_as_classes(tmp_path: Path) -> None:
    data = {"target": ("integer", [1] * 30 + [0] * 970), "x": ("number", RNG.normal(size=1000))}
    assert (
        "30 of 1,000 rows"
        in kinds(profiled(tmp_path, data, target="target"))["imbalance"]["message"]
    )


def test_many_alike_are_folded_into_one_line() -> None:
    alike = [
        Alert("missing", "low", f"c{i}.", "act", column=f"c{i}", weight=i / 100) for i in range(50)
    ]
    urgent = Alert("leakage", "high", "leak.", "act", column="z")
    found = ranked([*alike, urgent])
    assert [a.kind for a in found] == ["leakage", "missing", "missing", "missing", "missing"]
    assert found[1].column == "c49"
    assert found[-1].message.startswith("47 more findings of this kind (missing): “c46”")
    assert len(found[-1].columns) == 47


def test_there_are_never_too_many() -> None:
    assert len(ranked(Alert(f"k{i}", "low", "m.", "a") for i in range(99))) == MOST
