"""What a caller runs: the profile of a dataset, its exploration with charts, a comparison."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.analysis.profile.comparison import Side
from app.analysis.profile.comparison import compare as compute_comparison
from app.analysis.profile.comparison_page import render_comparison
from app.analysis.profile.document import Profile, compute
from app.analysis.profile.page import render_page
from app.analysis.progress import Progress
from app.analysis.schema import columns_from_json

FEWEST_CHARTS = 3
"""Charts that are drawn however little time there is."""


def profile(
    *,
    source: str,
    out_dir: str,
    columns: Sequence[Mapping[str, Any]],
    dataset: Mapping[str, Any],
    target: str | None,
    seed: int,
    progress: Progress,
    memory_mb: int | None = None,
) -> dict[str, Any]:
    """Write ``profile.json`` and ``profile.html`` into ``out_dir``.

    ``source`` is the dataset's Parquet file, ``columns`` its schema, ``dataset`` its ``name``
    and ``size_bytes``. ``memory_mb`` is what this process may take, ``None`` for any amount.
    Returns ``{"alerts": how many, "charts": []}``. Raises ``BadOption``
    when ``target`` is no column and ``BadTable`` when the file cannot be read.
    """
    found = compute(
        source,
        columns_from_json(columns),
        dataset=dataset,
        target=target,
        seed=seed,
        progress=progress,
        memory_mb=memory_mb,
    )
    _write(found, Path(out_dir))
    progress(1.0, _sentence(found))
    return {"alerts": len(found.document["alerts"]), "charts": []}


def explore(
    *,
    source: str,
    out_dir: str,
    columns: Sequence[Mapping[str, Any]],
    dataset: Mapping[str, Any],
    target: str | None,
    seed: int,
    progress: Progress,
    memory_mb: int | None = None,
    draw_s: float | None = None,
) -> dict[str, Any]:
    """The same profile, and the charts that this data deserves, in the order of their worth: all,
    or those that can be drawn until ``draw_s`` seconds from now, three at least.

    Writes ``charts/NAME.json``, ``charts/NAME.png`` and ``charts/charts.json`` besides, and
    returns ``{"alerts", "charts": [{"name", "title", "kind", "columns"}]}``. Alerts in
    ``profile.json`` name the chart that shows them.
    """
    until = math.inf if draw_s is None else time.monotonic() + draw_s
    from app.analysis.charts.write import write_charts
    from app.analysis.profile.choice import chosen_charts

    def half(
        fraction: float,
        message: str = "",
        *,
        level: str = "INFO",
        leaderboard: dict[str, Any] | None = None,
    ) -> None:
        progress(0.4 * fraction, message, level=level, leaderboard=leaderboard)

    found = compute(
        source,
        columns_from_json(columns),
        dataset=dataset,
        target=target,
        seed=seed,
        progress=half,
        memory_mb=memory_mb,
    )
    charts = chosen_charts(found, seed=seed)
    _write(found, Path(out_dir))
    progress(0.4, _sentence(found))
    folder = Path(out_dir) / "charts"
    written = write_charts([], folder)
    for place, chart in enumerate(charts, start=1):
        if place > FEWEST_CHARTS and time.monotonic() > until:
            progress(
                1.0, f"Drew {len(written)} of {len(charts)} charts: there is no time for more."
            )
            break
        written += write_charts([chart], folder)
        progress(0.4 + 0.6 * place / len(charts))
    else:
        progress(1.0, f"Drew {len(written)} charts.")
    return {"alerts": len(found.document["alerts"]), "charts": written}


def compare(
    *,
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    out_dir: str,
    progress: Progress,
    memory_mb: int | None = None,
) -> dict[str, Any]:
    """Write ``compare.json`` and ``compare.html`` into ``out_dir``: what changed from a to b.

    Each side is ``{"source": a Parquet file, "columns": its schema, "name"}``. ``memory_mb`` is
    what this process may take, ``None`` for any amount. Returns
    ``{"summary": [sentences]}``. Raises ``BadTable`` when a file cannot be read.
    """
    first, second = (
        Side(side["source"], columns_from_json(side["columns"]), side["name"]) for side in (a, b)
    )
    found = compute_comparison(first, second, progress, memory_mb)
    out = Path(out_dir)
    text = json.dumps(found, ensure_ascii=False, allow_nan=False, indent=1)
    (out / "compare.json").write_text(text, encoding="utf-8", errors="replace")
    page = render_comparison(found)
    (out / "compare.html").write_text(page, encoding="utf-8", errors="replace")
    progress(1.0, "Compared.")
    return {"summary": found["summary"]}


def _write(found: Profile, out_dir: Path) -> None:
    text = _written(found.document)
    (out_dir / "profile.json").write_text(text, encoding="utf-8", errors="replace")
    page = render_page(found.document)
    (out_dir / "profile.html").write_text(page, encoding="utf-8", errors="replace")


def _written(document: Mapping[str, Any]) -> str:
    """The document as JSON, a line for each entry of its lists: as readable as an indented one,
    and written by the encoder in C, which cannot indent."""

    def one(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    def entry(value: Any) -> str:
        lines = ",\n  ".join(map(one, value)) if isinstance(value, list) else ""
        return f"[\n  {lines}\n ]" if lines else one(value)

    entries = (f" {one(key)}: {entry(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _sentence(found: Profile) -> str:
    alerts = len(found.document["alerts"])
    return f"Profiled {len(found.facts):,} columns of {found.rows:,} rows: {alerts} alerts."
