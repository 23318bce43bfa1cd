"""Signatures of stored models: a model that this server did not make is never loaded.

The hash alone would not do, since who can swap an object may be able to swap a hash; the
signature binds a hash to one model's id by a key that only the server knows.
"""

from __future__ import annotations

import hashlib
import hmac

# Keeps this use of the server's key apart from tokens and links.
_PURPOSE = b"uam model v1"


def sign_model(sha256: str, model_id: str, key: str) -> str:
    """The signature of the model ``model_id`` whose file has this hash: 64 hex digits.

    HMAC-SHA256 (RFC 2104) under a key derived from ``key`` for this purpose alone.
    """
    derived = hmac.digest(key.encode(), _PURPOSE, hashlib.sha256)
    return hmac.new(derived, f"{model_id}:{sha256}".encode(), hashlib.sha256).hexdigest()


def verify(signature: str, sha256: str, model_id: str, key: str) -> bool:
    """Whether ``signature`` is this server's for that hash and that model."""
    return hmac.compare_digest(signature, sign_model(sha256, model_id, key))
