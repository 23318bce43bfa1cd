"""What the command line says of itself, and its exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, one_line

COMMANDS = (
    *("serve", "api", "worker", "beat", "migrate", "admin"),
    *("convert", "profile", "train", "predict", "ask"),
)
HEAVY = {
    *("pandas", "numpy", "sklearn", "lightgbm", "matplotlib", "duckdb", "pyarrow"),
    *("fastapi", "sqlalchemy", "celery", "pydantic"),
}


def test_help_lists_every_command(uam: Run) -> None:
    done = uam("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(uam: Run, name: str) -> None:
    done = uam(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: uam {name}")


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import app.cli, sys; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert HEAVY.isdisjoint(loaded)


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["profile"],
        ["profile", "missing.csv", "--out", "out"],
        ["profile", "shops.csv"],
        ["profile", "shops.csv", "--out", "shops.csv"],
        ["ask", "shops.csv"],
        ["ask", "shops.csv", "How many rows?", "--questions", "shops.csv"],
        ["train", "shops.csv", "--out", "out"],
        ["train", "shops.csv", "--target", "sells", "--out", "out", "--task", "guessing"],
        ["train", "shops.csv", "--target", "sells", "--out", "out", "--metric", "beauty"],
        ["train", "shops.csv", "--target", "sells", "--out", "out", "--time-budget", "1"],
        ["predict", "shops.csv", "--out", "out.csv"],
        ["predict", "shops.csv", "shops.csv", "--horizon", "3", "--out", "out.csv"],
        ["predict", "shops.csv", "--horizon", "0", "--out", "out.csv"],
        ["predict", "shops.csv", "--horizon", "3", "--proba", "--out", "out.csv"],
        ["convert", "shops.csv", "--out", "out", "--to", "xml"],
        ["serve", "--port", "0"],
    ],
)
def test_wrong_usage_ends_with_2(uam: Run, shops: Path, arguments: list[str]) -> None:
    done = uam(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["migrate"], ["serve"], ["api"], ["worker"], ["beat"]])
def test_a_wrong_setting_is_one_line(uam: Run, command: list[str]) -> None:
    done = uam(*command, MAX_UPLOAD_MB="many")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "MAX_UPLOAD_MB" in one_line(done.stderr)


def test_a_worker_without_a_broker_says_so(uam: Run) -> None:
    done = uam("worker")
    assert done.returncode == 2
    assert "REDIS_URL" in one_line(done.stderr)


def test_a_database_that_does_not_answer_is_one_line(uam: Run) -> None:
    named = {"DATABASE_URL": "postgresql://u@127.0.0.1:1/x", "SECRET_KEY": "0123456789abcdef" * 2}
    done = uam("migrate", **named)
    assert done.returncode == 1
    assert "database" in one_line(done.stderr)
