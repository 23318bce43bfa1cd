"""The stored model: one joblib file that holds all that predicting needs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib

from app.analysis.automl.combined import Combined
from app.analysis.automl.decision import LARGEST, Decision
from app.analysis.automl.features.table import Layout, RawTable
from app.analysis.automl.intervals import Intervals
from app.analysis.automl.reference import Reference
from app.analysis.automl.target import TRUTH, Label
from app.analysis.automl.tasks import Task
from app.analysis.errors import BadModel, OutdatedModel
from app.analysis.schema import Column, ColumnType

FORMAT = 1
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "lightgbm", "joblib", "pandas")


@dataclass(slots=True)
class Bundle:
    """A trained model with everything that serving it needs, and how it was made.

    ``columns`` are those it uses, with their types; ``ignored`` columns of the training file
    are no surprise in rows to predict. ``background`` are some training rows, which reasons
    start from. ``recipe`` says how to train it again: options, seed, members. ``target_type`` and
    ``words`` (for false and true) are how the training file held its target. ``reference`` counts
    the training rows, for later ones to be compared with; ``decision`` makes labels.
    """

    task: Task
    target: str | None
    metric: str
    model: Combined | Any
    layout: Layout
    columns: list[Column]
    labels: tuple[Label, ...]
    input_schema: list[dict[str, Any]]
    ignored: list[str]
    cleaning_steps: list[dict[str, Any]]
    background: RawTable
    intervals: Intervals | None = None
    importance: list[dict[str, Any]] = field(default_factory=list)
    recipe: dict[str, Any] = field(default_factory=dict)
    target_type: ColumnType = "categorical"
    words: tuple[str, str] = TRUTH
    reference: Reference | None = None
    decision: Decision = LARGEST

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        """Take what was stored; a bundle of a version before lacks the newest fields."""
        for name, value in (_LATER | state[1]).items():
            setattr(self, name, value)


_LATER: dict[str, Any] = {
    "target_type": "categorical",
    "words": TRUTH,
    "reference": None,
    "decision": LARGEST,
}


def versions() -> dict[str, str]:
    """The versions of the libraries that a stored model depends on, and the bundle's format."""
    return {"format": str(FORMAT), **{name: version(name) for name in _LIBRARIES}}


def save(bundle: Bundle, path: str | Path) -> tuple[str, int]:
    """Write the bundle; returns its SHA-256 (hex) and its size in bytes."""
    content = {"format": FORMAT, "versions": versions(), "bundle": bundle}
    joblib.dump(content, path, compress=("zlib", 3))
    digest = _digest(Path(path))
    return digest, Path(path).stat().st_size


def load_bundle(path: str | Path, sha256: str | None = None) -> Bundle:
    """Read a bundle, its hash checked before anything of it is unpickled.

    A pickle can run code: without ``sha256`` the file is trusted as the caller's own.
    Raises ``BadModel`` for a wrong hash or content, and ``OutdatedModel`` where what was stored is
    not what this version and its libraries can load.
    """
    file = Path(path)
    if not file.is_file():
        raise BadModel("There is no such model file.")
    if sha256 is not None and _digest(file) != sha256.lower():
        raise BadModel("The model file is not the one that was stored: its SHA-256 differs.")
    try:
        content = joblib.load(file)
    except (MemoryError, OSError):
        raise
    except Exception as error:
        # With its hash right it is what was stored: then it is for other libraries.
        kind = BadModel if sha256 is None else OutdatedModel
        raise kind("The file is not a model that this version can read.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise OutdatedModel(f"The model is not of format {FORMAT}; train it again.")
    bundle = content["bundle"]
    if not isinstance(bundle, Bundle):
        raise BadModel("The file holds no model.")
    return bundle


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
