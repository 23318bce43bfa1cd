"""What is stored before its row goes when the row does not come, unless nobody knows."""

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from app.core.problems import NotFound
from app.storage.deposit import deposit

BUCKET = "artifacts"


def keys(storage, corner):
    return [item.key for item in storage.list_prefix(BUCKET, corner)]


def put_and_raise(storage, corner, error):
    with deposit(storage, BUCKET, f"{corner}/new/"):
        storage.upload_bytes(BUCKET, f"{corner}/new/data", b"x")
        storage.upload_bytes(BUCKET, f"{corner}/new/preview", b"y")
        if error is not None:
            raise error


@pytest.mark.parametrize(
    "error", [NotFound("project"), IntegrityError("insert", {}, Exception("no such project"))]
)
def test_what_was_refused_leaves_nothing(storage, corner, error):
    storage.upload_bytes(BUCKET, f"{corner}/old", b"x")
    with pytest.raises(type(error)):
        put_and_raise(storage, corner, error)
    assert keys(storage, corner) == [f"{corner}/old"]


def test_what_may_have_been_committed_stays(storage, corner):
    lost = OperationalError("commit", {}, Exception("the connection was closed"))
    with pytest.raises(OperationalError):
        put_and_raise(storage, corner, lost)
    assert len(keys(storage, corner)) == 2


def test_what_was_written_down_stays(storage, corner):
    put_and_raise(storage, corner, None)
    assert len(keys(storage, corner)) == 2


def test_the_first_error_is_told_when_the_storage_fails_too(local, corner):
    with pytest.raises(NotFound), deposit(local, BUCKET, f"{corner}/new/"):
        local.upload_bytes(BUCKET, f"{corner}/new/data", b"x")
        local.root.rename(local.root.with_name("elsewhere"))
        raise NotFound("project")
