"""A portfolio cut to the quick entries."""

from __future__ import annotations

import pytest

from app.analysis.automl import search
from app.analysis.automl.portfolio import load_portfolio

QUICK = ("Baseline", "Logistic regression", "Ridge regression", "Small tree", "LightGBM")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first, quick entries of the portfolio are tried."""
    entries = [entry for entry in load_portfolio() if entry.name in QUICK]
    monkeypatch.setattr(search, "load_portfolio", lambda: entries)
