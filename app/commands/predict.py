"""``uam predict``."""

from __future__ import annotations

from pathlib import Path

from app.commands.bench import bench, deliver

PREDICT = "app.analysis.automl.jobs:predict"


def predict(model: Path, data: Path, out: Path, proba: bool) -> None:
    """Write the predictions of ``model`` for the rows of ``data`` as a CSV file."""
    with bench() as at:
        made = at.directory / "predictions.csv"
        facts = at.job(
            f"predicting {data.name}",
            PREDICT,
            {
                "model": str(model.absolute()),
                "source": str(data.absolute()),
                "filename": data.name,
                "out": str(made),
                "proba": proba,
                "sha256": None,
            },
        )
        for warning in facts["warnings"]:
            message = warning.get("message", warning) if isinstance(warning, dict) else warning
            at.view.tell(f"warning: {message}")
        deliver(made, out)
        at.view.tell(f"{facts['rows']:,} rows predicted")
        print(out)
