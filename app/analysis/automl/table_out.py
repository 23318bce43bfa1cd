"""Predictions as a CSV."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import pandas as pd

from app.analysis.automl.answers import predicted_labels
from app.analysis.automl.bundle import Bundle
from app.analysis.automl.target import spell

Array = npt.NDArray[Any]

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def write_predictions(bundle: Bundle, output: Array, out: str, *, proba: bool) -> None:
    """Write column ``prediction``, and with ``proba`` one ``probability_CLASS`` a class.

    A label that a spreadsheet would take for a formula gets a leading ``'``; numbers do not.
    """
    if bundle.task == "regression":
        table = pd.DataFrame({"prediction": output})
    else:
        table = pd.DataFrame({"prediction": [_safe(v) for v in predicted_labels(bundle, output)]})
        if proba and bundle.task != "clustering":
            for k, label in enumerate(bundle.labels):
                table[f"probability_{spell(label)}"] = output[:, k]
    table.to_csv(out, index=False)


def _safe(label: Any) -> Any:
    return f"'{label}" if isinstance(label, str) and label.startswith(_RISKY) else label
