"""Predicting a file while the caller waits, or handing it to a worker when it is large."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.auth.principal import Principal
from app.core import sandbox
from app.core.child_errors import ChildError
from app.core.multipart import ReceivedFile
from app.core.telemetry import PREDICTIONS
from app.db.tables import Artifact, ModelMeta, PredictionJob
from app.registry.bundles import local_bundle
from app.registry.failures import no_rows, prediction_problem
from app.registry.jobs import PREDICT_FILE, create_job, file_params
from app.registry.predicting import find_model, shelf_of
from app.resources import Resources

FILE_TIMEOUT_S = 120.0
CHUNK_BYTES = 256 * 1024


@dataclass
class PredictedFile:
    """The predictions of a file, on disk until one of its streams has ended."""

    artifact: Artifact
    download_url: str
    facts: dict[str, Any]
    _model_id: str
    _scratch: TemporaryDirectory[str]

    def csv(self) -> Iterator[bytes]:
        """The predictions as the CSV that is kept."""
        with self._scratch as name:
            yield from _chunks(Path(name) / "out" / "predictions.csv")

    def json(self) -> Iterator[bytes]:
        """The whole JSON answer; the predictions are passed through as they lie on disk."""
        head = {
            "model_id": self._model_id,
            "warnings": self.facts["warnings"],
            "artifact_id": self.artifact.id,
            "download_url": self.download_url,
        }
        with self._scratch as name:
            yield json.dumps(head)[:-1].encode() + b', "predictions": '
            yield from _chunks(Path(name) / "out" / "predictions.json")
            yield b"}"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def predict_file(
    held: Resources, user: Principal, model_id: str, received: ReceivedFile
) -> PredictedFile | PredictionJob:
    """Predict a file of at most ``PREDICT_SYNC_MAX_ROWS`` rows; for a larger one, the job.

    Raises :class:`app.core.problems.NotFound`, :class:`app.core.problems.Gone` for a missing
    or changed model, and the problem that says where the file or its rows do not fit.
    """
    model = find_model(held, user, model_id)
    scratch = sandbox.scratch()
    try:
        facts = in_child(held, model, received, Path(scratch.name) / "out", PREDICT_FILE)
        if facts["rows"] == 0:
            raise no_rows("body.file")
        if not facts["too_many"]:
            return _kept(held, model, facts, scratch)
        job = create_job(shelf_of(held), user, model, received)
    except BaseException:
        scratch.cleanup()
        raise
    scratch.cleanup()
    return job


def in_child(
    held: Resources, model: ModelMeta, received: ReceivedFile, out: Path, job: str
) -> dict[str, Any]:
    """Have a child do ``job`` with a file, if it has at most ``PREDICT_SYNC_MAX_ROWS`` rows.

    Raises :class:`app.core.problems.Gone` for a missing or changed model, and the problem that
    says where the file or its rows do not fit.
    """
    out.mkdir()
    bundle = local_bundle(held.storage, held.settings, model)
    limit = held.settings.predict_sync_max_rows
    params = file_params(held.settings, model, bundle, received.path, received.filename, out, limit)
    try:
        memory_mb = held.settings.child_memory_mb
        return sandbox.run(job, params, memory_mb=memory_mb, timeout_s=FILE_TIMEOUT_S)
    except ChildError as error:
        raise prediction_problem(error) from None


def _kept(
    held: Resources,
    model: ModelMeta,
    facts: dict[str, Any],
    scratch: TemporaryDirectory[str],
) -> PredictedFile:
    shelf = shelf_of(held)
    with (Path(scratch.name) / "out" / "predictions.csv").open("rb") as file:
        artifact = shelf.keep(
            model,
            "csv",
            file,
            facts["rows"],
            tally=facts.get("tally"),
        )
    PREDICTIONS.labels("file").inc(facts["rows"])
    return PredictedFile(artifact, shelf.link(artifact), facts, model.id, scratch)
