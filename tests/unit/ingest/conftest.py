"""The fixture that reads bytes as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ingest.reading import Read, read_bytes


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Read]:
    """``read(content, name="table.csv", **options)``; text is sent as UTF-8."""
    count = 0

    def run(content: bytes | str, name: str = "table.csv", **options: Any) -> Read:
        nonlocal count
        count += 1
        folder = tmp_path / f"read-{count}"
        folder.mkdir()
        content = content.encode() if isinstance(content, str) else content
        return read_bytes(folder, content, name, **options)

    return run
