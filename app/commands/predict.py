"""``uam predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.commands.bench import bench, deliver
from app.commands.failures import WrongUsage

PREDICT = "app.analysis.automl.jobs:predict"
FORETELL = "app.analysis.automl.jobs:foretell"


def predict(model: Path, data: Path | None, horizon: int | None, out: Path, proba: bool) -> None:
    """Write the predictions of ``model`` as a CSV file: for the rows of ``data``, or the next
    ``horizon`` steps of every series of a forecast."""
    if (data is None) == (horizon is None):
        raise WrongUsage("Give a table to predict, or with --horizon the steps of a forecast.")
    if horizon is not None and proba:
        raise WrongUsage("A forecast has no probabilities: leave --proba out.")
    with bench() as at:
        made = at.directory / "predictions.csv"
        asked: dict[str, Any] = {"model": str(model.absolute()), "out": str(made), "sha256": None}
        if data is not None:
            given = {"source": str(data.absolute()), "filename": data.name, "proba": proba}
            facts = at.job(f"predicting {data.name}", PREDICT, asked | given)
        else:
            facts = at.job(f"foretelling {horizon:,}", FORETELL, asked | {"horizon": horizon})
        for warning in facts["warnings"]:
            message = warning.get("message", warning) if isinstance(warning, dict) else warning
            at.view.tell(f"warning: {message}")
        deliver(made, out)
        at.view.tell(f"{facts['rows']:,} rows {'predicted' if horizon is None else 'foretold'}")
        print(out)
