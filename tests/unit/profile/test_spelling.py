"""Patterns of values and what they are made of."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from app.analysis.profile import spelling
from tests.unit.profile.tables import column, kinds, profiled


def test_patterns_and_characters_count_cells(tmp_path: Path) -> None:
    found = profiled(
        tmp_path,
        {
            "code": ("categorical", ["AB-12", "AB-12", "CD-99", "x1", None, "ÄÖ-34"]),
            "note": ("text", ["Grüße an alle", "nothing here", "", "1 €", None, "a b"]),
        },
    )
    code = column(found, "code")
    assert code["patterns"] == [{"value": "AA-99", "count": 4}, {"value": "a9", "count": 1}]
    assert (code["patterns_distinct"], code["patterns_exact"]) == (2, True)
    assert code["characters"] == {
        "letters": 5,
        "digits": 5,
        "spaces": 0,
        "punctuation": 4,
        "beyond_ascii": 1,
    }
    note = column(found, "note")
    assert note["characters"]["spaces"] == 4
    assert note["characters"]["beyond_ascii"] == 2
    assert "patterns" not in note


def test_what_is_spelled_otherwise_than_nearly_all_is_an_alert(tmp_path: Path) -> None:
    codes = [f"AB-{i % 90 + 10}" for i in range(98)]
    found = profiled(tmp_path, {"code": ("categorical", [*codes, "AB 12", "12-AB"])})
    alert = kinds(found)["odd_spelling"]
    assert "98 %" in alert["message"]
    assert "2 differ" in alert["message"]
    assert "AA-99 (98 %)" in (tmp_path / "out" / "profile.html").read_text("utf-8")


def test_values_that_are_all_alike_or_all_different_are_none(tmp_path: Path) -> None:
    found = profiled(
        tmp_path,
        {
            "same": ("categorical", [f"K{i % 9}" for i in range(100)]),
            "words": ("categorical", ["a" * (i % 20 + 1) for i in range(100)]),
            "empty": ("categorical", pa.array([None] * 100, pa.string())),
        },
    )
    assert "odd_spelling" not in kinds(found)


def test_a_stop_among_many_values_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(spelling, "PATTERN_VALUES", 10)
    found = profiled(tmp_path, {"key": ("id", [f"K{i}" for i in range(100, 200)])})
    key = column(found, "key")
    assert key["patterns"] == [{"value": "A999", "count": 10}]
    assert key["patterns_exact"] is False
    assert "odd_spelling" not in kinds(found)
