"""What each stage computes: inputs fetched, a job in a child, files out.

A stage knows neither claims nor attempts: it is given a context and returns its products,
which the pipeline stores and writes down in one step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from app import __version__
from app.core import sandbox
from app.core.child_errors import ChildError
from app.core.sandbox import ProgressHandler
from app.core.scratch import empty
from app.db.tables import Artifact, DatasetFacts, Run
from app.runs.checkpoints import Checkpoints
from app.runs.patience import patiently
from app.storage.base import ObjectMissing, Storage, StorageCorrupted

T = TypeVar("T")

# Options that cleaning looks at, since a column that a run names is never dropped.
NAMING = (
    "target", "features", "ignore", "time_column", "series_column", "known_ahead",
    "group_column", "weight_column",
)  # fmt: skip
# What training may take beyond its budget before it is ended from outside.
TRAIN_SLACK_S = 90.0
TRAIN_SLACK_SHARE = 0.2


@dataclass(frozen=True)
class Product:
    """One file that a stage made, to become an artifact."""

    type: str
    path: Path
    filename: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class StageResult:
    """A stage's products; ``model`` holds the facts of a trained one."""

    products: list[Product]
    model: dict[str, Any] | None = None
    leaderboard: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class StageContext:
    """All that a stage may touch: its run's facts, a scratch directory, the storage.

    ``stop`` asks whether the work is to be dropped, ``finish`` whether it is to come to an end
    with what there is. ``test`` is the data set of the option ``test_dataset_id``, ``compute_url``
    the cluster that candidates are fitted on.
    """

    run: Run
    dataset: DatasetFacts
    artifacts: list[Artifact]
    storage: Storage
    bucket: str
    signing_key: str
    directory: Path
    memory_mb: int
    timeout_s: float
    stall_s: float
    on_progress: ProgressHandler
    stop: Callable[[], bool]
    finish: Callable[[], bool] = lambda: False
    test: DatasetFacts | None = None
    compute_url: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The run's options."""
        return self.run.parameters_json

    def out(self) -> Path:
        """An empty directory for what the job writes."""
        path = self.directory / "out"
        path.mkdir()
        return path

    def fetch(self, key: str, name: str) -> Path:
        """A stored object as a local file. Raises :class:`ChildError` when it is lost."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.patiently(lambda: self.storage.fetch_to(self.bucket, key, path))
        except ObjectMissing:
            raise ChildError("missing_input", f"the stored file {name} is missing") from None
        except StorageCorrupted:
            raise ChildError("missing_input", f"the stored file {name} is damaged") from None
        return path

    def patiently(self, action: Callable[[], T]) -> T:
        """What ``action`` returns, once the storage answers; the run's log says why it waits."""
        return patiently(
            action,
            stop=self.stop,
            tell=lambda why: self.on_progress(0.0, why, "WARNING", None),
        )

    def find(self, type: str, filename: str) -> Artifact | None:
        """An artifact of an earlier stage."""
        for artifact in self.artifacts:
            if artifact.type == type and artifact.filename == filename:
                return artifact
        return None

    def fetch_artifact(self, type: str, filename: str) -> Path | None:
        """An artifact of an earlier stage as a local file; ``None`` where there is none."""
        artifact = self.find(type, filename)
        return None if artifact is None else self.fetch(artifact.storage_key, filename)

    def job(self, target: str, params: dict[str, Any], timeout_s: float = 0.0) -> dict[str, Any]:
        """Run an analyst's job in a child. Raises :class:`ChildError`."""

        def run() -> dict[str, Any]:
            empty(Path(params["out_dir"]))
            return sandbox.run(
                target,
                params,
                memory_mb=self.memory_mb,
                timeout_s=timeout_s or self.timeout_s,
                stall_s=self.stall_s,
                on_progress=self.on_progress,
                stop=self.stop,
            )

        return self.patiently(run)


def preprocess(context: StageContext) -> StageResult:
    """Clean the table, with a log of every step."""
    out = context.out()
    options = {
        name: context.options[name]
        for name in ("cleaning", *NAMING)
        if context.options.get(name) is not None
    }
    facts = context.job(
        "app.analysis.ingest.jobs:clean",
        {
            "source": str(context.fetch(context.dataset.storage_key, "data.parquet")),
            "out_dir": str(out),
            "columns": context.dataset.columns_json,
            "options": options,
        },
    )
    shape = {key: facts[key] for key in ("rows", "cols", "columns")}
    return StageResult(
        [
            Product("dataset", out / "cleaned.parquet", "cleaned.parquet", shape),
            Product("cleaning", out / "cleaning.json", "cleaning.json", {"steps": facts["steps"]}),
        ],
        notes=[
            f"Cleaned: {facts['rows']:,} rows, {facts['cols']} columns, {facts['steps']} steps."
        ],
    )


def _cleaned(context: StageContext) -> tuple[Path, dict[str, Any]]:
    artifact = context.find("dataset", "cleaned.parquet")
    if artifact is None:
        raise ChildError("missing_input", "the cleaned table of this run is missing")
    return context.fetch(artifact.storage_key, "cleaned.parquet"), artifact.metadata_json


def _target(context: StageContext, columns: list[dict[str, Any]]) -> str | None:
    target = context.options.get("target")
    return target if any(column["name"] == target for column in columns) else None


def explore(context: StageContext) -> StageResult:
    """Profile the cleaned table and draw what it shows."""
    source, shape = _cleaned(context)
    out = context.out()
    facts = context.job(
        "app.analysis.profile.jobs:explore",
        {
            "source": str(source),
            "out_dir": str(out),
            "columns": shape["columns"],
            "dataset": {
                "name": context.dataset.filename,
                "size_bytes": context.dataset.size_bytes,
            },
            "target": _target(context, shape["columns"]),
            "seed": context.options["seed"],
            "memory_mb": context.memory_mb,
        },
    )
    products = [
        Product("profile", out / name, name)
        for name in ("profile.json", "profile.html")
        if (out / name).exists()
    ]
    products += _charts(context, out / "charts", facts["charts"])
    return StageResult(
        products, notes=[f"Explored: {len(facts['charts'])} charts, {facts['alerts']} findings."]
    )


