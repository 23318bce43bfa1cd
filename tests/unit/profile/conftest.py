"""What tests of tables longer than the memory share."""

from __future__ import annotations

import pytest

from app.analysis.profile import duplicates, moments, numeric, ordered, sorting, source


@pytest.fixture
def cramped(monkeypatch: pytest.MonkeyPatch) -> None:
    """No room: runs of 16 values, blocks of 4, batches of 7 rows."""
    monkeypatch.setattr(sorting, "LEAST_ROOM", 16)
    for module in (ordered, sorting):
        monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr(source, "BATCH", 7)
    for module in (duplicates, moments, numeric, ordered):
        monkeypatch.setattr(module, "SLICE", 11)
