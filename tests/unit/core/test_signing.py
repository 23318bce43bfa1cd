"""A signature binds a hash to a model, by the server's key alone."""

import pytest

from app.core.signing import sign_checkpoints, sign_model, verify, verify_checkpoints

SHA, KEY = "ab" * 32, "the server's own key, long enough"


def test_the_signature_of_this_server_is_taken() -> None:
    assert verify(sign_model(SHA, "m1", KEY), SHA, "m1", KEY)


def test_it_fits_the_column_that_holds_it() -> None:
    signature = sign_model(SHA, "m1", KEY)
    assert len(signature) == 64
    assert int(signature, 16) >= 0


@pytest.mark.parametrize(
    ("sha256", "model_id", "key"),
    [("cd" * 32, "m1", KEY), (SHA, "m2", KEY), (SHA, "m1", KEY + "!")],
    ids=["another hash", "another model", "another key"],
)
def test_any_other_is_refused(sha256: str, model_id: str, key: str) -> None:
    assert not verify(sign_model(SHA, "m1", KEY), sha256, model_id, key)


def test_a_list_of_checkpoints_is_of_this_server_and_of_one_run() -> None:
    signature = sign_checkpoints("[1]", "r1", KEY)
    assert verify_checkpoints(signature, "[1]", "r1", KEY)
    assert not verify_checkpoints(signature, "[2]", "r1", KEY)
    assert not verify_checkpoints(signature, "[1]", "r2", KEY)
    assert not verify_checkpoints(signature, "[1]", "r1", KEY + "!")


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    assert not verify_checkpoints(sign_model(SHA, "r1", KEY), SHA, "r1", KEY)
