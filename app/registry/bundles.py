"""A model's file on this machine: fetched once, and only if its hash and signature are right."""

from __future__ import annotations

from pathlib import Path

from app.config import Settings
from app.core.problems import Gone
from app.core.signing import verify
from app.db.tables import ModelMeta
from app.storage.base import ObjectMissing, Storage, StorageCorrupted
from app.storage.cache import open_cache

CACHE_BYTES = 2 * 1024**3


def local_bundle(storage: Storage, settings: Settings, model: ModelMeta) -> Path:
    """The model's file, verified. Raises :class:`Gone` when it is missing or not the one made."""
    if not verify(model.signature, model.sha256, model.id, settings.signing_key):
        raise Gone("This model's signature is not this server's: it is not loaded. Train it anew.")
    cache = open_cache(settings.uam_home / "cache" / "models", CACHE_BYTES)
    try:
        return cache.path_for(storage, settings.minio_bucket, model.storage_key, model.sha256)
    except ObjectMissing:
        raise Gone("The stored file of this model is missing. Train it anew.") from None
    except StorageCorrupted:
        raise Gone("The stored file of this model was changed: it is not loaded.") from None
