"""Predictions kept: every answer is an artifact of the model's run."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select

from app.config import Settings
from app.core.afterwards import Afterwards
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
        confirm: Callable[[UnitOfWork, Artifact], object],
        *,
        product: Product = "predictions",
        tally: dict[str, Any] | None = None,
        afterwards: Afterwards | None = None,
    ) -> Artifact:
        """Store predictions, or an evaluation, and write them down as an artifact of the model's
        run; of predictions also what was asked, as ``tally`` counts it.

        ``confirm`` runs in the unit that writes the row, and raises when the predictions are
        no longer wanted (their model was deleted, their job was lost): then nothing stays. With
        ``afterwards`` the row is written a moment later, by that thread; the object is there.
        """
        bucket, artifact_id = self.settings.minio_bucket, new_id()
        filename = f"{product}-{artifact_id}.{kind}"
        key = f"{run_prefix(model)}{product}/{artifact_id}.{kind}"
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        with deposit(self.storage, bucket, key):
            stored = self.storage.upload_fileobj(bucket, key, source)
        facts: dict[str, Any] = {
            "id": artifact_id,
            "run_id": model.run_id,
            "type": _TYPES[product],
            "filename": filename,
            "storage_key": stored.key,
            "size_bytes": stored.size,
            "sha256": stored.sha256,
            "metadata_json": {"model_id": model.id, "rows": rows},
        }

        def write() -> None:
            with deposit(self.storage, bucket, key), self.database.unit() as unit:
                artifact = Artifact(**facts, created_at=unit.now())
                _hold(unit, model)
                confirm(unit, artifact)
                unit.session.add(artifact)
                if product == "predictions":
                    unit.session.add(_counted(model, rows, tally or {}, artifact.created_at))

        if afterwards is None:
            write()
        else:
            afterwards.leave(write)
        return Artifact(**facts)


def _hold(unit: UnitOfWork, model: ModelMeta) -> None:
    """Keep the run and the model, while they are there, until the unit's end: in this order,
    which is that of whoever deletes them, and before anything that hangs on them."""
    for table, key in ((Run, model.run_id), (ModelMeta, model.id)):
        mine = select(table.id).where(table.id == key)
        unit.session.execute(mine.with_for_update(read=True, key_share=True))


def _counted(
    model: ModelMeta, rows: int, tally: dict[str, Any], created_at: datetime
) -> PredictionTally:
    return PredictionTally(
        id=new_id(), model_id=model.id, rows=rows, counts_json=tally, created_at=created_at
    )
