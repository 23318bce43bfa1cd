"""``uam train`` and ``uam predict``: a model from a file, answers for another."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from pypdf import PdfReader

from app.commands.train import late_note
from tests.cli.conftest import UAM, Run, one_line, write_shops


@dataclass
class Trained:
    """What one training left."""

    out: Path
    stdout: str
    stderr: str


def train_shops(home: Path, *before: str) -> Trained:
    """One training on the table of shops, by ``before`` and the command."""
    shops = write_shops(home / "shops.csv")
    out = home / "out"
    out.mkdir()
    (out / "leaderboard.json").write_text("old")
    arguments = ["train", shops, "--target", "sells", "--time-budget", "5", "--out", out]
    done = subprocess.run(
        [*before, str(UAM), *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Trained(out, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained once."""
    return train_shops(tmp_path_factory.mktemp("train"))


def test_on_one_core_it_does_all_in_turn(tmp_path: Path) -> None:
    core = str(min(os.sched_getaffinity(0)))
    made = train_shops(tmp_path, "taskset", "-c", core)
    board = json.loads((made.out / "leaderboard.json").read_text())
    assert len(board["rows"]) >= 2
    page = (made.out / "report.html").read_text()
    assert page.count("data:image/png") >= 3
    told = made.stderr
    assert told.index("Chosen: ") < told.index("exploring") < told.index("writing the report")
    test_it_tells_where_everything_is(made)


def test_a_budget_that_was_too_small_is_told_and_one_that_was_kept_is_not() -> None:
    told = late_note(15.2, 10)
    assert told.startswith("note: this took 15 s, more than a budget of 10 s allows for")
    assert late_note(13.9, 10) == late_note(68.9, 60) == ""


def test_it_tells_where_everything_is(trained: Trained) -> None:
    names = ("model.joblib", "leaderboard.json", "report.html", "report.pdf")
    assert trained.stdout.split() == [str(trained.out / name) for name in names]
    assert all((trained.out / name).stat().st_size for name in names)


def test_the_leaderboard_has_a_baseline_and_is_ranked(trained: Trained) -> None:
    board = json.loads((trained.out / "leaderboard.json").read_text())
    assert (board["task"], board["target"]) == ("binary", "sells")
    assert [row["rank"] for row in board["rows"]] == list(range(1, len(board["rows"]) + 1))
    assert any("baseline" in row["name"].lower() for row in board["rows"])


def test_the_reports_are_whole(trained: Trained) -> None:
    page = (trained.out / "report.html").read_text()
    assert "sells" in page
    assert "</html>" in page
    assert len(PdfReader(trained.out / "report.pdf").pages) >= 3


def test_progress_is_plain_lines_when_nobody_watches(trained: Trained) -> None:
    assert "\x1b" not in trained.stderr
    assert any(line.startswith("training") for line in trained.stderr.splitlines())


def test_one_row_comes_out_for_each_that_goes_in(
    trained: Trained, uam: Run, tmp_path: Path
) -> None:
    rows = "city,size,opened\nBonn,119,2024-01-01\nOslo,21,2024-02-01\nGraz,119,2024-03-01\n"
    (tmp_path / "new.csv").write_text(rows)
    done = uam("predict", trained.out / "model.joblib", "new.csv", "--out", "answers.csv")
    assert done.returncode == 0, done.stderr
    assert "Oslo" in done.stderr
    lines = (tmp_path / "answers.csv").read_text().splitlines()
    assert lines == ["prediction", "Yes", "No", "Yes"]


def test_probabilities_are_added_on_demand(trained: Trained, uam: Run, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("city,size,opened\nBonn,119,2024-01-01\n")
    model = trained.out / "model.joblib"
    done = uam("predict", model, "new.csv", "--out", "answers.csv", "--proba")
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text()))
    assert set(row) == {"prediction", "probability_No", "probability_Yes"}
    assert float(row["probability_No"]) + float(row["probability_Yes"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("city,opened\nBonn,2024-01-01\n", "size"),
        ("city,size,opened\nBonn,big,2024-01-01\n", "size"),
        ("city,size,opened\n", "no rows"),
    ],
)
def test_rows_that_do_not_fit_are_one_line_and_1(
    trained: Trained, uam: Run, tmp_path: Path, content: str, told: str
) -> None:
    (tmp_path / "new.csv").write_text(content)
    done = uam("predict", trained.out / "model.joblib", "new.csv", "--out", "answers.csv")
    assert done.returncode == 1
    assert told in one_line(done.stderr)
    assert not (tmp_path / "answers.csv").exists()


def test_what_is_no_model_is_one_line_and_1(uam: Run, shops: Path, tmp_path: Path) -> None:
    (tmp_path / "model.joblib").write_bytes(b"no model at all")
    done = uam("predict", "model.joblib", shops, "--out", "answers.csv")
    assert done.returncode == 1
    assert one_line(done.stderr)


@pytest.mark.parametrize(
    ("target", "content", "told"),
    [
        ("price", "size,sells\n1,a\n2,b\n", "price"),
        ("sells", "size,sells\n" + "1,a\n2,a\n" * 20, "sells"),
        ("sells", "size,sells\n1,a\n", ""),
    ],
    ids=["no such column", "one class", "one row"],
)
def test_a_hopeless_table_is_one_line_and_1(
    uam: Run, tmp_path: Path, target: str, content: str, told: str
) -> None:
    (tmp_path / "data.csv").write_text(content)
    arguments = ["train", "data.csv", "--target", target, "--time-budget", "5", "--out", "out"]
    done = uam(*arguments)
    assert done.returncode == 1, done.stderr
    assert told in one_line(done.stderr)


def test_the_next_steps_of_a_forecast_need_no_table(uam: Run, tmp_path: Path) -> None:
    lines = ["month,sold"]
    lines += [f"{2015 + i // 12}-{i % 12 + 1:02}-01,{100 + i + 30 * (i % 12)}" for i in range(84)]
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
    made = ("--task", "forecast", "--time-column", "month", "--horizon", "6", "--out", "out")
    done = uam("train", "sales.csv", "--target", "sold", *made, "--time-budget", "5")
    assert done.returncode == 0, done.stderr
    done = uam("predict", "out/model.joblib", "--horizon", "4", "--out", "next.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["next.csv"]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "next.csv").read_text())))
    assert [row["time"][:7] for row in rows] == ["2022-01", "2022-02", "2022-03", "2022-04"]
    for row in rows:
        assert float(row["low"]) <= float(row["prediction"]) <= float(row["high"])
    done = uam("predict", "out/model.joblib", "--horizon", "500", "--out", "far.csv")
    assert done.returncode == 1
    assert "between 1 and 18" in one_line(done.stderr)
    assert not (tmp_path / "far.csv").exists()


def test_a_horizon_of_what_is_no_forecast_is_one_line_and_1(
    trained: Trained, uam: Run, tmp_path: Path
) -> None:
    done = uam("predict", trained.out / "model.joblib", "--horizon", "3", "--out", "next.csv")
    assert done.returncode == 1
    assert "A horizon is for forecasts; this model predicts rows." in one_line(done.stderr)
    assert not (tmp_path / "next.csv").exists()
