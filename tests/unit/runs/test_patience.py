"""A stage waits for what may come back, and for nothing else."""

import errno

import pytest

from app.core.child_errors import ChildDiskFull, ChildStopped
from app.runs.patience import patiently
from app.storage.base import ObjectMissing, StorageCorrupted, StorageFull, StorageUnavailable


class Failing:
    """Raises these errors in turn, then succeeds."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0
        self.told = []

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def run(self, stop=lambda: False, patience_s=60.0):
        return patiently(self, stop=stop, tell=self.told.append, patience_s=patience_s)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (StorageUnavailable("away"), "reached"),
        (StorageFull("full"), "room"),
        (ChildDiskFull(), "room"),
        (OSError(errno.ENOSPC, "no space"), "room"),
        (StorageCorrupted("changed"), "damaged"),
    ],
)
def test_what_may_pass_is_waited_for_and_told_once(error, word):
    action = Failing(error)
    assert action.run() == "done"
    assert action.calls == 2
    (sentence,) = action.told
    assert word in sentence


def test_it_is_told_once_however_long_it_lasts():
    action = Failing(StorageUnavailable("away"), StorageUnavailable("away"))
    assert action.run() == "done"
    assert (action.calls, len(action.told)) == (3, 1)


@pytest.mark.parametrize(
    "error", [ObjectMissing("gone"), OSError(errno.EIO, "broken"), ValueError("a fault of ours")]
)
def test_what_stays_as_it_is_is_not_waited_for(error):
    action = Failing(error)
    with pytest.raises(type(error)):
        action.run()
    assert (action.calls, action.told) == (1, [])


def test_an_object_that_stays_damaged_is_given_up():
    action = Failing(*[StorageCorrupted("changed")] * 5)
    with pytest.raises(StorageCorrupted):
        action.run()
    assert action.calls == 2


def test_patience_ends():
    action = Failing(*[StorageUnavailable("away")] * 5)
    with pytest.raises(StorageUnavailable):
        action.run(patience_s=0.1)
    assert action.calls == 1


def test_who_is_to_stop_waits_no_longer():
    action = Failing(StorageUnavailable("away"))
    with pytest.raises(ChildStopped):
        action.run(stop=lambda: True)
    assert action.calls == 1
