"""What holds after every fault, checked in an installation's database, storage and log.

Every function returns the sentences of what is broken, so that a soak can report them too.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable

from sqlalchemy import func, select

from app.db.tables import (
    Artifact,
    Dataset,
    DatasetVersion,
    Log,
    ModelMeta,
    PredictionJob,
    Run,
    Trash,
)
from app.runs.states import STAGES, TERMINAL, UNFINISHED
from app.storage import trash
from app.storage.base import StorageError
from tests.api.world import PASSWORD
from tests.faults.installation import Installation, owner_lives

REPORTS = ("report.html", "report.md", "report.pdf")
SETTLE_S = 90.0
TOKENS = {
    "a token": re.compile(r"eyJ[A-Za-z0-9_-]{10}"),
    "an API key": re.compile(r"uam_[A-Za-z0-9-]{20}"),
}


def assert_whole(installation: Installation) -> None:
    """Every invariant holds, at the latest once what is under way has settled."""
    deadline = time.monotonic() + SETTLE_S
    while (found := broken(installation)) and time.monotonic() < deadline:
        # The beat does so too, a few seconds later.
        trash.sweep(installation.database, installation.storage, installation.bucket)
        time.sleep(0.5)
    assert not found, "\n".join(found)


def broken(installation: Installation) -> list[str]:
    """Everything that is broken now."""
    checks = (endings, products, objects, quotas, secrets, leases, events)
    return [sentence for check in checks for sentence in check(installation)]


def _runs(installation: Installation) -> list[Run]:
    with installation.database.unit(write=False) as unit:
        return list(unit.session.scalars(select(Run)))


def endings(installation: Installation) -> list[str]:
    """I1: every run has ended, in one state, with the marks of its end."""
    found = []
    for run in _runs(installation):
        done = run.stage == len(STAGES)
        if run.status not in TERMINAL or run.finished_at is None:
            found.append(f"I1: run {run.id} is {run.status}")
        elif done != (run.status == "COMPLETED"):
            found.append(f"I1: run {run.id} is {run.status} after {run.stage} stages")
        elif (run.status == "FAILED") != bool(run.error):
            found.append(f"I1: run {run.id} is {run.status} with the error {run.error!r}")
    return found


def products(installation: Installation) -> list[str]:
    """I2: a completed run has one of each report; a model has its file and a file its model."""
    with installation.database.unit(write=False) as unit:
        files = unit.session.execute(select(Artifact.run_id, Artifact.type, Artifact.filename))
        names: dict[str, list[str]] = defaultdict(list)
        for run_id, kind, filename in files:
            names[run_id].append(filename if kind != "chart" else f"chart {filename}")
        models = Counter(unit.session.scalars(select(ModelMeta.run_id)))
    found = []
    for run in _runs(installation):
        counts = Counter(names[run.id])
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            found.append(f"I2: run {run.id} has {twice} twice")
        if models[run.id] != counts["model.joblib"]:
            found.append(f"I2: run {run.id} has {models[run.id]} models")
        if run.status != "COMPLETED":
            continue
        missing = [name for name in (*REPORTS, "artifacts_manifest.json") if not counts[name]]
        if missing:
            found.append(f"I2: run {run.id} is complete without {missing}")
    return found


def _referred(installation: Installation) -> dict[str, tuple[int, str] | None]:
    """Every key that a row points to, with size and hash where the row knows them."""
    keys: dict[str, tuple[int, str] | None] = {}
    with installation.database.unit(write=False) as unit:
        for table in (Dataset, DatasetVersion):
            for dataset in unit.session.scalars(select(table)):
                for key in (dataset.storage_key, dataset.preview_key, dataset.profile_key):
                    if key is not None:
                        keys[key] = None
        waiting = PredictionJob.status.in_(("PENDING", "RUNNING"))
        jobs = select(PredictionJob.source_key).where(waiting)
        keys.update(dict.fromkeys(unit.session.scalars(jobs)))
        for model in unit.session.scalars(select(ModelMeta)):
            keys[model.storage_key] = (model.size_bytes, model.sha256)
        for artifact in unit.session.scalars(select(Artifact)):
            keys[artifact.storage_key] = (artifact.size_bytes, artifact.sha256)
    return keys


def objects(installation: Installation) -> list[str]:
    """I3: every object has its row, and every row its object, of the size and hash it says."""
    storage, bucket = installation.storage, installation.bucket
    stored = {item.key for item in storage.list_prefix(bucket, "projects/")}
    referred = _referred(installation)
    found = [f"I3: no row points to {key}" for key in stored - referred.keys()]
    for key, known in referred.items():
        try:
            info = storage.stat(bucket, key)
        except StorageError as error:
            found.append(f"I3: {key}: {type(error).__name__}")
            continue
        if known is not None and (info.size, info.sha256) != known:
            found.append(f"I3: {key} is not what its row says")
    with installation.database.unit(write=False) as unit:
        prefixes: Iterable[str] = unit.session.scalars(select(Trash.prefix)).all()
    return found + [f"I3: {prefix} waits to be removed" for prefix in prefixes]


def quotas(installation: Installation) -> list[str]:
    """I4: nobody has more runs under way than the quota allows."""
    limit = installation.server.settings.max_concurrent_runs
    with installation.database.unit(write=False) as unit:
        counts = unit.session.execute(
            select(Run.user_id, func.count())
            .where(Run.status.in_(UNFINISHED))
            .group_by(Run.user_id)
            .having(func.count() > limit)
        ).all()
    return [f"I4: user {user} has {count} runs under way" for user, count in counts]


def secrets(installation: Installation) -> list[str]:
    """I6: no secret stands in the log: no key, no password, no token."""
    environment = installation.server.environment
    names = ("SECRET_KEY", "MINIO_SECRET_KEY", "LLM_API_KEY")
    wanted = {name: environment[name] for name in names if environment.get(name)}
    wanted["a password"] = PASSWORD
    log = installation.server.log
    found = [f"I6: {name} stands in the log" for name, value in wanted.items() if value in log]
    return found + [f"I6: {name} stands in the log" for name in TOKENS if TOKENS[name].search(log)]


def leases(installation: Installation) -> list[str]:
    """I7: a lease is held by a process that lives, and by none once the run is over."""
    with installation.database.unit(write=False) as unit:
        now = unit.now()
    found = []
    for run in _runs(installation):
        if run.lease_owner is None or run.lease_until is None:
            continue
        if run.status in TERMINAL:
            found.append(f"I7: run {run.id} is {run.status} and leased")
        elif run.lease_until > now and not owner_lives(run.lease_owner):
            found.append(f"I7: run {run.id} is leased to {run.lease_owner}, which is gone")
    return found


def events(installation: Installation) -> list[str]:
    """I8: a run's events are numbered without gaps, and nothing follows its end but a retry."""
    found = []
    for run in _runs(installation):
        with installation.database.unit(write=False) as unit:
            rows = list(
                unit.session.scalars(select(Log).where(Log.run_id == run.id).order_by(Log.seq))
            )
        if [row.seq for row in rows] != list(range(1, len(rows) + 1)):
            found.append(f"I8: run {run.id} has gaps in its events")
        ended, percent = False, 0.0
        for row in rows:
            if row.event == "log" and row.message.startswith("Resuming"):
                ended = False
            if row.event != "status" or row.data_json is None:
                continue
            if ended:
                found.append(f"I8: run {run.id} went on to {row.message} after its end")
            if row.data_json["progress"] < percent:
                found.append(f"I8: the progress of run {run.id} fell")
            ended, percent = row.message in TERMINAL, row.data_json["progress"]
    return found
