"""Serving: a loaded model that answers rows in milliseconds and files in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.answers import answers_of, explained
from app.analysis.automl.bundle import Bundle, load_bundle
from app.analysis.automl.features.table import UNSEEN, RawTable, read_frame
from app.analysis.automl.forecasting.model import ForecastModel, Future
from app.analysis.automl.forecasting.reading import read_future, read_future_rows
from app.analysis.automl.reference import Tally
from app.analysis.automl.reference import answers_of as answered
from app.analysis.automl.rows import (
    MOST_NAMED,
    Row,
    extra_warning,
    missing_column_warning,
    missing_value_warning,
    read_rows,
    unseen_warning,
)
from app.analysis.automl.threads import available_cpus
from app.analysis.errors import BadRows
from app.analysis.ingest.applied import apply_steps

Array = npt.NDArray[Any]

MOST_EXPLAINED = 100
"""Rows of one call that reasons are given for."""


def load(path: str | Path, sha256: str | None = None) -> Predictor:
    """The predictor of a stored model. Raises ``BadModel``; see ``bundle.load_bundle``."""
    return Predictor(load_bundle(path, sha256))


class Predictor:
    """A model ready to answer. It holds no state between calls and may be kept for long."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._threads = available_cpus()

    def predict_rows(
        self, rows: Sequence[Row], *, explain: bool = False, horizon: int | None = None
    ) -> dict[str, Any]:
        """``{"predictions": [{prediction, probabilities?, interval?, explanation?}], "warnings",
        "tally"?}``, the last as ``Tally.to_json`` where the model has a reference.

        Warnings are ``{kind, message, column?, rows?, values?}``. With ``explain`` the first
        :data:`MOST_EXPLAINED` rows get additive reasons. A forecast needs no rows where ``horizon``
        says how many steps of every series are wanted; its answers say their ``time`` and
        ``series``, too. Raises ``BadRows``.
        """
        if self.bundle.task == "forecast":
            return self._foretell(rows, horizon, explain=explain)
        if horizon is not None:
            raise BadRows("A horizon is for forecasts; this model predicts rows.")
        table, warnings = read_rows(rows, self.bundle)
        output = self.output(table)
        predictions = answers_of(self.bundle, output)
        if explain:
            if self.bundle.task == "clustering":
                raise BadRows("Clusters have a description, but no reasons per row.")
            for i, one in enumerate(predictions[:MOST_EXPLAINED]):
                one["explanation"] = explained(self.bundle, table.take(np.array([i])), output[i])
            if len(rows) > MOST_EXPLAINED:
                warnings.append(
                    {
                        "kind": "not_explained",
                        "message": f"Only the first {MOST_EXPLAINED} rows are explained.",
                    }
                )
        answer: dict[str, Any] = {"predictions": predictions, "warnings": warnings}
        tally = self.tally(table, output)
        return answer if tally is None else {**answer, "tally": tally.to_json()}

    def check_count(self, horizon: int, most: int) -> None:
        """That a horizon of every series is at most so many answers. Raises ``BadRows``."""
        model: Any = self.bundle.model
        if self.bundle.task == "forecast" and horizon * len(model.names) > most:
            raise BadRows(
                f"{horizon:,} steps of {len(model.names):,} series are more than {most:,} answers; "
                "ask for rows."
            )

    def _foretell(
        self, rows: Sequence[Row], horizon: int | None, *, explain: bool
    ) -> dict[str, Any]:
        """Rows of times to come, or without rows the next ``horizon`` steps of every series."""
        model = cast(ForecastModel, self.bundle.model)
        if explain:
            raise BadRows("A forecast follows from the history: it has no reasons per row.")
        if rows and horizon is not None:
            raise BadRows("Give rows or a horizon, and not both.")
        if horizon is not None:
            if not 1 <= horizon <= model.reach:
                raise BadRows(f"The horizon must lie between 1 and {model.reach:,} here.")
            future, warnings = model.following(horizon), list[dict[str, Any]]()
        else:
            future, warnings = read_future_rows(rows, self.bundle)
        answers = answers_of(self.bundle, self.output(future))
        named = self.bundle.recipe["series_column"] is not None
        for i, one in enumerate(answers):
            one["time"] = model.grid.spelled(int(future.when[i]))
            if named and future.series[i] >= 0:
                one["series"] = model.names[int(future.series[i])]
        return {"predictions": answers, "warnings": warnings}

    def read(self, rows: Sequence[Row]) -> tuple[RawTable | Future, list[dict[str, Any]]]:
        """Rows as a table, and what was odd about them. Raises ``BadRows``."""
        if self.bundle.task == "forecast":
            return read_future_rows(rows, self.bundle)
        return read_rows(rows, self.bundle)

    def output(self, table: RawTable | Future) -> Array:
        """The model's output: values (n,) for a regression, (n, 4) for a forecast (see
        ``ForecastModel.predict``), else (n, classes)."""
        model: Any = self.bundle.model
        return np.asarray(model.predict(table, self._threads))

    def tally(self, table: RawTable | Future, output: Array | None) -> Tally | None:
        """The rows and the answers to them counted, for the model's monitoring; ``None`` for a
        model that carries no reference."""
        bundle = self.bundle
        if bundle.reference is None or isinstance(table, Future):
            return None
        given = None if output is None else answered(output, bundle.task, bundle.decision)
        return bundle.reference.tally(bundle.layout, table, given)

    def predict_frame(self, frame: pd.DataFrame) -> tuple[Array, list[dict[str, Any]]]:
        """The model's output for each row of a typed frame, and warnings as for rows.

        Values (n,) for a regression, else (n, classes). Raises ``BadRows`` for no rows or a
        missing required column.
        """
        table, warnings = self.read_frame(frame)
        return self.output(table), warnings

    def read_frame(self, frame: pd.DataFrame) -> tuple[RawTable | Future, list[dict[str, Any]]]:
        """A typed frame as a table, and what was odd about it. Raises ``BadRows``."""
        if frame.empty:
            raise BadRows("There are no rows to predict.")
        if self.bundle.task == "forecast":
            return read_future(frame, self.bundle)
        cleaned = apply_steps(frame, self.bundle.cleaning_steps, keep_rows=True)
        complete, warnings = self._complete(cleaned)
        table = read_frame(complete, self.bundle.layout)
        return table, [*warnings, *self._unseen(complete, table)]

    def _complete(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
        """The frame with every column of the model; what was missing or extra is told."""
        warnings: list[dict[str, Any]] = []
        out: dict[str, Any] = {}
        for item in self.bundle.input_schema:
            name = item["name"]
            if name in frame:
                out[name] = frame[name]
                empty = int(frame[name].isna().sum()) if item["required"] else 0
                if empty:
                    warnings.append(missing_value_warning(name, empty))
            elif item["required"]:
                message = f"the required column {name!r} is missing"
                raise BadRows(
                    f"Row 0: {message}.", errors=[{"row": 0, "column": name, "message": message}]
                )
            else:
                out[name] = pd.Series([None] * len(frame), index=frame.index, dtype=object)
                warnings.append(missing_column_warning(name))
        known = {*out, *self.bundle.ignored}
        warnings += [extra_warning(str(name)) for name in frame.columns if name not in known]
        return pd.DataFrame(out, index=frame.index), warnings

    def _unseen(self, frame: pd.DataFrame, table: RawTable) -> list[dict[str, Any]]:
        out = []
        for j, name in enumerate(self.bundle.layout.tokens):
            unseen = table.tokens[:, j] == UNSEEN
            if unseen.any():
                values = [str(value) for value in frame[name][unseen].unique()[: MOST_NAMED + 1]]
                out.append(unseen_warning(name, values, int(unseen.sum())))
        return out
