"""What was drawn beyond the portfolio makes the model only where that is surely better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from app.analysis.automl import search as searching
from app.analysis.automl.choice import SURE, choose, gain_over
from app.analysis.automl.crossval import Candidate
from app.analysis.automl.ensemble import MOST_MEMBERS, Mixture
from app.analysis.automl.leaderboard import Board
from app.analysis.automl.material import Material
from app.analysis.automl.options import RunOptions
from app.analysis.automl.portfolio import MOST_ROW_S
from app.analysis.automl.prepare import Setting, prepare
from app.analysis.automl.refit import MOST_CHEAP_SEEDS
from app.analysis.automl.search import ENOUGH, Search
from app.analysis.automl.threads import bounded_pools
from app.analysis.progress import silent
from tests.unit.automl.tables import numbers, quick_portfolio

OPTIONS = RunOptions(target="y", time_budget_s=60)


def searched(most_drawn: int = 0) -> Search:
    frame, columns = numbers(1_200)
    with quick_portfolio(), bounded_pools(1), pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "MOST_DRAWN", most_drawn)
        made = prepare(frame, columns, OPTIONS, Setting([], 1, 0.0, lambda: 0.0))
        metric = made.material.metric.name
        search = Search(made.material, Board(made.material.task, "y", metric), silent)
        search.run()
    return search


@pytest.fixture(scope="module")
def search() -> Iterator[Search]:
    return searched()


def beside(search: Search, prediction: npt.NDArray[np.float64]) -> tuple[Candidate, Material]:
    """A drawn candidate with that prediction out of fold."""
    material = search.material
    best = min(search.candidates, key=lambda c: c.error)
    error = material.error(material.y[material.judged], prediction)
    entry = replace(best.entry, name="Drawn", drawn=True)
    return replace(best, entry=entry, prediction=prediction, error=error), material


def names(search: Search, extra: Candidate) -> list[str]:
    choice = choose([*search.candidates, extra], search.material, OPTIONS)
    return [candidate.entry.name for _, candidate in choice.members]


def test_a_drawn_candidate_that_is_better_by_luck_changes_nothing(search: Search) -> None:
    before = [c.entry.name for _, c in choose(search.candidates, search.material, OPTIONS).members]
    best = min(search.candidates, key=lambda c: c.error)
    errors = search.material.y[search.material.judged] - best.prediction
    # As many rows get worse as better; all in all the error is less by a hair.
    noise = np.random.default_rng(0).normal(size=errors.size) * errors.std()
    noise -= errors * (noise @ errors) / (errors @ errors)
    lucky = best.prediction + 0.2 * noise + 0.021 * errors
    extra, material = beside(search, lucky)
    assert extra.error < best.error
    assert 0 < gain_over(lucky, best.prediction, material) < SURE
    assert names(search, extra) == before


def test_one_that_is_surely_better_is_chosen(search: Search) -> None:
    best = min(search.candidates, key=lambda c: c.error)
    truth = search.material.y[search.material.judged]
    better = truth + 0.8 * (best.prediction - truth)
    extra, material = beside(search, better)
    assert gain_over(better, best.prediction, material) > SURE
    assert "Drawn" in names(search, extra)


def test_the_portfolio_is_not_asked_for_what_it_has_no_answer_to(search: Search) -> None:
    best = min(search.candidates, key=lambda c: c.error)
    extra, material = beside(search, best.prediction)
    baseline = next(c for c in search.candidates if c.family == "baseline")
    choice = choose([baseline, extra], material, OPTIONS)
    assert [candidate.entry.name for _, candidate in choice.members] == ["Drawn"]


@pytest.mark.parametrize(("size", "members"), [(15_000_000, 2), (30_000_000, 1)])
def test_members_are_as_many_as_a_bundle_has_room_for(
    search: Search, size: int, members: int
) -> None:
    truth = search.material.y[search.material.judged]
    baseline = next(c for c in search.candidates if c.family == "baseline")
    each = []
    for seed in range(2):
        noise = np.random.default_rng(seed).normal(size=truth.size)
        one, _ = beside(search, truth + noise)
        fitted: Any = SimpleNamespace(estimator=SimpleNamespace(size_bytes=size))
        each.append(replace(one, row_price=1e-6, early=(one.early[0], fitted)))
        each[-1] = replace(each[-1], entry=replace(one.entry, kind=("boosting", "network")[seed]))
    assert len(choose([baseline, *each], search.material, OPTIONS).members) == members


def test_a_difference_that_no_part_shows_is_no_difference_in_doubt(search: Search) -> None:
    best = min(search.candidates, key=lambda c: c.error)
    assert gain_over(best.prediction, best.prediction, search.material) == float("inf")


def test_drawn_configurations_are_tried_until_none_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = searched(2)
    drawn = [c.entry for c in tried.candidates if c.entry.drawn]
    assert [entry.name for entry in drawn] == ["LightGBM, drawn 1", "Neural network, drawn 2"]
    assert not any(ENOUGH in note for note in tried.notes)
    # Of ten none may help, and they need not: it ends after the first that does not.
    monkeypatch.setattr(searching, "PATIENCE", 1)
    monkeypatch.setattr(searching, "LEAST_GAIN", 1.0)
    ended = searched(10)
    assert sum(c.entry.drawn for c in ended.candidates) == 1
    assert any(ENOUGH in note for note in ended.notes)


def test_time_for_several_seeds_is_laid_aside_before_anything_is_drawn() -> None:
    tried = searched(2)
    material = tried.material
    network = next(c for c in tried.candidates if c.family == "network")
    entry = replace(network.entry, drawn=False)
    quick = replace(network, entry=entry, row_price=0.01 * MOST_ROW_S, error=0.1)
    # A booster that takes all that a prediction may take is in no model with it.
    slow = replace(tried.candidates[-2], row_price=MOST_ROW_S, error=0.2)
    tried._mixed = [slow, quick]
    material.budget.reserve = tried._reserved()
    seeds = material.planned([quick.refit_work] * MOST_CHEAP_SEEDS)
    assert material.budget.reserve == pytest.approx(seeds)
    # Nor do many good ones of one family hide that another will be fitted, too.
    cheap = replace(slow, row_price=1e-9, error=0.01, refit_work=0.001)
    tried._mixed = [*(replace(cheap) for _ in range(MOST_MEMBERS)), quick]
    material.budget.reserve = tried._reserved()
    assert material.budget.reserve > seeds
    # What was drawn may not be chosen in the end: there is time for the others alone, too.
    drawn = replace(slow, error=0.01, refit_work=0.001, entry=replace(slow.entry, drawn=True))
    tried._mixed = [quick, drawn]
    material.budget.reserve = tried._reserved()
    assert material.budget.reserve == pytest.approx(seeds)


def test_no_time_is_laid_aside_for_what_helps_nobody() -> None:
    tried = searched(2)
    network = next(c for c in tried.candidates if c.family == "network")
    useless = replace(network, prediction=-network.prediction, error=9.0)
    truth = tried.material.y[tried.material.judged]
    mixture = Mixture(lambda prediction: tried.material.error(truth, prediction))
    tried._mixed = []
    assert tried._mix(mixture, [network])
    assert not tried._mix(mixture, [useless])
    assert tried._mixed == [network]
