"""The job that writes a run's report in all its forms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.analysis.progress import Progress
from app.analysis.report.compose import compose
from app.analysis.report.html import render_html
from app.analysis.report.markdown import render_markdown
from app.analysis.report.material import read_material
from app.analysis.report.pdf import render_pdf


def render(
    *,
    out_dir: str,
    run: Mapping[str, Any],
    profile: str | None = None,
    leaderboard: str | None = None,
    model: str | None = None,
    cleaning: str | None = None,
    charts_dir: str | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Write ``report.md``, ``report.html`` and ``report.pdf`` into ``out_dir``.

    ``run`` holds facts of the run, each optional: ``dataset`` (its name), ``dataset_version``,
    ``rows``, ``cols``, ``size_bytes``, ``run_id``, ``started_at``, ``options``, ``seed``, ``versions``, ``read``,
    ``warnings``. The others are paths of the files that the earlier stages wrote; one that is
    ``None`` or absent leaves its section short, never empty of a reason.
    Returns the size of each file in bytes.
    """
    material = read_material(
        run=run,
        profile=profile,
        leaderboard=leaderboard,
        model=model,
        cleaning=cleaning,
        charts_dir=charts_dir,
    )
    document = compose(material)
    progress(0.1)
    out = Path(out_dir)
    written = {
        "report.md": render_markdown(document).encode("utf-8", "replace"),
        "report.html": render_html(document).encode("utf-8", "replace"),
    }
    progress(0.4)
    written["report.pdf"] = render_pdf(document)
    for name, content in written.items():
        (out / name).write_bytes(content)
    progress(1.0, "The report is written.")
    return {name: len(content) for name, content in written.items()}
