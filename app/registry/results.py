"""Predictions kept: every answer is an artifact of the model's run."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.config import Settings
from app.db.session import Database, UnitOfWork
from app.db.tables import Artifact, ModelMeta, new_id
from app.registry.service import run_prefix
from app.storage.base import Readable, Storage
from app.storage.deposit import deposit

Kind = Literal["json", "csv"]
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
    ) -> Artifact:
        """Store predictions and write them down as an artifact of the model's run.

        ``confirm`` runs in the unit that writes the row, and raises when the predictions are
        no longer wanted (their model was deleted, their job was lost): then nothing stays.
        """
        bucket, artifact_id = self.settings.minio_bucket, new_id()
        filename = f"predictions-{artifact_id}.{kind}"
        key = f"{run_prefix(model)}predictions/{artifact_id}.{kind}"
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        with deposit(self.storage, bucket, key):
            stored = self.storage.upload_fileobj(bucket, key, source)
            with self.database.unit() as unit:
                artifact = Artifact(
                    id=artifact_id,
                    run_id=model.run_id,
                    type="prediction",
                    filename=filename,
                    storage_key=stored.key,
                    size_bytes=stored.size,
                    sha256=stored.sha256,
                    metadata_json={"model_id": model.id, "rows": rows},
                    created_at=unit.now(),
                )
                confirm(unit, artifact)
                unit.session.add(artifact)
        return artifact
