"""Predictions kept: every answer is an artifact of the model's run."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import bindparam, select

from app.config import Settings
from app.core.afterwards import Afterwards
from app.core.problems import NotFound
from app.db.session import Database, UnitOfWork
from app.db.tables import Artifact, ModelMeta, PredictionTally, Run, new_id
from app.registry.service import run_prefix
from app.storage.base import Readable, Storage
from app.storage.deposit import deposit

Kind = Literal["json", "csv"]
Product = Literal["predictions", "evaluation"]
_TYPES: dict[Product, str] = {"predictions": "prediction", "evaluation": "report"}
MEDIA_TYPES: dict[Kind, str] = {"json": "application/json", "csv": "text/csv; charset=utf-8"}


@dataclass(frozen=True)
class Shelf:
    """Where predictions are kept: what the API and a worker have in common."""

    database: Database
    storage: Storage
    settings: Settings

    def link(self, artifact: Artifact) -> str:
        """A link that downloads ``artifact`` without a token, for a while."""
        kind: Kind = "csv" if artifact.filename.endswith(".csv") else "json"
        return self.storage.presign_url(
            self.settings.minio_bucket,
            artifact.storage_key,
            self.settings.presign_expiry_seconds,
            artifact.filename,
            MEDIA_TYPES[kind],
        )

    def keep(
        self,
        model: ModelMeta,
        kind: Kind,
        content: bytes | Readable,
        rows: int,
        confirm: Callable[[UnitOfWork, Artifact], object] | None = None,
        *,
        product: Product = "predictions",
        tally: dict[str, Any] | None = None,
        afterwards: Afterwards | None = None,
    ) -> Artifact:
        """Store predictions, or an evaluation, and write them down as an artifact of the model's
        run; of predictions also what was asked, as ``tally`` counts it.

        ``confirm`` runs in the unit that writes the row, and raises when the predictions are
        no longer wanted (their job was lost): then nothing stays. Without it they are wanted as
        long as the model is there; :class:`NotFound` is raised when it was deleted. With
        ``afterwards`` the row is written a moment later, by that thread; the object is there.
        """
        bucket, artifact_id = self.settings.minio_bucket, new_id()
        filename = f"{product}-{artifact_id}.{kind}"
        key = f"{run_prefix(model)}{product}/{artifact_id}.{kind}"
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        with deposit(self.storage, bucket, key):
            stored = self.storage.upload_fileobj(bucket, key, source)
        artifact = Artifact(
            id=artifact_id,
            run_id=model.run_id,
            type=_TYPES[product],
            filename=filename,
            storage_key=stored.key,
            size_bytes=stored.size,
            sha256=stored.sha256,
            metadata_json={"model_id": model.id, "rows": rows},
        )
        counted = None
        if product == "predictions":
            counted = PredictionTally(
                id=new_id(), model_id=model.id, rows=rows, counts_json=tally or {}
            )
        if afterwards is None:
            self._write(model, [(artifact, counted)], confirm)
        else:
            afterwards.leave(model.id, (artifact, counted), partial(self._write, model))
        return artifact

    def _write(
        self,
        model: ModelMeta,
        kept: Sequence[tuple[Artifact, PredictionTally | None]],
        confirm: Callable[[UnitOfWork, Artifact], object] | None = None,
    ) -> None:
        """Write the rows of answers whose objects are stored; all of them, or none."""
        with ExitStack() as stack:
            for artifact, _ in kept:
                bucket = self.settings.minio_bucket
                stack.enter_context(deposit(self.storage, bucket, artifact.storage_key))
            unit = stack.enter_context(self.database.unit())
            there, now = _hold(unit, model), unit.now()
            for place, (artifact, counted) in enumerate(kept):
                # Lists show the latest first: no two at the same moment.
                artifact.created_at = now + timedelta(microseconds=place)
                if confirm is not None:
                    confirm(unit, artifact)
                elif not there:
                    raise NotFound("model")
                unit.session.add(artifact)
                if counted is not None:
                    counted.created_at = artifact.created_at
                    unit.session.add(counted)


# Built once: these are asked after every prediction.
_HELD = tuple(
    select(table.id).where(table.id == bindparam("key")).with_for_update(read=True, key_share=True)
    for table in (Run, ModelMeta)
)


def _hold(unit: UnitOfWork, model: ModelMeta) -> bool:
    """Keep the run and the model until the unit's end, and tell whether both are there: in this
    order, which is that of whoever deletes them, and before anything that hangs on them."""
    keys = (model.run_id, model.id)
    found = [unit.session.scalar(mine, {"key": key}) for mine, key in zip(_HELD, keys, strict=True)]
    return None not in found
