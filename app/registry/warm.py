"""The predictor child's own side: models loaded once and kept.

Runs in a child only (see :mod:`app.core.sandbox`); the API process never imports it.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

from app.analysis.automl.monitoring import judge_drift, tally_of
from app.analysis.automl.serving import Predictor, load
from app.analysis.progress import Progress

# What loaded models may take together, by the size of their files; memory is a few times that.
LOADED_BYTES = 256 * 1024 * 1024

_loaded: OrderedDict[str, tuple[int, Predictor]] = OrderedDict()


def loaded(model: str, sha256: str) -> Predictor:
    """The predictor of a bundle, loaded at most once; those unused for longest are let go."""
    if sha256 not in _loaded:
        path = Path(model)
        _loaded[sha256] = (path.stat().st_size, load(path, sha256))
    _loaded.move_to_end(sha256)
    while len(_loaded) > 1 and sum(size for size, _ in _loaded.values()) > LOADED_BYTES:
        _loaded.popitem(last=False)
    return _loaded[sha256][1]


def predict_rows(
    *,
    model: str,
    sha256: str,
    rows: list[dict[str, Any]],
    explain: bool,
    horizon: int | None = None,
    most: int | None = None,
    progress: Progress,  # noqa: ARG001 (part of every job's interface)
) -> dict[str, Any]:
    """Predict rows by the bundle at ``model``: ``{"predictions", "warnings"}``; of a forecast
    without rows the next ``horizon`` steps of every series, ``most`` answers in all.

    Raises ``BadModel`` and ``BadRows``.
    """
    predictor = loaded(model, sha256)
    if horizon is not None and most is not None:
        predictor.check_count(horizon, most)
    return predictor.predict_rows(rows, explain=explain, horizon=horizon)


def judge_tally(
    *,
    model: str,
    sha256: str,
    tally: dict[str, Any] | None,
    progress: Progress,  # noqa: ARG001 (part of every job's interface)
) -> dict[str, Any]:
    """How far the rows that were counted are from the training rows: ``{"drift", "summary",
    "method"}``, all empty for a model that carries no reference, and as if of no rows without a
    ``tally``.

    Raises ``BadModel``.
    """
    bundle = loaded(model, sha256).bundle
    reference = bundle.reference
    if bundle.task == "forecast":
        told = "A forecast reads times to come, which do not drift; judge it by evaluating it."
        return {"drift": [], "summary": [told], "method": None}
    if reference is None:
        told = "This model was trained before training rows were kept count of; train it anew."
        return {"drift": [], "summary": [told], "method": None}
    given = tally or {"rows": 0, "counts": [[] for _ in reference.columns]}
    return judge_drift(reference, tally_of(reference, given))
