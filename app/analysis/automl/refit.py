"""The final fit: the chosen members on all rows, the holdout included."""

from __future__ import annotations

from dataclasses import dataclass, replace

from joblib import Parallel, delayed

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.choice import Choice
from app.analysis.automl.combined import Combined, Fitted, Part
from app.analysis.automl.compute.cluster import Cluster, ClusterAway, FitLost
from app.analysis.automl.compute.remote import Clock, Parcel
from app.analysis.automl.crossval import Candidate, one_row_ms
from app.analysis.automl.estimators.base import Circumstances, Fitting, Params
from app.analysis.automl.material import Material
from app.analysis.automl.portfolio import MOST_BYTES, MOST_ROW_S, Entry
from app.analysis.automl.transforms import TargetScale

MOST_SEEDS, MOST_CHEAP_SEEDS = 3, 8
CAREFUL = 1.25
"""Final fits are started when so many times their expected time is left; twice as many for a
further seed, which is only a bonus."""
CHEAP = 0.12
"""Members are cheap that take less than this share of what the final model may take a row."""
EXTRA = 0.1
"""Of that, further seeds of cheap members may take so much beyond it."""


def refit(
    choice: Choice,
    material: Material,
    cluster: Cluster | None = None,
    limit_ms: float | None = None,
) -> tuple[Combined, list[str], list[str]]:
    """The model that is kept, the members that were late, and what is to be told about it.

    Each member is fitted on all rows, with several seeds where planned time, prediction time
    and size allow: their mean is steadier than one. For those that cost next to nothing beside
    the others there may be room where there is none for all. A member for which the clock has no
    time left is late, and serves as one of its folds fitted it, on fewer rows. With ``limit_ms``
    there are no more seeds than keep a prediction within it.
    """
    members = [candidate for _, candidate in choice.members]
    seeds, more = planned_seeds(members, material)
    if limit_ms is not None:
        room = max(1, int(limit_ms / sum(candidate.one_row_ms for candidate in members)))
        seeds, more = min(seeds, room), min(more, room)
    material.budget.open_reserve()
    jobs = [
        _Job(weight, candidate, seed)
        for seed in range(MOST_CHEAP_SEEDS)
        for weight, candidate in choice.members
        if seed < _seeds_of(candidate, seeds, more)
    ]
    fitted = _fit_all(jobs, material, cluster)
    done: list[tuple[float, Fitted]] = []
    parts: list[Part] = []
    late: list[str] = []
    for weight, candidate in choice.members:
        own = [f for job, f in fitted if job.candidate is candidate]
        done += [(weight / len(own), f) for f in own]
        if not own:
            space, early = candidate.early
            parts.append(Part(space, ((weight, early),)))
            late.append(candidate.entry.name)
    if done:
        space = material.whole("plain")[0].space
        parts.insert(0, Part(space, tuple(done)))
    for part in parts:
        part.space.forget()
    model = Combined(material.task, tuple(parts), choice.temperature)
    told = _told(late, fitted)
    if limit_ms is not None:
        told += _slow(one_row_ms(material, model.predict), limit_ms)
    return model, late, told


@dataclass(frozen=True, slots=True)
class _Job:
    """One member to fit on all rows, with the seed of that number."""

    weight: float
    candidate: Candidate
    seed: int


def _fit_all(
    jobs: list[_Job], material: Material, cluster: Cluster | None
) -> list[tuple[_Job, Fitted]]:
    """Fit side by side, first seeds first, as long as the clock allows."""
    fitted: list[tuple[_Job, Fitted]] = []
    left = list(jobs)
    while left:
        batch = left[: material.lanes]
        works = [job.candidate.refit_work for job in batch]
        margin = CAREFUL if batch[0].seed == 0 else 2 * CAREFUL
        needed = material.planned(works) * material.budget.pace
        material.budget.finishing()  # which leaves less time
        if margin * needed > material.budget.last_call:
            material.budget.cut = True
        else:
            done = _fit_batch(batch, material, cluster)
            if done is None:
                continue
            material.charge(works)
            fitted += [(job, f) for job, f in zip(batch, done, strict=True) if f is not None]
        del left[: len(batch)]
    return fitted


def _fit_batch(
    batch: list[_Job], material: Material, cluster: Cluster | None
) -> list[Fitted | None] | None:
    """Fit side by side, on the cluster where there is one; ``None``: it has failed, and fits are
    done here from now on."""
    if cluster is not None and material.slots:
        asked = [
            (job.candidate.entry, job.candidate.params, job.candidate.factor, job.seed)
            for job in batch
        ]
        expired = material.budget.expired
        try:
            underway = cluster.begin(_fit_afar, asked, max(0.0, material.budget.last_call))
            answers = cluster.wait(underway, expired, expired)
            finishing = material.budget.finishing()
            return [None if stopped and finishing else fitted for fitted, stopped in answers]
        except OutOfTime:
            return [None] * len(batch)
        except (ClusterAway, FitLost):
            material.slots = 0
            return None
    for job in batch:
        material.whole(job.candidate.entry.target)  # encoded before the lanes part
    found: list[Fitted | None] = Parallel(n_jobs=material.lanes, prefer="threads")(
        delayed(_fit)(job, material) for job in batch
    )
    return found


