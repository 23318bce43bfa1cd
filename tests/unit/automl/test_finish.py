"""Asked to finish, a training stops and keeps the best that it has so far."""

import pytest

from app.analysis.automl.budget import FINISHING_S, LAST_S, Budget
from app.analysis.automl.checkpoints import Checkpoints
from app.analysis.automl.group import train_clusters
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting
from app.analysis.automl.train import train_supervised
from app.analysis.progress import silent
from tests.unit.automl.tables import customers, quick_portfolio, run_job

TABLE = customers(260)


class Asker:
    """Somebody who asks to finish once ``after`` candidates are on the leaderboard."""

    def __init__(self, after):
        self.after, self.seen = after, 0

    def __call__(self):
        return self.seen >= self.after

    def hear(self, fraction, message="", *, level="INFO", leaderboard=None):
        self.seen = max(self.seen, len((leaderboard or {}).get("rows", ())))


def finished(after, work=train_supervised, **options):
    asker = Asker(after)
    setting = Setting([], 1, 0.0, lambda: 0.0, finish=asker)
    with quick_portfolio():
        return work(*TABLE, RunOptions(**options), setting, asker.hear)


def names(made):
    return {row["name"] for row in made.leaderboard["rows"]}


def test_what_was_tried_so_far_is_kept():
    made = finished(2, target="left", time_budget_s=600)
    assert names(made) == {"Baseline", "Logistic regression"}
    assert made.facts["name"] == "Logistic regression"
    assert "Finished on request after 0 s: best so far." in made.facts["notes"]
    assert made.facts["metrics"]["roc_auc"] > 0.7
    assert not any(note.startswith("The plan was finished") for note in made.facts["notes"])


def test_asked_before_anything_was_tried_it_makes_one_model_better_than_the_baseline():
    assert "Logistic regression" in names(finished(0, target="left", time_budget_s=600))


def test_nobody_asks_and_everything_is_tried():
    made = finished(1_000, target="left", time_budget_s=600)
    assert len(names(made)) > 3
    assert not any("request" in note for note in made.facts["notes"])


def test_clusters_found_so_far_are_kept():
    made = finished(2, work=train_clusters, ignore=("left",), time_budget_s=600)
    assert len(names(made)) == 2
    assert made.facts["metrics"]["clusters"] == 2


class Clock:
    time = 0.0

    def __call__(self):
        return self.time


def test_little_time_is_left_once_somebody_asked():
    clock, asked = Clock(), []
    budget = Budget(600, 0.0, tail=3, now=clock, finish=lambda: bool(asked))
    budget.has_model()
    assert not budget.expired()
    clock.time = 100
    asked.append(True)
    assert budget.expired()
    assert budget.seconds == 100 + FINISHING_S
    clock.time = 101
    budget.open_reserve()
    assert not budget.expired(), "final fits have what is left"
    assert budget.last_call == pytest.approx(FINISHING_S - 1 - LAST_S)
    clock.time = 100 + FINISHING_S
    assert budget.expired()


def test_nothing_is_longer_for_being_asked():
    budget = Budget(10, 0.0, tail=2, now=lambda: 8.0, finish=lambda: True)
    budget.has_model()
    assert budget.finishing()
    assert budget.seconds == 10


def test_a_final_fit_that_is_stopped_gives_way_to_the_first_folds_model():
    asked, clock = [], Clock()
    setting = Setting([], 1, 0.0, clock, finish=lambda: bool(asked))

    def heard(fraction, message="", *, level="INFO", leaderboard=None):
        if message.startswith("Chosen"):
            asked.append(True)
            clock.time = 600 - 1e-6

    with quick_portfolio():
        made = train_supervised(
            *TABLE, RunOptions(target="left", time_budget_s=600), setting, heard, Checkpoints()
        )
    assert any("one fold's model kept" in note for note in made.facts["notes"])
    assert made.bundle.model.predict(made.bundle.background).shape[1] == 2


def test_the_job_looks_for_a_file(tmp_path):
    file = tmp_path / "finish"
    file.touch()
    facts = run_job(
        *TABLE, tmp_path, silent, finish_file=str(file), target="left", time_budget_s=600
    )
    assert any("Finished on request" in note for note in facts["notes"])
