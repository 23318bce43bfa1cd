"""``uam profile``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run, one_line


def test_it_writes_the_profile_and_its_page(uam: Run, shops: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = uam("profile", shops, "--out", out)
    assert done.returncode == 0, done.stderr
    profile = json.loads((out / "profile.json").read_text())
    assert profile["dataset"]["rows"] == 300
    assert profile["dataset"]["size_bytes"] == shops.stat().st_size
    assert [column["name"] for column in profile["columns"]] == ["city", "size", "opened", "sells"]
    assert "<html" in (out / "profile.html").read_text().lower()
    assert done.stdout.split() == [str(out / "profile.json"), str(out / "profile.html")]


def test_what_is_there_is_written_over_and_the_rest_stays(
    uam: Run, shops: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "profile.json").write_text("old")
    (out / "mine.txt").write_text("mine")
    assert uam("profile", shops, "--out", out).returncode == 0
    assert json.loads((out / "profile.json").read_text())["dataset"]["cols"] == 4
    assert sorted(path.name for path in out.iterdir()) == [
        *("mine.txt", "profile.html", "profile.json"),
    ]


def test_a_table_is_compared_with_an_earlier_one(uam: Run, shops: Path, tmp_path: Path) -> None:
    earlier, out = tmp_path / "earlier.csv", tmp_path / "out"
    header, *lines = shops.read_text().splitlines()
    earlier.write_text("\n".join([header, *lines[:100]]) + "\n")
    done = uam("profile", shops, "--against", earlier, "--out", out)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "compare.json").read_text())
    assert (found["a"]["rows"], found["b"]["rows"]) == (100, 300)
    assert found["schema"]["same"] is True
    assert "100 rows before, 300 now." in done.stderr
    assert str(out / "compare.html") in done.stdout.split()


def test_a_file_that_is_no_table_is_one_line_and_1(uam: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(bytes(range(256)) * 20)
    done = uam("profile", bad, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_line_and_1(
    uam: Run, shops: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file is no directory")
    done = uam("profile", shops, "--out", tmp_path / "file" / "out")
    assert done.returncode == 1
    assert "cannot write" in one_line(done.stderr)
