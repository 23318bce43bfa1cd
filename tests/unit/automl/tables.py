"""Tables small enough to train on in a moment, and how tests train on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app.analysis.automl import search
from app.analysis.automl.evaluation import evaluate
from app.analysis.automl.files import read_file
from app.analysis.automl.forecasting import candidates
from app.analysis.automl.forecasting import search as foretelling
from app.analysis.automl.jobs import train
from app.analysis.automl.options import RunOptions
from app.analysis.automl.portfolio import load_portfolio
from app.analysis.automl.prepare import Setting
from app.analysis.automl.serving import Predictor
from app.analysis.automl.threads import bounded_pools
from app.analysis.automl.train import Trained, train_supervised
from app.analysis.progress import Progress, silent
from app.analysis.schema import Column, columns_to_json

QUICK_FORECASTS = ("seasonal_naive", "theta", "smooth", "straight", "boosted")
"""Kinds of which the first entry each is tried."""
QUICK = ("Baseline", "Logistic regression", "Ridge regression", "Small tree", "LightGBM")


@contextmanager
def quick_portfolio() -> Iterator[None]:
    """Within, only the first, quick entries of the portfolio are tried."""
    entries = [entry for entry in load_portfolio() if entry.name in QUICK]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "load_portfolio", lambda: entries)
        patch.setattr(search, "MOST_DRAWN", 0)
        every = candidates.load_portfolio()
        first = [next(e for e in every if e.kind == kind) for kind in QUICK_FORECASTS]
        patch.setattr(foretelling, "load_portfolio", lambda: first)
        yield


def customers(rows: int = 300, seed: int = 0) -> tuple[pd.DataFrame, list[Column]]:
    """Customers with every type of column; ``left`` depends on age, plan and the date joined."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows)
    plan = rng.choice(["basic", "plus", "pro"], rows, p=[0.5, 0.3, 0.2])
    joined = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), unit="D")
    spend = np.round(rng.gamma(2, 30, rows), 2)
    chance = 1 / (1 + np.exp(-(0.08 * (age - 48) + (plan == "basic") * 1.5 - 0.7)))
    left = np.where(rng.random(rows) < chance, "Yes", "No")
    frame = pd.DataFrame(
        {
            "customer": [f"C{i:05d}" for i in range(rows)],
            "age": age,
            "spend": np.where(rng.random(rows) < 0.1, np.nan, spend),
            "plan": pd.Series(plan, dtype=object),
            "joined": pd.Series(joined).astype("datetime64[us]"),
            "newsletter": rng.random(rows) < 0.5,
            "note": pd.Series(
                rng.choice(["asked for a refund", "very happy with it all", "no answer yet"], rows),
                dtype=object,
            ),
            "country": pd.Series(["DE"] * rows, dtype=object),
            "left": pd.Series(left, dtype=object),
        }
    )
    types = {
        "customer": "id",
        "age": "integer",
        "spend": "number",
        "plan": "categorical",
        "joined": "datetime",
        "newsletter": "boolean",
        "note": "text",
        "country": "constant",
        "left": "categorical",
    }
    return frame, [Column(name, kind) for name, kind in types.items()]  # type: ignore[arg-type]


def numbers(rows: int = 300, features: int = 4, seed: int = 0) -> tuple[pd.DataFrame, list[Column]]:
    """Numbers ``x0`` …, and ``y`` that depends on the first two."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features))
    frame = pd.DataFrame({f"x{j}": x[:, j] for j in range(features)})
    frame["y"] = 3 * x[:, 0] - x[:, 1] ** 2 + 0.3 * rng.normal(size=rows)
    return frame, [Column(name, "number") for name in frame]


def trained(
    frame: pd.DataFrame,
    columns: list[Column],
    *,
    now: Callable[[], float] = lambda: 0.0,
    jobs: int = 1,
    **options: Any,
) -> Trained:
    """A model trained in this process with the quick part of the portfolio.

    The clock stands still unless another is given, so that no test depends on the machine.
    """
    setting = Setting([], jobs, now(), now)
    with quick_portfolio(), bounded_pools(1):
        return train_supervised(frame, columns, RunOptions(**options), setting, silent)


def run_job(
    frame: pd.DataFrame,
    columns: list[Column],
    folder: Path,
    progress: Progress = silent,
    checkpoint_dir: str | None = None,
    finish_file: str | None = None,
    test: dict[str, Any] | None = None,
    compute_url: str = "",
    **options: Any,
) -> dict[str, Any]:
    """The whole training job on a table, its files in ``folder``."""
    source = folder / "cleaned.parquet"
    frame.to_parquet(source, index=False)
    with quick_portfolio():
        return train(
            source=str(source),
            out_dir=str(folder),
            columns=columns_to_json(columns),
            options=options,
            progress=progress,
            checkpoint_dir=checkpoint_dir,
            finish_file=finish_file,
            test=test,
            compute_url=compute_url,
        )


def judged(predictor: Predictor, frame: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """What a model is worth on the rows of a CSV file made of ``frame``."""
    source, out = folder / "truth.csv", folder / "out"
    out.mkdir()
    frame.to_csv(source, index=False)
    return evaluate(read_file(predictor, source, "truth.csv", out, 10**9, truth=True))