def planned_seeds(members: list[Candidate], material: Material) -> tuple[int, int]:
    """How many seeds the plan has room for, of all members and of the cheap ones; a matter of
    counts, so the same on every day."""
    cheap = [c for c in members if _cheap(c) and not _seedless(c)]
    spare = material.budget.planned_left + material.budget.reserve
    seeds = max(1, min(MOST_SEEDS, _room(members, spare, MOST_ROW_S, MOST_BYTES, material)))
    spare -= seeds * material.planned([c.refit_work for c in members])
    row_s = MOST_ROW_S * (1 + EXTRA) - seeds * sum(c.row_price for c in members)
    size = MOST_BYTES - seeds * sum(c.early[1].estimator.size_bytes for c in members)
    more = _room(cheap, spare, row_s, size, material) if cheap else 0
    return seeds, min(MOST_CHEAP_SEEDS, seeds + more)


def planned_fits(members: list[Candidate], material: Material) -> float:
    """Planned seconds of all seeds of those members that the plan has room for."""
    seeds, more = planned_seeds(members, material)
    works = [
        candidate.refit_work
        for candidate in members
        for _ in range(_seeds_of(candidate, seeds, more))
    ]
    return material.planned(works)


def _seeds_of(candidate: Candidate, seeds: int, more: int) -> int:
    """How many of the planned seeds are a member's: all members have ``seeds``, cheap ones ``more``."""
    if _seedless(candidate):
        return 1
    return more if _cheap(candidate) else seeds


def _room(
    members: list[Candidate], spare: float, row_s: float, size: float, material: Material
) -> int:
    """How many fits of each of them there is room for, in ``spare`` seconds of fitting, ``row_s``
    of predicting and so many bytes."""
    once = material.planned([c.refit_work for c in members])
    row = sum(c.row_price for c in members)
    each = sum(c.early[1].estimator.size_bytes for c in members)
    return max(0, int(min(spare / max(once, 1e-9), row_s / max(row, 1e-12), size / max(each, 1))))


def _cheap(candidate: Candidate) -> bool:
    """Whether its predictions cost so little that a few more of it do not count."""
    return candidate.row_price < CHEAP * MOST_ROW_S


def _fit(job: _Job, material: Material) -> Fitted | None:
    """The member on all rows; ``None`` when it was stopped too early: by the clock, or somewhere
    by who asked to finish, since its folds' models were fitted to the end."""
    candidate, stopped = job.candidate, False

    def expired() -> bool:
        nonlocal stopped
        stopped = stopped or material.budget.expired()
        return stopped

    entry = replace(candidate.entry, params=candidate.params)
    encoded, how = material.whole(entry.target), material.circumstances(1_000 + job.seed, expired)
    fitted = _fit_whole(entry, material, candidate.factor, encoded, how)
    return None if stopped and material.budget.finishing() else fitted


def _fit_afar(
    parcel: Parcel, clock: Clock, entry: Entry, params: Params, factor: float, seed: int
) -> tuple[Fitted | None, bool]:
    """The same at a worker, and whether it was stopped."""
    entry = replace(entry, params=params)
    encoded = parcel.whole(entry.target, entry.estimator.view)
    how = parcel.material.circumstances(1_000 + seed, clock)
    fitted = _fit_whole(entry, parcel.material, factor, encoded, how)
    return fitted, clock.over


def _fit_whole(
    entry: Entry,
    material: Material,
    factor: float,
    encoded: tuple[Fitting, TargetScale],
    how: Circumstances,
) -> Fitted | None:
    fitting, scale = encoded
    estimator = entry.make(material.task)
    try:
        estimator.fit(fitting, how)
    except OutOfTime:
        return None
    return Fitted(estimator, scale, factor, material.tilt)


def _seedless(candidate: Candidate) -> bool:
    """Whether another seed would give the same model again."""
    return candidate.family in ("baseline", "linear", "tree")


def _slow(took_ms: float, limit_ms: float) -> list[str]:
    if took_ms <= limit_ms:
        return []
    return [f"A prediction takes {took_ms:.2g} ms here, more than max_predict_ms = {limit_ms:g}."]


def _told(late: list[str], fitted: list[tuple[_Job, Fitted]]) -> list[str]:
    notes = []
    seeds = 1 + max((job.seed for job, _ in fitted), default=0)
    repeated = dict.fromkeys(job.candidate.entry.name for job, _ in fitted if job.seed)
    once = {job.candidate.entry.name for job, _ in fitted} - repeated.keys()
    if late:
        notes.append(
            f"No time was left to fit on all rows: {', '.join(late)} (one fold's model kept)."
        )
    if seeds > 1:
        of = f" of {', '.join(repeated)}" if once else ""
        notes.append(f"The final fit averages {seeds} seeds{of}.")
    return notes
