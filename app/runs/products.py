"""A stage's files, stored and written down: artifacts, the model, the manifest."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.db.session import Database, UnitOfWork
from app.db.tables import Artifact, Run, new_id
from app.registry.service import register_model
from app.runs.claims import Claim
from app.runs.stages import StageContext, StageResult
from app.storage.base import Storage, StorageError

logger = logging.getLogger(__name__)

MANIFEST = "artifacts_manifest.json"


def store(claim: Claim, context: StageContext, result: StageResult) -> list[Artifact]:
    """Upload every product; the rows for them are returned, not yet added.

    A storage that is away is waited for, as :func:`app.runs.patience.patiently` says.
    """
    artifacts = []
    for product in result.products:
        key = f"{claim.prefix}{product.type}/{product.filename}"
        upload = partial(context.storage.upload_file, context.bucket, key, product.path)
        stored = context.patiently(upload)
        artifacts.append(
            _artifact(context.run, product.type, product.filename, stored, product.metadata)
        )
    return artifacts


def _artifact(
    run: Run, type: str, filename: str, stored: Any, metadata: dict[str, Any]
) -> Artifact:
    return Artifact(
        id=new_id(),
        run_id=run.id,
        type=type,
        filename=filename,
        storage_key=stored.key,
        size_bytes=stored.size,
        sha256=stored.sha256,
        metadata_json=metadata,
    )


def register(
    unit: UnitOfWork, signing_key: str, run: Run, stored: list[Artifact], result: StageResult
) -> None:
    """Write the run's model into the registry."""
    assert result.model is not None
    bundle = next(artifact for artifact in stored if artifact.filename == "model.joblib")
    register_model(unit, signing_key, run=run, bundle=bundle, facts=result.model)


def manifest(claim: Claim, context: StageContext, last: list[Artifact]) -> Artifact:
    """Store the list of every artifact of the stages; ``last`` are those of the last one.

    Returns the row for it. No unit of work is open meanwhile: the storage may keep us waiting.
    """
    rows = sorted([*context.artifacts, *last], key=lambda row: (row.type, row.filename))
    entries = [
        {
            "id": row.id,
            "type": row.type,
            "filename": row.filename,
            "size_bytes": row.size_bytes,
            "sha256": row.sha256,
        }
        for row in rows
    ]
    body = json.dumps({"run_id": claim.run_id, "artifacts": entries}, indent=1).encode()
    key = claim.prefix + MANIFEST
    stored = context.patiently(lambda: context.storage.upload_bytes(context.bucket, key, body))
    return _artifact(context.run, "manifest", MANIFEST, stored, {"artifacts": len(entries)})


def remove_attempt(database: Database, storage: Storage, bucket: str, claim: Claim) -> None:
    """Remove what an attempt that came to nothing had stored.

    When the answer to a commit was lost, the attempt may have succeeded after all: objects
    that a row points to stay.
    """
    try:
        with database.unit(write=False) as unit:
            kept = unit.session.scalar(
                select(Artifact.id)
                .where(
                    Artifact.run_id == claim.run_id,
                    Artifact.storage_key.startswith(claim.prefix),
                )
                .limit(1)
            )
        if kept is None:
            storage.delete_prefix(bucket, claim.prefix)
    except (StorageError, SQLAlchemyError) as error:
        logger.warning("could not remove %s yet: %s", claim.prefix, type(error).__name__)
