"""Explore: charts chosen by the data, and a page in which nothing from the data is live."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pytest

from app.analysis.charts.spec import KINDS
from tests.unit.profile.tables import profiled

N = 600
RNG = np.random.default_rng(3)
X = RNG.normal(size=N)


def business() -> dict:
    """A small table of everything: numbers, categories, dates, text, gaps, an id, a constant."""
    # The same whichever tests ran before.
    rng = np.random.default_rng(4)
    churn = np.where(X + rng.normal(size=N) > 0.5, "Yes", "No")
    days = np.datetime64("2023-01-01", "us") + rng.integers(0, 700, N).astype("timedelta64[D]")
    words = np.array(["slow", "great", "price", "contract", "support"])
    return {
        "id": ("id", [f"k{i}" for i in range(N)]),
        "country": ("constant", ["X"] * N),
        "tenure": ("integer", pa.array(np.round(20 + 5 * X).astype(int), mask=rng.random(N) < 0.1)),
        "charge": ("number", 50 + 10 * X + rng.normal(size=N)),
        "income": ("number", np.exp(8 + rng.normal(size=N))),
        "contract": ("categorical", np.where(X > 0, "monthly", "yearly")),
        "method": ("categorical", rng.choice(["card", "bank", "check"], N)),
        "paperless": ("boolean", rng.random(N) < 0.5),
        "since": ("datetime", pa.array(days)),
        "comment": ("text", [" ".join(rng.choice(words, 4)) for _ in range(N)]),
        "churn": ("categorical", churn),
    }


def test_without_time_the_three_charts_of_most_worth_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    hurried = profiled(tmp_path / "a", business(), charts=True, draw_s=0.0)["charts"]
    unhurried = profiled(tmp_path / "b", business(), charts=True, draw_s=3_600.0)["charts"]
    assert hurried == unhurried[:3]
    assert len(list((tmp_path / "a" / "out" / "charts").glob("*.png"))) == 3


@pytest.mark.parametrize("target", ["churn", "charge", "paperless", "contract", None])
def test_at_least_eight_kinds_and_at_most_24_charts(tmp_path: Path, target: str | None) -> None:
    document = profiled(tmp_path, business(), target=target, charts=True)
    charts = document["charts"]
    assert len({c["kind"] for c in charts}) >= 8
    assert len(charts) <= 24
    assert len({c["name"] for c in charts}) == len(charts)
    assert {c["kind"] for c in charts} <= set(KINDS)
    folder = tmp_path / "out" / "charts"
    assert json.loads((folder / "charts.json").read_text("utf-8")) == charts
    for entry in charts:
        figure = json.loads((folder / f"{entry['name']}.json").read_text("utf-8"))
        assert go.Figure(figure).data
        assert (folder / f"{entry['name']}.png").read_bytes().startswith(b"\x89PNG")
        assert not {"id", "country"} & set(entry["columns"])
        assert len(entry["title"]) > len(entry["name"]) / 3


def test_among_thousands_of_columns_some_are_compared_and_the_target(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    data = {f"x{i}": ("number", rng.normal(size=60)) for i in range(700)}
    data["y"] = ("number", data["x3"][1] + 0.1 * rng.normal(size=60))
    charts = profiled(tmp_path, data, target="y", charts=True)["charts"]
    (heat,) = [chart for chart in charts if chart["kind"] == "correlation"]
    assert {"x3", "y"} < set(heat["columns"])
    assert "x3 and y" in heat["title"]
    figure = (tmp_path / "out" / "charts" / "correlation.json").read_text("utf-8")
    assert "501 of 701 columns of numbers" in figure


def test_the_same_seed_gives_the_same_charts(tmp_path: Path) -> None:
    source = business()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        profiled(tmp_path / name, source, target="churn", charts=True)
    for path in (tmp_path / "one" / "out" / "charts").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / "out" / "charts" / path.name).read_bytes()


def test_a_target_of_several_classes_is_drawn_as_shares(tmp_path: Path) -> None:
    data = business() | {"grade": ("categorical", RNG.choice(["a", "b", "c"], N))}
    charts = profiled(tmp_path, data, target="grade", charts=True)["charts"]
    assert {"target_distribution", "stacked_bar", "box"} <= {c["kind"] for c in charts}


EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\nb\tc\x00",
    "$x^2$ & _y_",
    "💩 日本語",
    "L" * 5000,
    "'; DROP TABLE x; --",
    "{{7*7}}{% raw %}",
    "a.b",
    "a",
    "",
    "</style><script>alert(2)</script>",
    "javascript:alert(1)",
    "\u202egnirts",
]


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_names_and_values_are_text_everywhere(tmp_path: Path) -> None:
    data = {
        name: ("categorical", [EVIL[(i * 7 + j) % len(EVIL)] for i in range(60)])
        for j, name in enumerate(EVIL)
    }
    data["numbers"] = ("number", RNG.normal(size=60))
    document = profiled(tmp_path, data, target=EVIL[0], charts=True)
    assert [c["name"] for c in document["columns"]] == [*EVIL, "numbers"]
    page = (tmp_path / "out" / "profile.html").read_text("utf-8")
    parser = Tags()
    parser.feed(page)
    assert sum(tag == "script" for tag, _ in parser.tags) == 1
    assert "img" not in {tag for tag, _ in parser.tags}
    assert not [a for _, attrs in parser.tags for a in attrs if a.startswith("on") or a == "src"]
    links = [attrs["href"] or "" for tag, attrs in parser.tags if tag == "a"]
    assert links
    assert all(link.startswith("#c") for link in links)
    assert not {tag for tag, _ in parser.tags} & {"link", "iframe", "object", "embed", "base"}
    assert "7*7" in page
    assert ">49<" not in page
    for entry in document["charts"]:
        path = tmp_path / "out" / "charts" / f"{entry['name']}.json"
        assert "<script" not in path.read_text("utf-8").split('"meta"')[0]


def test_a_column_that_goes_missing_is_drawn_over_time(tmp_path: Path) -> None:
    days = np.datetime64("2024-01-01", "us") + np.arange(N).astype("timedelta64[D]")
    gone = np.where(np.arange(N) >= N / 2, np.nan, X)
    data = {"day": ("datetime", pa.array(days)), "gone": ("number", gone)}
    document = profiled(tmp_path, data, charts=True)
    (alert,) = [one for one in document["alerts"] if one["kind"] == "missing_over_time"]
    path = tmp_path / "out" / "charts" / f"{alert['chart']}.json"
    (drawn,) = json.loads(path.read_text("utf-8"))["data"]
    assert [drawn["y"][0], drawn["y"][-1]] == [0, 100]
    assert drawn["y"] == sorted(drawn["y"])


def test_a_bar_that_would_show_nothing_is_left_out(tmp_path: Path) -> None:
    codes = np.minimum(np.random.default_rng(5).geometric(0.08, 2_000), 40)
    data = {
        "code": ("categorical", [f"c{code}" for code in codes]),
        "name": ("categorical", [f"name of {code}" for code in codes]),
    }
    document = profiled(tmp_path, data, charts=True)
    (alert,) = [one for one in document["alerts"] if one["kind"] in ("same_columns", "correlated")]
    path = tmp_path / "out" / "charts" / f"{alert['chart']}.json"
    bars = json.loads(path.read_text("utf-8"))["data"]
    heights = np.sum([bar["y"] for bar in bars], axis=0)
    assert len(heights) == len(bars)
    assert (heights == 100).all()


def test_the_page_needs_no_network_and_no_script(tmp_path: Path) -> None:
    profiled(tmp_path, business(), target="churn")
    page = (tmp_path / "out" / "profile.html").read_text("utf-8")
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in page
    assert page.index("What matters first") < page.index('id="columns"')
    assert page.count("<article") == 11
    assert "prefers-color-scheme:dark" in page


def test_a_wide_table_stays_a_small_page(tmp_path: Path) -> None:
    data = {f"column {i}": ("number", RNG.normal(size=50)) for i in range(450)}
    document = profiled(tmp_path, data)
    page = (tmp_path / "out" / "profile.html").read_text("utf-8")
    assert len(document["columns"]) == 450
    assert page.count("<article") == 400
    assert "50 more columns are in" in page
    assert len(page) < 3_000_000


@pytest.mark.parametrize("target", ["churn", "charge", None])
def test_the_first_alerts_point_at_charts_that_are_there(
    tmp_path: Path, target: str | None
) -> None:
    days = np.datetime64("2024-01-01", "us") + np.arange(N).astype("timedelta64[D]")
    data = {"day": ("datetime", pa.array(days))} | business()
    data["late"] = ("number", X + 3 * (np.arange(N) > N / 2))
    document = profiled(tmp_path, data, target=target, charts=True)
    drawn = {chart["name"]: chart for chart in document["charts"]}
    pointing = [alert for alert in document["alerts"][:10] if "chart" in alert]
    assert {"drift", "skewed", "missing"} <= {alert["kind"] for alert in pointing}
    for alert in pointing:
        chart = drawn[alert["chart"]]
        assert set(alert["columns"]) & set(chart["columns"]) or alert["kind"] == "missing"
    first = list(drawn)[: len({alert["chart"] for alert in pointing})]
    assert set(first) == {alert["chart"] for alert in pointing}
    charted = {name for chart in drawn.values() for name in chart["columns"]}
    assert not {"id", "country"} & charted
    page = (tmp_path / "out" / "profile.html").read_text("utf-8")
    assert 'class="mini"' in page
