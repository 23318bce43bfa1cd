"""The example data is what its SOURCE.md says, and the demo's question fits it."""

import csv
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SOURCE = (EXAMPLES / "SOURCE.md").read_text()


def rows() -> list[dict[str, str]]:
    with (EXAMPLES / "flights.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_file_is_the_one_whose_hash_is_told() -> None:
    digest = hashlib.sha256((EXAMPLES / "flights.csv").read_bytes()).hexdigest()
    assert f"`{digest}`" in SOURCE


def test_every_column_is_explained() -> None:
    table = SOURCE[SOURCE.index("| column |") :]
    explained = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\|([^|]+)\|", table, re.MULTILINE)))
    assert sorted(explained) == sorted(rows()[0])


def test_the_shares_of_missing_values_are_as_told() -> None:
    data = rows()
    told = {}
    for names, share in re.findall(r"^\| (`[^|]+) \|[^|]+\| ([\d.]+) % \|$", SOURCE, re.MULTILINE):
        told |= {name: float(share) for name in re.findall(r"`(\w+)`", names)}
    counted = {name: sum(row[name] == "" for row in data) / len(data) * 100 for name in data[0]}
    assert told == pytest.approx(
        {name: share for name, share in counted.items() if share}, abs=0.06
    )


def test_the_target_has_two_answers_and_some_missing() -> None:
    assert {row["arrived_late"] for row in rows()} == {"yes", "no", ""}


def test_the_licence_that_is_named_lies_beside_the_data() -> None:
    assert "CC0 1.0 Universal" in SOURCE
    assert (EXAMPLES / "LICENSE-DATA").read_text().lstrip().startswith("Creative Commons")


def test_the_demo_explains_itself() -> None:
    command = [sys.executable, str(EXAMPLES / "demo.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "--budget" in done.stdout
