"""Charts: one description, and renderings that are valid, literal and never fail."""

from __future__ import annotations

import io
import json
import math
import re
import struct

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from app.analysis.charts import bars, curves, distributions, grids, points
from app.analysis.charts.plotly_figure import render_plotly
from app.analysis.charts.png import render_png
from app.analysis.charts.png_marks import draw
from app.analysis.charts.spec import KINDS, Chart, plain, slug
from app.analysis.charts.style import (
    DARK,
    LIGHT,
    Theme,
    are_years,
    number,
    percent,
    short,
    tick_texts,
)
from app.analysis.charts.write import write_chart, write_charts

EVIL = '<script>alert(1)</script> $\\frac{1}{0}$ "q" %{x}\n\u202e💩_' + "long " * 1000
EVIL_LABELS = [
    "<img src=x onerror=alert(1)>",
    "$x^2$",
    "_under",
    "日本語",
    "😀",
    "",
    "a\nb",
    "%{y}",
]
DAYS = [f"2013-01-{day:02d}T00:00:00" for day in range(1, 32)]
THIRD = [i / 30 for i in range(31)]


def examples() -> list[Chart]:
    """One chart of every shape, ordinary and awful."""
    return [
        bars.bar("bar", "A title", ["a", "b"], [3, 1], label_axis="c", value_axis="rows"),
        bars.bar("bar-none", "Nothing", [], [], label_axis="c", value_axis="rows"),
        bars.bar("bar-500", "Many", [f"c{i}" for i in range(500)], list(range(500))),
        bars.bar(
            "rate",
            "R",
            ["a", "b"],
            [3, -1],
            errors=[1, None],
            reference=(2.0, EVIL),
            unit="%",
            kind="target_rate",
        ),
        bars.bar(
            "evil",
            EVIL,
            EVIL_LABELS,
            [5, 4, 3, -2, 1, None, math.nan, 2e9],
            label_axis=EVIL,
            value_axis=EVIL,
            notes=[EVIL],
        ),
        bars.grouped_bar("grouped", "G", ["a", "b"], {"_yes": [1, 2], "$no$": [None, 3]}),
        bars.grouped_bar("stacked", "S", ["a", "b"], {"x": [1, 2], EVIL: [2, 3]}, stacked=True),
        bars.importance("importance", "I", ["f", "g"], [0.5, -0.1], [0.1, None]),
        bars.leaderboard("leaderboard", "L", ["m", "n"], [0.9, None], [0.01, None], metric="auc"),
        curves.line("time", "T", DAYS, {"rows": [*range(30), None]}, time=True, kind="timeline"),
        curves.line("one", "O", DAYS[:1], {"rows": [5]}, time=True),
        curves.line("huge", "H", [1e15, 2e15], {EVIL: [1e300, -1e300]}),
        curves.line("flat", "F", [1.0, 1.0], {"v": [2.0, 2.0]}, dashed=["v"]),
        curves.roc("roc", "R", {"m": (THIRD, [v**0.3 for v in THIRD])}),
        curves.precision_recall("pr", "P", {"m": (THIRD, THIRD[::-1])}, base_rate=0.2),
        curves.calibration("calibration", "C", {"m": (THIRD, THIRD)}),
        curves.learning_curve(
            "learning",
            "L",
            [10, 20],
            {"v": [0.1, 0.2]},
            metric="auc",
            bands={"v": ([0, 0.1], [0.2, 0.3])},
        ),
        points.scatter(
            "scatter", "S", {"a": ([1, None], [2, 3]), EVIL: ([1], [5])}, x_label=EVIL, y_label="y"
        ),
        points.scatter("scatter-none", "S", {"a": ([], [])}, x_label="x", y_label="y"),
        points.predicted_vs_actual("pva", "P", np.arange(5.0), np.arange(5.0) + 1, target=EVIL),
        points.residuals("residuals", "R", [1.0], [0.5], target="price"),
        distributions.histogram("histogram", "H", [0, 1, 2], {"rows": [3, 4]}, x_label="x"),
        distributions.histogram(
            "hist-two", "H", [0, 1, 2], {"a": [3, 4], "b": [1, 0]}, x_label="x"
        ),
        distributions.histogram(
            "hist-time", "H", DAYS[:3], {"rows": [3, 4]}, x_label="t", time=True
        ),
        distributions.histogram("hist-none", "H", [0, 1], {"rows": [None]}, x_label="x"),
        distributions.box(
            "box",
            "B",
            [distributions.Box.of(EVIL, [1, 2, 3, 100]), distributions.Box.of("none", [])],
            label_axis="class",
            value_axis="x",
            unit="months",
        ),
        grids.correlation("correlation", "C", ["a", EVIL], [[1, 0.5], [None, 1]]),
        grids.correlation("corr-big", "C", [f"c{i}" for i in range(60)], np.eye(60)),
        grids.confusion_matrix("confusion", "C", ["No", "<b>"], [[5, 1], [0, 0]]),
        grids.heatmap("heat-none", "H", [], [], []),
        grids.heatmap("missingness", "M", ["0-50 %"], ["a"], [[0.5]], kind="missingness"),
    ]


