"""A training's candidates outlive its worker, and nobody else's are taken for them."""

import json

import pytest

from app.analysis.automl.checkpoints import ENDING, SPENT
from app.core.child_errors import ChildCrashed, ChildOutOfMemory, ChildStopped
from app.db.tables import Run, new_id
from app.runs.checkpoints import LIST, Checkpoints
from app.runs.claims import checkpoint_prefix
from app.storage.base import StorageUnavailable
from app.storage.local import LocalStorage

TOO_LARGE = "an earlier attempt needed too much memory for it"
BUCKET, KEY = "artifacts", "the server's own key, long enough"


class Away(LocalStorage):
    """A storage that takes nothing."""

    def upload_fileobj(self, bucket, key, fileobj, metadata=None):
        raise StorageUnavailable("away")


class Training:
    """One run's training, of which a test makes the attempts."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.storage = LocalStorage(folder / "storage", KEY, bucket=BUCKET)
        self.storage.ensure_bucket()
        self.run = Run(id=new_id(), project_id=new_id(), attempt=0)

    @property
    def prefix(self):
        return checkpoint_prefix(self.run.project_id, self.run.id)

    def attempt(self, storage=None, key=KEY):
        self.run.attempt += 1
        directory = self.folder / f"attempt-{self.run.attempt}"
        return Checkpoints(storage or self.storage, BUCKET, self.run, key, directory)

    def lost_after(self, candidates, spent_s=2.0, **options):
        """An attempt whose child keeps these candidates, and is killed."""
        with pytest.raises(KeyboardInterrupt), self.attempt(**options) as kept:
            hear = kept.hearing(lambda *told: None)
            for name in candidates:
                (kept.directory / f"{name}{ENDING}").write_bytes(name.encode())
                told = {"plan": "p", "spent_s": spent_s}
                (kept.directory / SPENT).write_text(json.dumps(told))
                hear(0.1, name, "INFO", [])
            raise KeyboardInterrupt

    def found(self, **options):
        """The candidates that the next attempt begins with."""
        with self.attempt(**options) as kept:
            paths = sorted(kept.directory.glob(f"*{ENDING}"))
            return {path.stem: path.read_bytes().decode() for path in paths}

    def stored(self, name):
        return next(
            item.key for item in self.storage.list_prefix(BUCKET, self.prefix) if name in item.key
        )


@pytest.fixture
def training(tmp_path):
    return Training(tmp_path)


def test_each_attempt_begins_with_what_all_before_it_kept(training):
    assert training.found() == {}
    training.lost_after(["0001", "0002"])
    assert training.found() == {"0001": "0001", "0002": "0002"}
    training.lost_after(["0003"])
    assert list(training.found()) == ["0001", "0002", "0003"]


def test_the_time_of_the_candidate_in_flight_is_spent(training):
    training.lost_after(["0001"], spent_s=2.0)
    with training.attempt() as kept:
        told = json.loads((kept.directory / SPENT).read_text())
    assert told["plan"] == "p"
    assert told["spent_s"] > 2.0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ChildOutOfMemory(100), {"trying": "heavy", "blamed": TOO_LARGE}),
        (ChildStopped(), {"trying": None}),
        (ChildCrashed("its process was ended by SIGKILL"), {"trying": "heavy"}),
    ],
)
def test_how_a_child_ended_is_held_against_its_candidate_or_not(training, error, told):
    with pytest.raises(type(error)), training.attempt() as kept:
        said = {"plan": "p", "spent_s": 1.0, "trying": "heavy"}
        (kept.directory / SPENT).write_text(json.dumps(said))
        raise error
    with training.attempt() as kept:
        found = json.loads((kept.directory / SPENT).read_text())
    assert {name: found[name] for name in found if name in ("trying", "blamed")} == told


def test_an_object_that_was_swapped_is_refused(training):
    training.lost_after(["0001", "0002"])
    training.storage.upload_bytes(BUCKET, training.stored("0001"), b"evil")
    assert training.found() == {"0002": "0002"}


def test_an_object_that_is_gone_is_fitted_again(training):
    training.lost_after(["0001", "0002"])
    training.storage.delete(BUCKET, training.stored("0002"))
    assert training.found() == {"0001": "0001"}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"content": 1, "signature": "x"}', b"\xff"])
def test_a_list_that_this_server_did_not_write_is_refused(training, body):
    training.lost_after(["0001"])
    training.storage.upload_bytes(BUCKET, training.prefix + LIST, body)
    assert training.found() == {}


def test_a_list_of_another_run_or_another_server_is_refused(training, tmp_path):
    training.lost_after(["0001"])
    assert training.found(key="another server's key, as long") == {}
    stolen = training.storage.download_bytes(BUCKET, training.prefix + LIST)
    other = Training(tmp_path / "other")
    other.storage = training.storage
    other.storage.upload_bytes(BUCKET, other.prefix + LIST, stolen)
    assert other.found() == {}


def test_a_storage_that_is_away_costs_the_checkpoints_and_nothing_else(training):
    away = Away(training.folder / "away", KEY, bucket=BUCKET)
    training.lost_after(["0001"], storage=away)
    assert training.found() == {}