def _charts(context: StageContext, directory: Path, charts: list[dict[str, Any]]) -> list[Product]:
    """Each chart twice under one name; a name that an earlier stage used gets a prefix."""
    taken = {artifact.filename for artifact in context.artifacts if artifact.type == "chart"}
    products = []
    for order, chart in enumerate(charts):
        name = chart["name"]
        shown = f"model_{name}" if f"{name}.json" in taken else name
        metadata = {**chart, "name": shown, "order": order}
        products += [
            Product("chart", directory / f"{name}.{ending}", f"{shown}.{ending}", metadata)
            for ending in ("json", "png")
        ]
    return products


def train(context: StageContext) -> StageResult:
    """Train and compare models within the budget; without a target, find clusters.

    What an earlier attempt has fitted is not fitted again.
    """
    source, shape = _cleaned(context)
    cleaning = context.fetch_artifact("cleaning", "cleaning.json")
    steps = [] if cleaning is None else sandbox.read_json(cleaning)["steps"]
    out = context.out()
    params = {
        "source": str(source),
        "out_dir": str(out),
        "columns": shape["columns"],
        "options": {**context.options, "cleaning_steps": steps},
        "test": _test(context),
        "compute_url": context.compute_url,
    }
    try:
        facts = _trained(context, params)
    except ChildError as error:
        if error.code == "hopeless_table" and context.options.get("target") is None:
            note = f"No clusters were looked for: {error.message}"
            return StageResult([], notes=[note])
        raise
    leaderboard = sandbox.read_json(out / "leaderboard.json")
    products = [
        Product("model", out / "model.joblib", "model.joblib", {"name": facts["name"]}),
        Product("model", out / "model.json", "model.json"),
        Product("leaderboard", out / "leaderboard.json", "leaderboard.json"),
    ]
    listing = out / "charts" / "charts.json"
    if listing.exists():
        products += _charts(context, out / "charts", sandbox.read_json(listing))
    return StageResult(products, model=facts, leaderboard=leaderboard)


def _test(context: StageContext) -> dict[str, Any] | None:
    """The test set of the user's own, fetched. Raises :class:`ChildError` when it is gone."""
    if context.options.get("test_dataset_id") is None:
        return None
    if context.test is None:
        raise ChildError("missing_input", "the data set of test_dataset_id was deleted")
    source = context.fetch(context.test.storage_key, "test.parquet")
    return {"source": str(source), "columns": context.test.columns_json}


def _trained(context: StageContext, params: dict[str, Any]) -> dict[str, Any]:
    """Run the training with its checkpoints. Raises :class:`ChildError`.

    That it is to finish is told by a file, which the child looks for.
    """
    finish_file = context.directory / "finish"

    def stop() -> bool:
        if context.finish():
            finish_file.touch()
        return context.stop()

    stop()
    budget = float(context.options["time_budget_s"])
    folder = context.directory / "checkpoints"
    with Checkpoints(
        context.storage, context.bucket, context.run, context.signing_key, folder
    ) as kept:
        return replace(context, on_progress=kept.hearing(context.on_progress), stop=stop).job(
            "app.analysis.automl.jobs:train",
            {**params, "checkpoint_dir": str(kept.directory), "finish_file": str(finish_file)},
            timeout_s=budget * (1 + TRAIN_SLACK_SHARE) + TRAIN_SLACK_S,
        )


def finalize(context: StageContext) -> StageResult:
    """Write the report in all its forms."""
    charts_dir = context.directory / "charts"
    charts_dir.mkdir()
    listing = []
    charts = [artifact for artifact in context.artifacts if artifact.type == "chart"]
    for artifact in charts:
        context.fetch(artifact.storage_key, f"charts/{artifact.filename}")
        if artifact.filename.endswith(".json"):
            listing.append(artifact.metadata_json)
    (charts_dir / "charts.json").write_text(json.dumps(listing))
    inputs = {
        name: context.fetch_artifact(type, filename)
        for name, type, filename in (
            ("profile", "profile", "profile.json"),
            ("leaderboard", "leaderboard", "leaderboard.json"),
            ("model", "model", "model.json"),
            ("cleaning", "cleaning", "cleaning.json"),
        )
    }
    out = context.out()
    context.job(
        "app.analysis.report.jobs:render",
        {
            "out_dir": str(out),
            "run": _run_facts(context),
            "charts_dir": str(charts_dir),
            **{name: None if path is None else str(path) for name, path in inputs.items()},
        },
    )
    return StageResult(
        [
            Product("report", out / "report.md", "report.md"),
            Product("report", out / "report.html", "report.html"),
            Product("pdf", out / "report.pdf", "report.pdf"),
        ]
    )


def _run_facts(context: StageContext) -> dict[str, Any]:
    run, dataset = context.run, context.dataset
    return {
        "run_id": run.id,
        "dataset": dataset.filename,
        "dataset_version": dataset.version,
        "rows": dataset.rows,
        "cols": dataset.cols,
        "size_bytes": dataset.size_bytes,
        "started_at": None if run.started_at is None else run.started_at.isoformat(),
        "options": context.options,
        "warnings": dataset.warnings_json,
        "read": dataset.read_json,
        "versions": {"uam": __version__},
    }


WORK: tuple[Callable[[StageContext], StageResult], ...] = (preprocess, explore, train, finalize)
