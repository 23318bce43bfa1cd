"""The measure of bench/pollock.py: what it counts, and that it runs over a folder."""

from __future__ import annotations

import pytest

from bench.pollock import agreement, collections, main, normalise, score, without_made_up


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("$74.69", "74.690"),
        ("1,234.5", "1234.5"),
        ("28/01/2018", "2018-01-28"),
        ("01/02/2018", "2018-02-01"),
        ("28-Jan-18", "2018-01-28T00:00:00"),
        ("09:15", "09:15:00"),
        ("TRUE", "true"),
        ("N/A", ""),
        (" Oslo ", "oslo"),
    ],
)
def test_one_value_in_two_spellings(a, b):
    assert normalise(a) == normalise(b)


@pytest.mark.parametrize(("a", "b"), [("1", "2"), ("1/2/2018", "1/3/2018"), ("a", ""), ("0", "")])
def test_two_values(a, b):
    assert normalise(a) != normalise(b)


def test_points():
    clean = [["a", "b"], ["1", "x"], ["2", "y"]]
    assert score(clean, clean) == 10
    assert score(clean, None) == 0
    assert score([], []) == 10
    assert score(clean, [["c", "d"]]) == 1
    shifted = [["a", "b"], ["1", "x"], ["", "2y"]]
    assert 1 + 3 + 3 < score(clean, shifted) < 10


@pytest.mark.parametrize(
    "read",
    [
        ["x", "x_2", "y1", "column_4"],
        ["x", "x.1", "y1", "Unnamed: 3"],
        ["x", "x", "y1", "col_3"],
        ["x", "x_1", "y1", "column3"],
    ],
)
def test_names_that_readers_make_up_are_taken_back(read):
    rows = [read, ["1", "2", "3", "4"]]
    assert without_made_up(rows, {"x"}) == [["x", "x", "y1", ""], ["1", "2", "3", "4"]]
    assert without_made_up([], {"x"}) == []


def test_multisets_count_repetitions():
    assert agreement(["a", "a"], ["a"]) == pytest.approx(1 + 0.5 + 2 / 3)
    assert agreement([], ["a"]) == 3
    assert agreement(["a"], []) == 0


def test_a_collection_is_measured(tmp_path, capsys):
    for folder in ("csv", "clean"):
        (tmp_path / "some" / folder).mkdir(parents=True)
    (tmp_path / "some/csv/x.csv").write_text("a;b\n1;x\n2;y\n3;x\n")
    (tmp_path / "some/clean/x.csv").write_text("a,b\n1,x\n2,y\n3,x\n")
    assert collections(tmp_path) == [tmp_path / "some"]
    assert main(["--corpus", str(tmp_path), "--peers", "duckdb"]) == 0
    printed = capsys.readouterr().out
    assert "uam         10.000" in printed
    assert main(["--corpus", str(tmp_path / "none")]) == 1