ALL = pytest.mark.parametrize("chart", examples(), ids=lambda chart: chart.name)


@ALL
def test_a_chart_survives_json(chart: Chart) -> None:
    text = json.dumps(chart.to_dict(), allow_nan=False)
    assert Chart.from_dict(json.loads(text)) == chart
    assert chart.summary().keys() == {"name", "title", "kind", "columns"}


@ALL
@pytest.mark.parametrize("dark", [False, True])
def test_plotly_accepts_the_figure(chart: Chart, dark: bool) -> None:
    figure = render_plotly(chart, dark=dark)
    json.dumps(figure, allow_nan=False)
    assert len(go.Figure(figure).data) == len(figure["data"])
    assert figure["layout"]["meta"]["kind"] == chart.kind


@ALL
def test_the_png_is_a_wide_picture_without_warnings(
    chart: Chart, recwarn: pytest.WarningsRecorder
) -> None:
    png = render_png(chart)
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert (width, 400 <= height <= 2500) == (1080, True)
    assert [str(w.message) for w in recwarn if "constrained_layout" not in str(w.message)] == []


def test_every_mark_is_among_the_examples() -> None:
    assert {chart.mark for chart in examples()} == set(KINDS.values())


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() if key != "meta" for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


@ALL
def test_no_text_from_data_is_markup_or_template_in_plotly(chart: Chart) -> None:
    figure = render_plotly(chart)
    own = [text for text in _texts(figure) if text != "%{text}"]
    bare = [text.replace("<br>", "") for text in own]
    assert not [text for text in bare if "<" in text or "%{" in text or "$" in text]


def test_an_unknown_kind_and_an_unsafe_name_are_refused() -> None:
    with pytest.raises(ValueError, match="not a kind"):
        Chart("a", "t", "pie", "", "", {})
    for name in ("", "../etc", "A b", "x" * 200, "a.png"):
        with pytest.raises(ValueError, match="not a safe name"):
            Chart(name, "t", "bar", "", "", {})


def test_what_is_no_json_becomes_json() -> None:
    given_values = {"a": np.array([1.5, math.nan]), "b": (math.inf, np.int64(3), np.bool_(True))}
    assert plain(given_values) == {"a": [1.5, None], "b": [None, 3, True]}
    with pytest.raises(TypeError):
        plain(object())


@given(st.lists(st.text(max_size=200), min_size=1, max_size=2), st.text(max_size=5))
@settings(max_examples=200, deadline=None)
def test_slugs_are_safe_and_tell_names_apart(parts: list[str], more: str) -> None:
    name = slug("histogram", *parts)
    Chart(name, "t", "bar", "", "", {})
    other = slug("histogram", *parts[:-1], parts[-1] + more + "!")
    assert other != name


def test_plain_names_stay_readable() -> None:
    assert slug("histogram", "dep_delay") == "histogram-dep_delay"
    assert slug("Größe") != slug("Grösse")


