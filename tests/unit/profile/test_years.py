"""A year is written 2013, wherever a figure of it stands: never 2,013."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.profile.tables import profiled
from tests.unit.profile.test_comparison import compared, entry

COMMA = re.compile(r"(?<![\d,])(1,[6-9]|2,[01])\d\d(?!\d)")
"""A year with a comma; the tables are so short that nothing else is."""

ROWS = 600


def houses(*, built: int = 1950, decimals: bool = False) -> dict[str, tuple[str, Any]]:
    """Houses that were sold in the order of their rows: the later, the newer."""
    rng = np.random.default_rng(5)
    places = np.arange(ROWS)
    sold = [datetime.fromisoformat("2015-01-01") + timedelta(days=int(i)) for i in places]
    years = built + rng.integers(0, 40, ROWS) + 15 * (places > ROWS // 2)
    years[:3] = 1702
    given: pa.Array = pa.array(years)
    if decimals:
        given = pa.array([None if i % 9 == 4 else float(y) for i, y in enumerate(years)])
    renewed = years + rng.integers(0, 8, ROWS)
    return {
        "built": ("number" if decimals else "integer", given),
        "renewed": ("integer", pa.array(renewed)),
        "sold": ("datetime", pa.array(sold)),
        "town": (
            "categorical",
            pa.array(np.where(rng.random(ROWS) < 0.3 + 0.001 * (years - 1950), "Ulm", "Bonn")),
        ),
    }


@pytest.mark.parametrize("target", ["built", "town", None])
@pytest.mark.parametrize("decimals", [False, True])
def test_in_charts_alerts_and_on_the_page(
    tmp_path: Path, target: str | None, *, decimals: bool
) -> None:
    document = profiled(tmp_path, houses(decimals=decimals), target=target, charts=True)
    kinds = {chart["kind"] for chart in document["charts"]}
    if target == "built":
        titles = [chart["title"] for chart in document["charts"]]
        assert "target_rate" in kinds
        assert any(title.startswith("mean built over sold: between 19") for title in titles)
    assert any(alert["kind"] == "drift" for alert in document["alerts"])
    texts = [alert["message"] for alert in document["alerts"]]
    texts += [path.read_text("utf-8") for path in (tmp_path / "out" / "charts").glob("*.json")]
    page = re.sub(
        r"<style.*?</style>|<svg.*?</svg>",
        "",
        (tmp_path / "out" / "profile.html").read_text("utf-8"),
        flags=re.S,
    )
    for text in [*texts, page]:
        assert not COMMA.search(text), COMMA.findall(text)


@pytest.mark.parametrize("decimals", [False, True])
def test_in_a_comparison(tmp_path: Path, *, decimals: bool) -> None:
    document = compared(tmp_path, houses(decimals=decimals), houses(built=1975, decimals=decimals))
    assert re.search(
        r"median 19\d\d(\.5)? before, (19|20)\d\d", entry(document, "built")["message"]
    )
    page = re.sub(r"<style.*?</style>|<svg.*?</svg>", "", document["page"], flags=re.S)
    assert not COMMA.search(page)
    assert not COMMA.search(json.dumps(document["columns"]))


def test_prices_of_like_size_keep_their_comma(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    price = rng.uniform(1700, 2100, ROWS)
    document = profiled(
        tmp_path,
        {"price": ("number", price), "town": ("categorical", ["a", "b"] * (ROWS // 2))},
        target="price",
        charts=True,
    )
    assert any(re.search(r"[12],\d\d\d", chart["title"]) for chart in document["charts"])
