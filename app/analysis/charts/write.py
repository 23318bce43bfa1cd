"""Charts on disk: NAME.json (Plotly) and NAME.png side by side, and the list of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from app.analysis.charts.plotly_figure import render_plotly
from app.analysis.charts.png import render_png
from app.analysis.charts.spec import Chart


def write_chart(chart: Chart, directory: str | Path) -> dict[str, object]:
    """Write ``NAME.json`` and ``NAME.png`` into ``directory`` (made if need be).

    Returns the chart's :meth:`~Chart.summary`, the entry of a list of charts.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    figure = json.dumps(render_plotly(chart), ensure_ascii=False, allow_nan=False)
    (folder / f"{chart.name}.json").write_text(figure, encoding="utf-8", errors="replace")
    (folder / f"{chart.name}.png").write_bytes(render_png(chart))
    return chart.summary()


def write_charts(charts: Sequence[Chart], directory: str | Path) -> list[dict[str, object]]:
    """Write every chart and ``charts.json``, the list of their summaries, which is returned.

    A ``charts.json`` that is already there keeps its other entries, so that stages may add.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    listing = folder / "charts.json"
    written = [write_chart(chart, folder) for chart in charts]
    names = {entry["name"] for entry in written}
    before = json.loads(listing.read_text("utf-8")) if listing.exists() else []
    entries = [entry for entry in before if entry["name"] not in names] + written
    text = json.dumps(entries, ensure_ascii=False, indent=1)
    listing.write_text(text, encoding="utf-8", errors="replace")
    return written
