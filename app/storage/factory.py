"""Which backend an installation uses."""

from __future__ import annotations

from app.config import ConfigurationError, Settings
from app.storage.base import Storage


def open_storage(settings: Settings) -> Storage:
    """S3 if ``MINIO_ENDPOINT`` is set, else files under ``UAM_HOME/storage``.

    Asks no server anything. Raises :class:`ConfigurationError` naming the setting.
    """
    if not settings.minio_endpoint:
        from app.storage.local import LocalStorage

        return LocalStorage(
            settings.uam_home / "storage", settings.signing_key, bucket=settings.minio_bucket
        )
    # Imported only here: the SDK costs the embedded default nothing.
    from app.storage.minio_client import S3MinIOClient

    try:
        return S3MinIOClient(
            settings.minio_endpoint,
            settings.minio_access_key,
            settings.minio_secret_key.get_secret_value(),
            bucket=settings.minio_bucket,
            secure=settings.minio_secure,
            public_endpoint=settings.minio_public_endpoint,
        )
    except ValueError as error:
        raise ConfigurationError(
            f"MINIO_ENDPOINT, MINIO_PUBLIC_ENDPOINT or MINIO_BUCKET: {error}"
        ) from None
