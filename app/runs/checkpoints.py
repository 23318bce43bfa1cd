"""A training's candidates, in the storage too: they outlive the machine that fitted them.

The child that trains keeps each candidate as a file; a thread of its supervisor stores the new
ones beside the run's other objects, with a signed list of them. The next attempt fetches what
that list names, and refuses whatever is not what it says. They are no artifacts, and go with
the stage. No failure here breaks a training.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.analysis.automl.checkpoints import ENDING, SPENT
from app.core.child_errors import ChildOutOfMemory, ChildStopped
from app.core.sandbox import ProgressHandler
from app.core.signing import sign_checkpoints, verify_checkpoints
from app.db.session import Database
from app.db.tables import Run
from app.runs.claims import Claim, checkpoint_prefix
from app.storage.base import ObjectMissing, Storage, StorageCorrupted, StorageError

logger = logging.getLogger(__name__)

LIST = "list.json"
# What a worker that hands its work on may spend on the last of them.
LAST_UPLOAD_S = 4.0


class Checkpoints:
    """The checkpoints of one run, for one attempt at its training.

    Within the block, what appears in ``directory`` is stored whenever the child has spoken.
    """

    def __init__(
        self, storage: Storage, bucket: str, run: Run, signing_key: str, directory: Path
    ) -> None:
        self.directory = directory
        self._storage = storage
        self._bucket = bucket
        self._run_id = run.id
        self._attempt = run.attempt
        self._prefix = checkpoint_prefix(run.project_id, run.id)
        self._key = signing_key
        self._listed: dict[str, dict[str, str]] = {}
        self._spent_at = (0, 0.0)
        self._news = threading.Event()
        self._ended = threading.Event()
        self._wanted = True
        self._thread = threading.Thread(target=self._keep_storing, name="checkpoints", daemon=True)

    def __enter__(self) -> Checkpoints:
        self.directory.mkdir()
        try:
            self._fetch()
        except StorageError as error:
            logger.warning("run %s: no checkpoints: %s", self._run_id, error)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._wanted = kind is not None
        if self._wanted:
            self._charge()
        if isinstance(error, ChildOutOfMemory):
            self._add(blamed="an earlier attempt needed too much memory for it")
        elif isinstance(error, ChildStopped):
            self._add(trying=None)
        self._ended.set()
        self._news.set()
        self._thread.join(LAST_UPLOAD_S)

    def hearing(self, on_progress: ProgressHandler) -> ProgressHandler:
        """The handler of the child's progress that looks for new checkpoints, too."""

        def hear(
            fraction: float, message: str, level: str, leaderboard: dict[str, Any] | None
        ) -> None:
            self._look()
            on_progress(fraction, message, level, leaderboard)
            # Last, so that the run's log tells of a candidate before anybody can take it over.
            if leaderboard is not None:
                self._news.set()

        return hear

    def _look(self) -> None:
        """Note when the child last wrote down what it had spent."""
        with suppress(OSError):
            written = (self.directory / SPENT).stat().st_mtime_ns
            if written != self._spent_at[0]:
                self._spent_at = (written, time.monotonic())

    def _charge(self) -> None:
        """Add the seconds since then: they are spent, though they came to nothing."""
        spent = self._spent()
        if spent is not None and self._spent_at[0]:
            spent["spent_s"] += time.monotonic() - self._spent_at[1]
            self._note(spent)

    def _add(self, **told: str | None) -> None:
        """Say what the child could not: that it ended of its candidate, or did not."""
        spent = self._spent()
        if spent is not None:
            self._note({**spent, **told})

    def _note(self, spent: dict[str, Any]) -> None:
        with suppress(OSError):
            (self.directory / SPENT).write_text(json.dumps(spent))

    def _spent(self) -> dict[str, Any] | None:
        with suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.directory / SPENT).read_bytes())
            return found
        return None

    def _fetch(self) -> None:
        try:
            body = self._storage.download_bytes(self._bucket, self._prefix + LIST)
        except (ObjectMissing, StorageCorrupted):
            return
        found = self._verified(body)
        if found is None:
            logger.error("run %s: its checkpoints are not this server's", self._run_id)
            return
        for name, item in found["files"].items():
            path = self.directory / name
            try:
                self._storage.fetch_to(self._bucket, item["key"], path, item["sha256"])
                self._listed[name] = item
            except (ObjectMissing, StorageCorrupted) as error:
                logger.warning("run %s: checkpoint %s: %s", self._run_id, name, error)
        if found["spent"] is not None:
            (self.directory / SPENT).write_text(json.dumps(found["spent"]))

    def _verified(self, body: bytes) -> dict[str, Any] | None:
        """What a stored list says, or ``None`` when this server did not sign it for this run."""
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            signed = json.loads(body)
            content = signed["content"]
            if verify_checkpoints(signed["signature"], content, self._run_id, self._key):
                found: dict[str, Any] = json.loads(content)
                return found
        return None

    def _keep_storing(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            ended = self._ended.is_set()
            if self._wanted:
                self._store_safely()
            if ended:
                return

    def _store_safely(self) -> None:
        try:
            self._store()
        except (StorageError, OSError) as error:
            logger.warning("run %s: checkpoints: %s", self._run_id, error)

    def _store(self) -> None:
        """Store what is new, then the list of all of it."""
        for path in sorted(self.directory.glob(f"*{ENDING}")):
            if path.name not in self._listed and not path.is_symlink():
                key = f"{self._prefix}{self._attempt}-{path.name}"
                stored = self._storage.upload_file(self._bucket, key, path)
                self._listed[path.name] = {"key": stored.key, "sha256": stored.sha256}
        content = json.dumps({"files": self._listed, "spent": self._spent()})
        signature = sign_checkpoints(content, self._run_id, self._key)
        body = json.dumps({"content": content, "signature": signature}).encode()
        self._storage.upload_bytes(self._bucket, self._prefix + LIST, body)


def remove_if_over(database: Database, storage: Storage, bucket: str, claim: Claim) -> None:
    """Remove the checkpoints of a run that ended, or was deleted, while they were stored."""
    try:
        with database.unit(write=False) as unit:
            run = unit.session.get(Run, claim.run_id)
            over = run is None or run.finished_at is not None
        if over:
            storage.delete_prefix(bucket, checkpoint_prefix(claim.project_id, claim.run_id))
    except (StorageError, SQLAlchemyError) as error:
        logger.warning("could not remove checkpoints yet: %s", type(error).__name__)
