"""Makes the models that are kept of a release: ``python -m tests.unit.automl.release_models``.

Done once, at the release, and never again for it: what a later version must still load is the file
as the release wrote it. ``test_releases.py`` loads every one that is kept.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl import refit, search
from app.analysis.automl.forecasting import candidates
from app.analysis.automl.forecasting import search as forecasts
from app.analysis.automl.jobs import train
from app.analysis.automl.portfolio import load_portfolio
from app.analysis.automl.serving import load
from app.analysis.progress import silent
from app.analysis.schema import Column, columns_to_json

RELEASES = Path(__file__).with_name("releases")
ROWS = 160
ASKED = 12
MEMBERS = {
    "classes": ("Logistic regression", "Small tree", "LightGBM"),
    "values": ("Ridge regression", "Neural network, small", "Extra trees"),
    "groups": (),
    "forecast": (),
}
"""What may be a member of each model: together every kind of estimator is stored somewhere."""

SMALL = {"forest": {"n_estimators": 10}, "boosting": {"num_leaves": 4}}


def table(seed: int) -> tuple[pd.DataFrame, list[Column]]:
    """Rows with a column of each type, and targets that depend on them."""
    rng = np.random.default_rng(seed)
    size, colour = rng.gamma(2, 10, ROWS), rng.choice(["red", "green", "blue"], ROWS)
    day = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(ROWS), unit="D")
    words = rng.choice(["sold at once", "came back broken", "waits on the shelf"], ROWS)
    price = 3 * size + 20 * (colour == "red") + rng.normal(0, 2, ROWS)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(ROWS) < 0.1, np.nan, size),
            "colour": pd.Series(colour, dtype=object),
            "day": pd.Series(day).astype("datetime64[us]"),
            "words": pd.Series(words, dtype=object),
            "new": rng.random(ROWS) < 0.5,
            "price": price,
            "dear": pd.Series(np.where(price > 65, "yes", "no"), dtype=object),
        }
    )
    kinds = ("number", "categorical", "datetime", "text", "boolean", "number", "categorical")
    return frame, [Column(n, k) for n, k in zip(frame, kinds, strict=True)]  # type: ignore[arg-type]


def made(name: str, folder: Path) -> Path:
    """The model of that name, trained."""
    frame, columns = table(0)
    options: dict[str, Any] = {
        "classes": {"target": "dear", "ignore": ["price"]},
        "values": {"target": "price", "ignore": ["dear"]},
        "groups": {"features": ["size", "colour"]},
        "forecast": {"target": "price", "task": "forecast", "time_column": "day", "horizon": 5},
    }[name]
    source = folder / "table.parquet"
    if name == "forecast":
        frame, columns = frame[["day", "price"]], [columns[2], columns[5]]
    frame.to_parquet(source, index=False)
    with _portfolio(MEMBERS[name]):
        train(
            source=str(source),
            out_dir=str(folder),
            columns=columns_to_json(columns),
            options={**options, "time_budget_s": 60},
            progress=silent,
        )
    return folder / "model.joblib"


def answers(path: Path, name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the stored model says of the rows; of a forecast, of the times to come."""
    predictor = load(path)
    told = predictor.predict_rows(
        [] if name == "forecast" else rows, **({"horizon": 5} if name == "forecast" else {})
    )
    return list(told["predictions"])


@contextmanager
def _portfolio(members: tuple[str, ...]) -> Iterator[None]:
    """Within, only these entries are tried, and all of them stay in the ensemble."""
    entries = [
        replace(e, params=e.params | SMALL.get(e.kind, {}))
        for e in load_portfolio()
        if e.name in ("Baseline", *members)
    ]
    foretelling = [e for e in candidates.load_portfolio() if e.kind != "boosted"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "load_portfolio", lambda: entries)
        patch.setattr(search, "MOST_DRAWN", 0)
        patch.setattr(forecasts, "load_portfolio", lambda: foretelling)
        patch.setattr(refit, "MOST_SEEDS", 1)
        patch.setattr(
            "app.analysis.automl.choice.select",
            lambda given, *_, **__: {m.index: 1 / len(given) for m in given},
        )
        yield


def main() -> None:
    """Write the models of this version beside those of the releases before."""
    folder = RELEASES / version("uam")
    folder.mkdir(parents=True)
    frame, _ = table(1)
    rows = json.loads(frame.head(ASKED).to_json(orient="records", date_format="iso"))
    for name in MEMBERS:
        with tempfile.TemporaryDirectory() as scratch:
            model = made(name, Path(scratch))
            told = answers(model, name, rows)
            facts = json.loads((Path(scratch) / "model.json").read_text("utf-8"))
            (folder / f"{name}.joblib").write_bytes(model.read_bytes())
        kept = {"versions": facts["versions"], "rows": rows, "predictions": told}
        (folder / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        print(folder / name, (folder / f"{name}.joblib").stat().st_size)


if __name__ == "__main__":
    main()