def test_the_tail_of_many_categories_is_told_and_kept_in_sum() -> None:
    rows = [1000 // 2**i for i in range(9)] + [1] * 91
    chart = bars.bar("b", "t", [f"c{i}" for i in range(100)], rows, top=9)
    values = chart.data["series"][0]["values"]
    assert chart.data["labels"][-1] == "other (91)"
    assert (sum(values), values[-1], chart.data["muted"]) == (sum(rows), 91, [9])
    assert chart.notes == ("The 9 largest of 100 are shown; the other 91 hold 4.4 % together.",)


def test_an_other_that_dwarfs_all_is_told_but_not_drawn() -> None:
    chart = bars.bar("b", "t", [f"c{i}" for i in range(500)], [1] * 500, top=10)
    assert (len(chart.data["labels"]), chart.data["muted"]) == (10, [])
    assert "the other 490 hold 98 %" in chart.notes[0]


def test_a_scatter_samples_by_its_seed_and_tells() -> None:
    def draw(seed: int) -> Chart:
        cloud = (list(range(10_000)), list(range(10_000)))
        return points.scatter("s", "t", {"a": cloud}, x_label="x", y_label="y", seed=seed)

    assert draw(1) == draw(1) != draw(2)
    assert len(draw(1).data["series"][0]["x"]) == points.MAX_POINTS
    assert draw(1).notes == ("A random 3,000 of 10,000 points are drawn.",)


def test_a_box_is_tukeys() -> None:
    box = distributions.Box.of("b", [1, 2, 3, 4, 5, 6, 7, 8, 9, 100])
    assert (box.low, box.q1, box.median, box.q3, box.high) == (1, 3.25, 5.5, 7.75, 9)
    assert (box.outliers, box.n) == ((100,), 10)


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    steps = [i / 9999 for i in range(10_000)]
    row = curves.roc("r", "t", {"m": (steps, steps)}).data["series"][0]
    assert (len(row["x"]), row["x"][0], row["x"][-1]) == (curves.MAX_POINTS, 0.0, 1.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (336776.0, "336,776"),
        (0.0123, "0.0123"),
        (1234567.0, "1.23M"),
        (1.5e-9, "1.5e-09"),
        (None, "–"),
        (math.nan, "–"),
        (-0.5, "-0.5"),
        (999_999_999.0, "1B"),
        (0.0, "0"),
    ],
)
def test_numbers_are_written_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_share_never_rounds_to_none_or_all() -> None:
    assert [percent(v) for v in (0, 0.00001, 0.5, 0.99999, 1)] == [
        "0 %",
        "<0.1 %",
        "50 %",
        ">99.9 %",
        "100 %",
    ]


@given(st.floats(-1e14, 1e14), st.sampled_from([1.0, 2.0, 2.5, 5.0]), st.integers(-6, 12))
@settings(max_examples=300, deadline=None)
def test_ticks_differ_from_each_other(start: float, digit: float, power: int) -> None:
    step = digit * 10.0**power
    first = round(start / step) * step
    values = [first + i * step for i in range(6)]
    if len(set(values)) == 6 and abs(first) / step < 1e12:
        assert len(set(tick_texts(values))) == 6


@given(st.text(max_size=300))
def test_short_labels_are_short_and_one_line(text: str) -> None:
    assert 1 <= len(short(text, 28)) <= 28
    assert "\n" not in short(text, 28)


