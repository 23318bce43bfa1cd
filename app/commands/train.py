"""``uam train``: the whole corridor in one process, within one budget of wall time."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from app import __version__
from app.analysis.automl.options import check_options, parse_options
from app.analysis.automl.tasks import metric_named
from app.analysis.errors import BadOption
from app.commands.bench import Bench, Table, bench, deliver
from app.commands.failures import WorkFailed, WrongUsage

CLEAN = "app.analysis.ingest.jobs:clean"
EXPLORE = "app.analysis.profile.jobs:explore"
LOAD = "app.commands.warm_up:load"
TRAIN = "app.analysis.automl.jobs:train"
RENDER = "app.analysis.report.jobs:render"

NAMED = ("target", "time_column", "series_column", "known_ahead")
"""Options that name columns, which cleaning then never drops."""

# The command ends within 1.1 times its budget and 3 s. What reading and the report take beyond
# that allowance is time that training does not have.
OVERRUN_SHARE = 0.1
OVERRUN_S = 3.0
# Where the libraries of training load in LOAD_S, the report takes REPORT_S; where that takes
# longer, so does the report, and all else.
LOAD_S = 1.4
REPORT_S = 1.2
# However slow the machine is today: so much of the budget is left to training.
LEAST_SHARE = 0.4


def _overspent(budget_s: float, pace: float) -> float:
    """Seconds of the budget that are gone already, once the report's share is laid aside, which
    takes ``pace`` times as long as usual."""
    elapsed = time.time() - float(psutil.Process().create_time())
    beyond = elapsed + pace * REPORT_S - OVERRUN_SHARE * budget_s - OVERRUN_S
    return min(max(0.0, beyond), (1 - LEAST_SHARE) * budget_s)


def train(data: Path, out: Path, options: dict[str, Any], jobs: int | None) -> None:
    """Train on ``data`` and write the model, the leaderboard and the report into ``out``.

    Raises :class:`WrongUsage` for an option that fits no table, :class:`WorkFailed` for what
    does not fit this one.
    """
    try:
        parse_options(options)
        if options["metric"] is not None:
            metric_named(options["metric"])
    except BadOption as error:
        raise WrongUsage(f"train: {error.message}") from None
    with ThreadPoolExecutor(1) as aside, bench() as at, at.beside() as second:
        # Loading the libraries of training takes longer than reading most tables.
        warming = aside.submit(_load, second, TRAIN)
        table = at.read(data)
        _check(table, options)
        cleaned = _clean(at, table, options)
        pace = max(1.0, warming.result() / LOAD_S)
        exploring = aside.submit(_explore, at, cleaned, data, options)
        loading = aside.submit(_load, at, RENDER)  # while models are fitted
        made = _train(second, cleaned, options, jobs, pace)
        explored, _ = exploring.result(), loading.result()
        charts = _gather_charts(at, explored, made)
        report = _report(at, table, data, options, explored, made, charts)
        for name in ("model.joblib", "model.json", "leaderboard.json"):
            deliver(made / name, out / name)
        for name in ("report.md", "report.html", "report.pdf"):
            deliver(report / name, out / name)
        _tell(at, made, out)


def _load(at: Bench, job: str) -> float:
    """Have the libraries of a job loaded; the seconds that it took."""
    began = time.monotonic()
    at.job("loading", LOAD, {"module": job.partition(":")[0]}, quiet=True)
    return time.monotonic() - began


def _check(table: Table, options: dict[str, Any]) -> None:
    try:
        check_options(columns=table.columns, rows=table.facts["rows"], options=options)
    except BadOption as error:
        raise WorkFailed(error.message) from None


def _clean(at: Bench, table: Table, options: dict[str, Any]) -> Table:
    made = at.folder("clean")
    params = {
        "source": str(table.source),
        "out_dir": str(made),
        "columns": table.columns,
        "options": {name: options[name] for name in NAMED if options.get(name) is not None},
    }
    return Table(made / "cleaned.parquet", at.job("cleaning", CLEAN, params))


def _explore(at: Bench, cleaned: Table, data: Path, options: dict[str, Any]) -> Path:
    made = at.folder("explore")
    params = {
        "source": str(cleaned.source),
        "out_dir": str(made),
        "columns": cleaned.columns,
        "dataset": {"name": data.name, "size_bytes": data.stat().st_size},
        "target": options["target"],
        "seed": options["seed"],
        "memory_mb": at.memory_mb,
    }
    at.job("exploring", EXPLORE, params, quiet=True)
    return made


def _train(
    at: Bench, cleaned: Table, options: dict[str, Any], jobs: int | None, pace: float
) -> Path:
    made = at.folder("train")
    steps = json.loads((cleaned.source.parent / "cleaning.json").read_text("utf-8"))["steps"]
    budget = float(options["time_budget_s"])
    left = budget - _overspent(budget, pace)
    asked = {"jobs": jobs, "cleaning_steps": steps, "spent_s": budget - left, "pace": pace}
    params = {
        "source": str(cleaned.source),
        "out_dir": str(made),
        "columns": cleaned.columns,
        "options": {**options, **asked},
    }
    at.job(f"training for {left:.0f} s", TRAIN, params)
    return made


def _gather_charts(at: Bench, explored: Path, made: Path) -> Path:
    """The charts of exploring and training in one folder, with one list of them."""
    folder = at.folder("charts")
    entries: list[dict[str, Any]] = []
    for place, prefix in ((explored, ""), (made, "model_")):
        listing = place / "charts" / "charts.json"
        for entry in json.loads(listing.read_text("utf-8")) if listing.exists() else []:
            taken = any(known["name"] == entry["name"] for known in entries)
            name = prefix + entry["name"] if taken else entry["name"]
            for ending in ("json", "png"):
                source = place / "charts" / f"{entry['name']}.{ending}"
                source.rename(folder / f"{name}.{ending}")
            entries.append({**entry, "name": name})
    (folder / "charts.json").write_text(json.dumps(entries), "utf-8")
    return folder


def _report(
    at: Bench,
    table: Table,
    data: Path,
    options: dict[str, Any],
    explored: Path,
    made: Path,
    charts: Path,
) -> Path:
    out = at.folder("report")
    run = {
        "dataset": data.name,
        "rows": table.facts["rows"],
        "cols": table.facts["cols"],
        "size_bytes": data.stat().st_size,
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "options": options,
        "warnings": table.facts["warnings"],
        "read": table.facts["read"],
        "versions": {"uam": __version__},
    }
    params = {
        "out_dir": str(out),
        "run": run,
        "profile": str(explored / "profile.json"),
        "leaderboard": str(made / "leaderboard.json"),
        "model": str(made / "model.json"),
        "cleaning": str(at.directory / "clean" / "cleaning.json"),
        "charts_dir": str(charts),
    }
    at.job("writing the report", RENDER, params)
    return out


def _tell(at: Bench, made: Path, out: Path) -> None:
    facts = json.loads((made / "model.json").read_text("utf-8"))
    for note in facts.get("notes", []):
        at.view.tell(f"note: {note}")
    score = facts["metrics"].get(facts["metric"])
    shown = f"{score:.4g}" if isinstance(score, int | float) else "unknown"
    at.view.tell(f"{facts['name']}: {facts['metric']} {shown} on rows that it never saw")
    for name in ("model.joblib", "leaderboard.json", "report.html", "report.pdf"):
        print(out / name)
