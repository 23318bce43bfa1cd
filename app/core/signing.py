"""Signatures of stored models and checkpoints: what this server did not make is never loaded.

The hash alone would not do, since who can swap an object may be able to swap a hash; the
signature binds a hash to one model's id, or a list of hashes to one run's, by a key that only
the server knows.
"""

from __future__ import annotations

import hashlib
import hmac

# Keep these uses of the server's key apart from each other, from tokens and from links.
_MODEL = b"uam model v1"
_CHECKPOINTS = b"uam checkpoints v1"


def sign_model(sha256: str, model_id: str, key: str) -> str:
    """The signature of the model ``model_id`` whose file has this hash: 64 hex digits.

    HMAC-SHA256 (RFC 2104) under a key derived from ``key`` for this purpose alone.
    """
    return _sign(_MODEL, f"{model_id}:{sha256}", key)


def verify(signature: str, sha256: str, model_id: str, key: str) -> bool:
    """Whether ``signature`` is this server's for that hash and that model."""
    return hmac.compare_digest(signature, sign_model(sha256, model_id, key))


def sign_checkpoints(content: str, run_id: str, key: str) -> str:
    """The signature of a list of the run's checkpoints, in the same way: 64 hex digits."""
    return _sign(_CHECKPOINTS, f"{run_id}:{content}", key)


def verify_checkpoints(signature: str, content: str, run_id: str, key: str) -> bool:
    """Whether ``signature`` is this server's for that list and that run."""
    return hmac.compare_digest(signature, sign_checkpoints(content, run_id, key))


def _sign(purpose: bytes, text: str, key: str) -> str:
    derived = hmac.digest(key.encode(), purpose, hashlib.sha256)
    return hmac.new(derived, text.encode(), hashlib.sha256).hexdigest()