def test_files_and_the_list_of_charts(tmp_path) -> None:
    first, second, *_ = examples()
    assert write_chart(first, tmp_path) == first.summary()
    write_charts([first], tmp_path)
    write_charts([second, first], tmp_path)
    listed = json.loads((tmp_path / "charts.json").read_text("utf-8"))
    assert [entry["name"] for entry in listed] == [second.name, first.name]
    figure = json.loads((tmp_path / f"{first.name}.json").read_text("utf-8"))
    assert figure == render_plotly(first)
    assert (tmp_path / f"{first.name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_legend_of_long_names_stays_within_the_picture():
    names = [f"An airport with a long name {i}" for i in range(7)]
    chart = bars.grouped_bar(
        "long", "Shares", ["a", "b"], {name: [40, 60] for name in names}, stacked=True
    )
    picture = np.asarray(Image.open(io.BytesIO(render_png(chart))).convert("L"))
    assert (picture[:, -4:] > 250).all(), "nothing is cut off at the right"


YEARS_AND_COUNTS = [
    distributions.histogram(
        "h", "h", [1969.5, 1979.5, 1989.5], {"rows": [1800, 1900]}, x_label="y"
    ),
    points.scatter("s", "s", {"row": ([1970, 2010], [0.5, 2500.0])}, x_label="y", y_label="n"),
    distributions.box(
        "b",
        "b",
        [distributions.Box.of("a", [1970.0, 1980.0, 2013.0])],
        label_axis="of",
        value_axis="y",
    ),
    curves.line("l", "l", [1970, 1980, 2013], {"n": [1700, 1800, 1900]}, x_label="y", y_label="n"),
]


@pytest.mark.parametrize("chart", YEARS_AND_COUNTS, ids=lambda chart: chart.mark)
def test_years_are_written_as_years_and_counts_are_not(chart: Chart) -> None:
    """1,970 is no year; a count of 1,800 rows keeps its comma."""
    figure = Figure()
    axes = figure.add_subplot()
    draw(axes, chart, LIGHT)
    texts = [tick.get_text() for tick in axes.get_xticklabels()]
    assert any(text.startswith(("19", "20")) for text in texts)
    assert not any("," in text for text in texts)
    plotly = json.dumps(render_plotly(chart))
    assert "1,97" not in plotly
    if chart.mark in ("histogram", "line"):
        counts = [tick.get_text() for tick in axes.get_yticklabels()]
        assert any("," in text for text in counts)
    if chart.mark == "histogram":
        assert "1970 – 1979: 1,800" in json.dumps(render_plotly(chart), ensure_ascii=False)


def test_no_years_without_whole_numbers_of_a_likely_size() -> None:
    assert not are_years([])
    assert not are_years([None])
    assert not are_years([1970.25, 1980.0])
    assert not are_years([1200, 2000])
    assert tick_texts([1970.0, 1980.0]) == ["1,970", "1,980"]
    assert tick_texts([1970.0, 1972.5], years=True) == ["1970", "1972.5"]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_much_stands_out_from_the_paper(theme: Theme) -> None:
    """On either paper a scale goes one way: what is dark on a dark page is not the most."""

    def light(colour: str) -> float:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    middle = len(theme.diverging) // 2
    for scale in (theme.sequential, theme.diverging[middle:], theme.diverging[middle::-1]):
        distances = [abs(light(colour) - light(theme.paper)) for colour in scale]
        assert distances == sorted(distances)
        assert distances[-1] > 80


MEANS_OF_YEARS = [
    bars.bar(
        "b", "b", ["a", "c"], [1987.42, 2013.9], value_axis="mean year", rest="drop", years=True
    ),
    curves.line("l", "l", [1, 2], {"mean year": [1987.42, 2013.9]}, years=True),
    points.predicted_vs_actual("p", "p", [1987, 2013], [1990.21, 2011.73], target="year"),
    points.residuals("r", "r", [1990.21, 2011.73], [-3.2, 1.3], target="year", years=True),
]


@pytest.mark.parametrize("chart", MEANS_OF_YEARS, ids=lambda chart: chart.name)
def test_means_and_predictions_of_years_are_written_as_years(chart: Chart) -> None:
    figure = Figure()
    axes = figure.add_subplot()
    draw(axes, chart, LIGHT)
    ticks = [*axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
    texts = [tick.get_text() for tick in ticks]
    assert any(text.startswith(("19", "20")) for text in texts)
    assert not any("," in text for text in texts)
    assert not re.search(r"[12],\d\d\d", json.dumps(render_plotly(chart)))


def test_outliers_far_beyond_leave_the_boxes_their_width() -> None:
    far = distributions.Box.of("far", [*range(100), 250.0, 50_000.0])
    near = distributions.Box.of("near", [*range(100), 250.0])
    chart = distributions.box("b", "b", [far, near], label_axis="of", value_axis="x")
    assert [box["outliers"] for box in chart.data["boxes"]] == [[250.0], [250.0]]
    assert chart.notes == ("Values far beyond are not drawn; the farthest is 50,000.",)
    assert not distributions.box("b", "b", [near], label_axis="of", value_axis="x").notes


def test_bars_of_years_begin_near_them() -> None:
    """From zero on, 1990 and 2010 are the same bar."""
    chart = MEANS_OF_YEARS[0]
    figure = Figure()
    axes = figure.add_subplot()
    draw(axes, chart, LIGHT)
    assert 1950 < axes.get_ylim()[0] < 1987.42
    assert axes.get_ylim()[1] > 2013.9
    low, high = render_plotly(chart)["layout"]["yaxis"]["range"]
    assert 1950 < low < 1987.42
    assert high > 2013.9
