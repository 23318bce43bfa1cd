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
from app.analysis.automl.threads import available_cpus
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
# Where the libraries of training load in LOAD_S, the report and the end of the command take
# REPORT_S; where that takes longer, so do they, and all else.
LOAD_S = 1.4
# … and in a child that has read the table, which shares some of them:
LOAD_REST_S = 1.3
REPORT_S = 1.6
# However slow the machine is today: so much of the budget is left to training.
LEAST_SHARE = 0.3
# Where all is done in turn, exploring takes EXPLORE_S for a small table with the charts that are
# drawn in any case, CELL_S more for each value, and DRAW_S for the other charts, to which goes
# no more than this share of the budget.
EXPLORE_S = 0.9
CELL_S = 1e-7
DRAW_S = 1.2
DRAWING_SHARE = 0.05
# Beside the report, for the last chart and for what is written.
SPARE_S = 0.3


def _elapsed() -> float:
    """Seconds since this process was started."""
    return time.time() - float(psutil.Process().create_time())


def _allowed(budget_s: float) -> float:
    """Seconds that the command may take in all."""
    return budget_s + OVERRUN_SHARE * budget_s + OVERRUN_S


def _overspent(budget_s: float, after_s: float) -> float:
    """Seconds of the budget that are gone already, once ``after_s`` are laid aside for what comes
    after training."""
    beyond = _elapsed() + after_s + budget_s - _allowed(budget_s)
    return min(max(0.0, beyond), (1 - LEAST_SHARE) * budget_s)


def _for_exploring(cleaned: Table, budget_s: float, pace: float) -> float:
    """Seconds that exploring will take where all else takes ``pace`` times as long as usual."""
    cells = int(cleaned.facts["rows"]) * len(cleaned.columns)
    drawing = min(DRAWING_SHARE * budget_s, pace * DRAW_S)
    return pace * (EXPLORE_S + CELL_S * cells) + drawing


def _for_charts(budget_s: float, pace: float) -> float:
    """Seconds from now until no further chart of the data is begun."""
    return _allowed(budget_s) - _elapsed() - pace * (REPORT_S + SPARE_S)


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
    with bench() as at:
        work = _side_by_side if available_cpus() > 1 else _in_turn
        table, explored, made = work(at, data, options, jobs)
        charts = _gather_charts(at, explored, made)
        report = _report(at, table, data, options, explored, made, charts)
        for name in ("model.joblib", "model.json", "leaderboard.json"):
            deliver(made / name, out / name)
        for name in ("report.md", "report.html", "report.pdf"):
            deliver(report / name, out / name)
        _tell(at, made, out)
        late = late_note(_elapsed(), float(options["time_budget_s"]))
        if late:
            at.view.tell(late)


def late_note(took_s: float, budget_s: float) -> str:
    """A sentence where the command took longer than it may, else nothing."""
    if took_s <= _allowed(budget_s):
        return ""
    return (
        f"note: this took {took_s:.0f} s, more than a budget of {budget_s:g} s allows for: reading, "
        "cleaning and a first model of this table need longer on this machine."
    )


Made = tuple[Table, Path, Path]
"""The table as read, and the folders of what was explored and trained."""


def _side_by_side(at: Bench, data: Path, options: dict[str, Any], jobs: int | None) -> Made:
    """Read and explore in one child, train in another."""
    budget = float(options["time_budget_s"])
    with ThreadPoolExecutor(1) as aside, at.beside() as second:
        # Loading the libraries of training takes longer than reading most tables.
        warming = aside.submit(_load, second, TRAIN, LOAD_S)
        table, cleaned = _read(at, data, options)
        pace = warming.result()
        drawing = _for_charts(budget, pace)
        exploring = aside.submit(_explore, at, cleaned, data, options, drawing, quiet=True)
        loading = aside.submit(_load, at, RENDER, REPORT_S)  # while models are fitted
        made = _train(second, cleaned, options, jobs, pace, after_s=pace * REPORT_S)
        explored, _ = exploring.result(), loading.result()
    return table, explored, made


def _in_turn(at: Bench, data: Path, options: dict[str, Any], jobs: int | None) -> Made:
    """All in one child, which loads the libraries once: a second would only slow it down.

    Training goes first: who waits would rather see a model than charts.
    """
    budget = float(options["time_budget_s"])
    table, cleaned = _read(at, data, options)
    pace = _load(at, TRAIN, LOAD_REST_S)
    after = pace * REPORT_S + _for_exploring(cleaned, budget, pace)
    made = _train(at, cleaned, options, jobs, pace, after_s=after)
    return table, _explore(at, cleaned, data, options, _for_charts(budget, pace)), made


def _read(at: Bench, data: Path, options: dict[str, Any]) -> tuple[Table, Table]:
    """The table as it was read, and cleaned. Raises :class:`WorkFailed`."""
    table = at.read(data)
    _check(table, options)
    return table, _clean(at, table, options)


def _load(at: Bench, job: str, usual_s: float) -> float:
    """Have the libraries of a job loaded; how many times as long as usual it took, at least 1."""
    began = time.monotonic()
    at.job("loading", LOAD, {"module": job.partition(":")[0]}, quiet=True)
    return max(1.0, (time.monotonic() - began) / usual_s)


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


def _explore(
    at: Bench,
    cleaned: Table,
    data: Path,
    options: dict[str, Any],
    draw_s: float,
    *,
    quiet: bool = False,
) -> Path:
    made = at.folder("explore")
    params = {
        "source": str(cleaned.source),
        "out_dir": str(made),
        "columns": cleaned.columns,
        "dataset": {"name": data.name, "size_bytes": data.stat().st_size},
        "target": options["target"],
        "seed": options["seed"],
        "memory_mb": at.memory_mb,
        "draw_s": draw_s,
    }
    at.job("exploring", EXPLORE, params, quiet=quiet)
    return made


def _train(
    at: Bench,
    cleaned: Table,
    options: dict[str, Any],
    jobs: int | None,
    pace: float,
    *,
    after_s: float,
) -> Path:
    made = at.folder("train")
    steps = json.loads((cleaned.source.parent / "cleaning.json").read_text("utf-8"))["steps"]
    budget = float(options["time_budget_s"])
    left = budget - _overspent(budget, after_s)
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
