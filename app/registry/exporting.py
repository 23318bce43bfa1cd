"""A model as a file for elsewhere: the zip that predicts without UAM, ready to be streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.auth.principal import Principal
from app.core import sandbox
from app.core.child_errors import ChildError
from app.core.filenames import clean_filename
from app.db.tables import ModelMeta
from app.registry.bundles import local_bundle
from app.registry.failures import prediction_problem
from app.registry.files import CHUNK_BYTES, FILE_TIMEOUT_S
from app.registry.predicting import find_model
from app.resources import Resources

EXPORT = "app.analysis.automl.exporting:export_model"


@dataclass
class Export:
    """The zip; its scratch space goes when the stream ends."""

    filename: str
    size: int
    _path: Path
    _scratch: TemporaryDirectory[str]

    def stream(self) -> Iterator[bytes]:
        """The bytes; removes the file at the end."""
        with self._scratch, self._path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def export_model(held: Resources, user: Principal, model_id: str) -> Export:
    """The zip of a model. Raises :class:`app.core.problems.NotFound`, and
    :class:`app.core.problems.Gone` when its file is missing or changed."""
    model = find_model(held, user, model_id)
    scratch = sandbox.scratch()
    try:
        path = Path(scratch.name) / "model.zip"
        params = {
            "model": str(local_bundle(held.storage, held.settings, model)),
            "sha256": model.sha256,
            "out": str(path),
            "card": _card(model),
        }
        memory_mb = held.settings.child_memory_mb
        sandbox.run(EXPORT, params, memory_mb=memory_mb, timeout_s=FILE_TIMEOUT_S)
        name = clean_filename(f"{model.target or 'clusters'}-{model.version}.zip")
        return Export(name, path.stat().st_size, path, scratch)
    except ChildError as error:
        scratch.cleanup()
        raise prediction_problem(error) from None
    except BaseException:
        scratch.cleanup()
        raise


def _card(model: ModelMeta) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "version": model.version,
        "task": model.task,
        "target": model.target,
        "metrics": model.metrics_json,
        "importance": model.importance_json,
        "decision": model.decision_json,
        "created_at": model.created_at.isoformat(timespec="seconds"),
    }
