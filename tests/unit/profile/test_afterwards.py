"""What is known only once the target is: columns that tell how a row ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.analysis.ingest.jobs import ingest
from app.analysis.profile.jobs import profile
from app.analysis.progress import silent
from tests.unit.profile.tables import ROOT, profiled

ROWS = 600
RNG = np.random.default_rng(7)
LEFT = RNG.random(ROWS) < 0.3
SOME = RNG.random(ROWS)
BEGUN = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=7 * i) for i in range(ROWS)]


def leaks(tmp_path: Path, data: dict[str, tuple[str, Any]], target: str) -> dict[str, str]:
    """The messages of the alerts of leakage, by column."""
    alerts = profiled(tmp_path, data, target=target)["alerts"]
    return {a["column"]: a["message"] for a in alerts if a["kind"] == "leakage"}


def kept(values: Any, where: Any) -> list[Any]:
    """The values where they are kept, and missing cells elsewhere."""
    return [value if keep else None for value, keep in zip(values, where, strict=True)]


def customers() -> dict[str, tuple[str, Any]]:
    """Customers that left or stayed, without a column that tells."""
    return {
        "left": ("categorical", np.where(LEFT, "yes", "no")),
        "begun": ("datetime", BEGUN),
        "age": ("number", 40 + 9 * RNG.normal(size=ROWS) + 6 * LEFT),
        "tariff": (
            "categorical",
            np.where(SOME < 0.4, "flat", np.where(SOME < 0.7, "pre", "post")),
        ),
        "phone": ("text", kept([f"call me {i}" for i in range(ROWS)], RNG.random(ROWS) < 0.5)),
        "calls": ("integer", np.where(RNG.random(ROWS) < 0.8, 0, RNG.integers(1, 30, ROWS))),
        "due": ("datetime", [moment + timedelta(days=30) for moment in BEGUN]),
        "seen": (
            "datetime",
            kept([m - timedelta(days=i % 9) for i, m in enumerate(BEGUN)], SOME < 0.8),
        ),
    }


def test_an_ordinary_table_has_none(tmp_path: Path) -> None:
    assert leaks(tmp_path, customers(), "left") == {}


def test_each_sign_is_told_with_its_numbers(tmp_path: Path) -> None:
    there = LEFT & (SOME < 0.6)  # not of all who left: no association gives it away
    data = customers() | {
        "reason": ("categorical", kept([f"r{i % 4}" for i in range(ROWS)], there)),
        "next_bill": ("number", kept(SOME * 50, ~there)),
        "ended": (
            "datetime",
            [m + timedelta(days=20 if gone else -3) for m, gone in zip(BEGUN, there, strict=True)],
        ),
        "refunded": ("number", np.where(LEFT & (SOME < 0.8), np.round(1 + SOME * 90), 0.0)),
    }
    found = leaks(tmp_path, data, "left")
    share, rows = f"{100 * LEFT.mean():.3g}", int(there.sum())
    assert set(found) == {"reason", "next_bill", "ended", "refunded"}
    assert found["reason"] == (
        f"Where “reason” is filled, {rows} of these {rows} rows (100 %), but {share} % of all, are "
        "“yes”: “reason” may be known only afterwards."
    )
    assert found["next_bill"].startswith(f"Where “next_bill” is empty, {rows} of")
    assert found["ended"].startswith(f"Where “ended” lies after “begun”, {rows} of")
    assert found["refunded"].startswith("Where “refunded” is not “0”, ")


def test_a_table_without_times_and_a_target_of_numbers(tmp_path: Path) -> None:
    data = customers()
    del data["begun"], data["due"], data["seen"]
    data["boat"] = ("categorical", kept([f"b{i % 9}" for i in range(ROWS)], LEFT & (SOME < 0.7)))
    data["died"] = ("integer", np.where(LEFT, 0, 1))
    for number, target in enumerate(("left", "age")):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = leaks(folder, {k: v for k, v in data.items() if k != "died"}, target)
        assert set(told) == ({"boat"} if target == "left" else set())
    (tmp_path / "n").mkdir()
    assert "boat" in leaks(tmp_path / "n", {k: v for k, v in data.items() if k != "left"}, "died")


@pytest.mark.parametrize("seed", range(4))
def test_chance_raises_no_alarm(tmp_path: Path, seed: int) -> None:
    """Random tables of all kinds of columns, rare classes and many missing cells among them."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(80, 900))
    share = rng.choice([0.5, 0.1, 0.03])
    classes = rng.choice(["a", "b", "c"], rows, p=[1 - share, share * 0.6, share * 0.4])
    data: dict[str, tuple[str, Any]] = {"y": ("categorical", classes)}
    for place in range(16):
        filled = rng.random(rows) < rng.choice([1.0, 0.5, 0.1, 0.04])
        mostly = rng.random(rows) < 0.9
        cells: tuple[str, Any] = [
            ("number", rng.normal(size=rows)),
            ("integer", np.where(mostly, 0, rng.integers(0, 50, rows))),
            ("categorical", rng.choice(list("pqrstuvw"), rows)),
            (
                "datetime",
                [
                    datetime(2024, 1, 1, tzinfo=UTC) + timedelta(int(d))
                    for d in rng.integers(0, 700, rows)
                ],
            ),
        ][place % 4]
        data[f"x{place}"] = (cells[0], kept(np.asarray(cells[1]).tolist(), filled))
    assert leaks(tmp_path, data, "y") == {}


def test_the_example_gives_no_false_alarm(tmp_path: Path) -> None:
    """Flights as they were known when they left: nothing there tells how one ended."""
    told = ingest(
        source=str(ROOT / "examples/flights.csv"),
        filename="flights.csv",
        out_dir=str(tmp_path),
        options={},
        max_unpacked_bytes=2**30,
        progress=silent,
    )
    for target in ("arrived_late", "airline"):
        profile(
            source=str(tmp_path / "data.parquet"),
            out_dir=str(tmp_path),
            columns=told["columns"],
            dataset={},
            target=target,
            seed=0,
            progress=silent,
        )
        assert "may be known only afterwards" not in (tmp_path / "profile.json").read_text("utf-8")
