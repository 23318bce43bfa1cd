"""The real command, run in a directory of its own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

UAM = Path(sys.executable).with_name("uam")
Run = Callable[..., subprocess.CompletedProcess[str]]

CITIES = ("Bonn", "Graz", "Bern")


@pytest.fixture
def uam(tmp_path: Path) -> Run:
    """Runs ``uam`` with arguments; no setting of the caller's environment reaches it."""

    def run(*arguments: object, **named: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **named}
        return subprocess.run(
            [str(UAM), *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    """A small table whose ``sells`` hangs on ``size``."""
    return write_shops(tmp_path / "shops.csv")


def write_shops(path: Path, rows: int = 300) -> Path:
    """Write the table of shops."""
    draw = random.Random(7)
    lines = ["city,size,opened,sells"]
    for index in range(rows):
        size = draw.randint(20, 120)
        sells = "Yes" if size + draw.gauss(0, 15) > 70 else "No"
        lines.append(f"{draw.choice(CITIES)},{size},2024-{index % 12 + 1:02d}-01,{sells}")
    path.write_text("\n".join(lines) + "\n")
    return path


def one_line(text: str) -> str:
    """The last line of what was written on stderr, which tells a failure."""
    line = text.strip().splitlines()[-1]
    assert line.startswith("uam: "), text
    assert "Traceback" not in text
    return line
