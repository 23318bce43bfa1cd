"""Runs to report on: the files that the earlier stages would have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.analysis.charts.bars import bar, importance
from app.analysis.charts.write import write_charts
from app.analysis.progress import silent
from app.analysis.report.compose import compose
from app.analysis.report.document import Document
from app.analysis.report.jobs import render
from app.analysis.report.material import Material, read_material

Json = dict[str, Any]

HOSTILE = (
    '<script>alert("x")</script>',
    "<img src=x onerror=alert(1)>",
    "# not a heading",
    "[link](http://evil.example/?a=1&b=2)",
    "http://evil.example and www.evil.example and a@evil.example",
    "a | b | c",
    "```\ncode\n```",
    "**bold** _it_ ~~gone~~ `tick`",
    "</font></para><b>broken",
    "{{ 7 * 7 }} {% raw %}",
    "=cmd|'/c calc'!A0",
    "new\nline\x00\x1b[31m",
    "&lt;already&gt; &amp; \\escaped\\",
    "1. not a list",
    "- nor this",
    "$x^2$ <!-- c --> :smile:",
    "漢字 and emoji 😀 and Ελλάδα and Россия",
    "",
    "x" * 5_000,
)


def column(name: str, kind: str = "number", **more: Any) -> Json:
    """One column of a profile."""
    facts: Json = {"name": name, "type": kind, "reason": "it looks so", "missing": 5}
    facts |= {"distinct": 80, "distinct_exact": True}
    if kind in ("number", "integer"):
        facts |= {"mean": 4.5, "median": 4, "min": 1, "max": 9, "std": 2.0}
    if kind == "categorical":
        facts |= {"top": [{"value": "red", "count": 60}, {"value": "blue", "count": 35}]}
    return facts | more


def profile(*columns: Json, rows: int = 100, alerts: int = 3) -> Json:
    """A profile of these columns, with some alerts and one association."""
    names = [str(c["name"]) for c in columns] or ["nothing"]
    found = [
        {
            "column": names[i % len(names)],
            "kind": "missing",
            "severity": ("high", "medium", "low")[i % 3],
            "message": f"{names[i % len(names)]} has gaps in 5 of {rows} rows.",
            "action": "Ask why.",
        }
        for i in range(alerts)
    ]
    links = [{"a": names[0], "b": names[-1], "measure": "pearson", "value": 0.8123}]
    return {
        "dataset": {
            "name": "cars.csv",
            "rows": rows,
            "cols": len(columns),
            "size_bytes": 12_345,
            "missing_cells": 5 * len(columns),
            "duplicate_rows": 1,
        },
        "columns": list(columns),
        "associations": links if len(columns) > 1 else [],
        "alerts": found,
    }


def ranking(metric: str, best: float, baseline: float, name: str = "boosted trees") -> Json:
    """A leaderboard of one candidate and the baseline."""
    rows = [
        {"rank": 1, "name": name, "score": best, "score_std": 0.01, "fit_seconds": 1.5,
         "predict_ms_per_row": 0.01, "kind": "boosting"},
        {"rank": 2, "name": "baseline: the mean", "score": baseline, "score_std": 0.0,
         "fit_seconds": 0.01, "predict_ms_per_row": 0.001, "kind": "baseline"},
    ]  # fmt: skip
    return {"task": "regression", "target": "price", "metric": metric, "rows": rows}


def model(task: str, metric: str, figure: float, **more: Any) -> Json:
    """The facts of a trained model."""
    return {
        "task": task,
        "task_reason": "the target holds numbers",
        "target": None if task == "clustering" else "price",
        "metric": metric,
        "metrics": {metric: figure},
        "name": "boosted trees",
        "input_schema": [
            {"name": "weight", "type": "number", "required": True, "example": 1200.5},
            {"name": "color", "type": "categorical", "required": False, "example": "red"},
        ],
        "importance": [{"feature": "weight", "value": 0.42, "std": 0.03}],
        "sha256": "ab" * 32,
        "versions": {"scikit-learn": "1.9.0"},
        "notes": ["Rows were split at random (seed 0): 5 folds choose, 20 rows judge once."],
        "holdout_rows": 20,
        "train_rows": 80,
        "fit_seconds": 9.5,
        **more,
    }


def cleaning(*steps: tuple[str, str]) -> Json:
    """A cleaning log of (column, rule) steps."""
    listed = [
        {"id": str(i), "column": c, "rule": r, "rows": 3, "reason": "signs at the ends",
         "parameters": {}, "switch_off": r}
        for i, (c, r) in enumerate(steps)
    ]  # fmt: skip
    return {"steps": listed, "rows_in": 100, "rows_out": 100, "columns": []}


class Run:
    """The files of one run under a folder; every part is optional."""

    def __init__(self, folder: Path, *, facts: Json | None = None, **files: Json | None) -> None:
        self.folder = folder
        self.facts = {"dataset": "cars.csv", "rows": 100, "cols": 3} | (facts or {})
        self.paths: dict[str, str | None] = dict.fromkeys(
            ("profile", "leaderboard", "model", "cleaning", "charts_dir")
        )
        for name, content in files.items():
            if content is not None:
                path = folder / f"{name}.json"
                path.write_text(json.dumps(content), "utf-8")
                self.paths[name] = str(path)

    def with_charts(self, *titles: str) -> Run:
        """The same with a chart of each title, and one of importances."""
        directory = self.folder / "charts"
        drawn = [
            bar(f"bar-{i}", title, ["red", "blue"], [60, 35], columns=["color"])
            for i, title in enumerate(titles)
        ]
        drawn.append(importance("importance", "Weight before all else", ["weight"], [0.42]))
        write_charts(drawn, directory)
        self.paths["charts_dir"] = str(directory)
        return self

    def material(self) -> Material:
        """What the report is written from."""
        return read_material(run=self.facts, **self.paths)

    def document(self) -> Document:
        """The document of the run."""
        return compose(self.material())

    def render(self) -> dict[str, Any]:
        """Write the three files into the folder; returns their sizes."""
        return render(out_dir=str(self.folder), run=self.facts, **self.paths, progress=silent)


def ordinary(folder: Path) -> Run:
    """A regression with everything an ordinary run has."""
    columns = (column("weight"), column("color", "categorical"), column("price", "integer"))
    return Run(
        folder,
        facts={
            "started_at": "2026-11-24T23:05:00Z",
            "options": {"target": "price", "time_budget_s": 60, "seed": 7},
            "versions": {"uam": "0.1.0"},
        },
        profile=profile(*columns),
        leaderboard=ranking("rmse", 528.2, 4000.0),
        model=model("regression", "rmse", 531.0),
        cleaning=cleaning(("color", "trim")),
    ).with_charts("Most cars are red", "Half of the cars cost under 4")


def hostile(folder: Path) -> Run:
    """A run in which every text that comes from data tries to be something else."""
    columns = [column(name, "categorical", top=[{"value": name, "count": 3}]) for name in HOSTILE]
    nasty = HOSTILE[0]
    facts = model("regression", "rmse", 531.0, target=nasty, name=HOSTILE[1], notes=list(HOSTILE))
    facts |= {"importance": [{"feature": n, "value": 0.1, "std": 0.01} for n in HOSTILE]}
    facts |= {"input_schema": [{"name": n, "type": "text", "example": n} for n in HOSTILE]}
    return Run(
        folder,
        facts={"dataset": HOSTILE[3], "options": {"target": nasty, "ignore": list(HOSTILE)},
               "warnings": [{"kind": "x", "message": n} for n in HOSTILE],
               "read": {"delimiter": HOSTILE[0], "delimiter_reason": HOSTILE[5]}},
        profile=profile(*columns, alerts=10),
        leaderboard=ranking("rmse", 1.0, 2.0, name=HOSTILE[5]),
        model=facts,
        cleaning=cleaning(*((n, n) for n in HOSTILE)),
    ).with_charts(*HOSTILE[:5])  # fmt: skip
