"""A training that is ended half way goes on from what it kept, and ends as if nothing were."""

import json

import pytest

from app.analysis.automl import jobs
from app.analysis.automl.budget import Budget
from app.analysis.automl.checkpoints import ENDING, SPENT, Checkpoints
from tests.unit.automl.tables import customers, run_job

OPTIONS = {"target": "left", "time_budget_s": 600}
TABLE = customers(260)
PLAIN = {"target": None, "ignore": ["left"], "time_budget_s": 600}


class Ended(Exception):
    """What ends a training from outside."""


class Listener:
    """Hears a training's progress, and ends it after so many candidates."""

    def __init__(self, most=1_000):
        self.lines = []
        self.fitted = 0
        self._most = most

    def __call__(self, fraction, message="", *, level="INFO", leaderboard=None):
        self.lines.append(message)
        if leaderboard is not None and not message.startswith("Chosen"):
            self.fitted += 1
            if self.fitted == self._most:
                raise Ended

    def said(self, beginning):
        return [line for line in self.lines if line.startswith(beginning)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The facts, the leaderboard and the number of fits of a training left in peace."""
    return attempt(tmp_path_factory.mktemp("undisturbed"), Listener())


def attempt(folder, listener, **options):
    kept = str(folder / "kept")
    facts = run_job(*TABLE, folder, listener, kept, **{**OPTIONS, **options})
    board = json.loads((folder / "leaderboard.json").read_text())["rows"]
    return facts, [(row["name"], row["score"]) for row in board], listener


def ended_after(folder, candidates, **options):
    with pytest.raises(Ended):
        attempt(folder, Listener(candidates), **options)
    return sorted((folder / "kept").glob(f"*{ENDING}"))


def test_a_resumed_training_equals_one_that_was_left_in_peace(tmp_path, undisturbed):
    assert len(ended_after(tmp_path, 3)) == 3
    facts, board, heard = attempt(tmp_path, Listener())
    expected, expected_board, whole = undisturbed
    assert facts["metrics"] == expected["metrics"]
    assert facts["notes"] == expected["notes"]
    assert board == expected_board
    assert heard.fitted == whole.fitted - 3
    assert heard.said("Resumed: 3 candidates were kept, ")
    assert not whole.said("Resumed")


def test_of_many_ends_each_costs_the_candidate_in_flight_only(tmp_path, undisturbed):
    expected, expected_board, whole = undisturbed
    for number in range(1, whole.fitted):
        assert len(ended_after(tmp_path, 1)) == number
    facts, board, heard = attempt(tmp_path, Listener())
    assert heard.fitted == 1
    assert (facts["metrics"], board) == (expected["metrics"], expected_board)


def test_candidates_that_other_rows_judged_are_fitted_again(tmp_path, monkeypatch):
    def attempted(processors, most):
        monkeypatch.setattr(jobs, "available_cpus", lambda: processors)
        listener = Listener(most)
        kept = str(tmp_path / "kept")
        options = {"target": "left", "time_budget_s": 8}
        return run_job(*customers(6_500), tmp_path, listener, kept, **options), listener

    with pytest.raises(Ended):
        attempted(1, 2)
    facts, heard = attempted(2, 1_000)
    assert heard.said("Resumed: 2 candidates were kept, ")
    assert "2 parts of 15 % choose" in " ".join(facts["notes"])
    assert heard.said("Baseline: ")  # which the one part of the first attempt had judged


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut_short, flip])
def test_a_damaged_checkpoint_is_fitted_again(tmp_path, undisturbed, damage):
    damage(ended_after(tmp_path, 3)[1])
    facts, board, heard = attempt(tmp_path, Listener())
    expected, expected_board, whole = undisturbed
    assert heard.said("Resumed: 2 candidates were kept, ")
    assert heard.fitted == whole.fitted - 2
    assert (facts["metrics"], board) == (expected["metrics"], expected_board)


def test_checkpoints_of_another_plan_are_ignored(tmp_path, undisturbed):
    ended_after(tmp_path, 3, seed=7)
    facts, _, heard = attempt(tmp_path, Listener())
    assert not heard.said("Resumed")
    assert heard.fitted == undisturbed[2].fitted
    assert facts["metrics"] == undisturbed[0]["metrics"]


def spend(folder, seconds):
    path = folder / "kept" / SPENT
    path.write_text(json.dumps({**json.loads(path.read_text()), "spent_s": seconds}))


def test_a_budget_that_is_spent_goes_to_choosing_among_what_is_kept(tmp_path):
    ended_after(tmp_path, 3)
    spend(tmp_path, 599.5)
    facts, board, heard = attempt(tmp_path, Listener())
    assert heard.fitted == 0
    assert len({name for name, _ in board if not name.startswith("Ensemble")}) == 3
    assert facts["name"] != "Baseline"
    assert heard.said("Resumed: 3 candidates were kept, 0 s of 600 s are left.")


def test_when_nothing_was_kept_of_a_spent_budget_the_quickest_is_the_model(tmp_path):
    for path in ended_after(tmp_path, 1):
        path.unlink()
    spend(tmp_path, 700)
    facts, board, heard = attempt(tmp_path, Listener())
    assert facts["name"] == "Logistic regression"
    assert [name for name, _ in board] == ["Logistic regression", "Baseline"]
    assert heard.said("Resumed: 0 candidates were kept, 0 s of 600 s are left.")


def test_a_spoiled_note_of_the_time_still_counts_what_candidates_took(tmp_path):
    ended_after(tmp_path, 3)
    (tmp_path / "kept" / SPENT).write_text("{")
    assert attempt(tmp_path, Listener())[2].said("Resumed: 3 candidates were kept, ")


def test_clusters_are_kept_too(tmp_path):
    whole = Listener()
    expected, expected_board, _ = attempt(tmp_path, whole, **PLAIN)
    (tmp_path / "again").mkdir()
    ended_after(tmp_path / "again", 4, **PLAIN)
    facts, board, heard = attempt(tmp_path / "again", Listener(), **PLAIN)
    assert heard.said("Resumed: 4 candidates were kept, ")
    assert heard.fitted == whole.fitted - 4
    assert (facts["metrics"], board) == (expected["metrics"], expected_board)


def budget(seconds, now):
    return Budget(seconds, 0.0, 1.0, lambda: now[0])


def test_time_and_plan_go_on_from_the_last_step(tmp_path):
    now = [0.0]
    first, clock = Checkpoints(tmp_path, "plan", 60.0), budget(60, now)
    assert first.begin(clock) is None
    clock.charge(4.0)
    now[0] = 5.0
    first.keep("one", {"figures": [1, 2]}, clock, told=("was slow.",))
    second = Checkpoints(tmp_path, "plan", 60.0)
    assert second.spent_s == 5.0
    resumed = budget(60, now)
    now[0] = 25.0  # 20 s of which came to nothing
    assert second.begin(resumed) == "Resumed: 1 candidate was kept, 35 s of 60 s are left."
    step = second.recall("one", resumed)
    assert (step.content, step.told) == ({"figures": [1, 2]}, ("was slow.",))
    assert second.recall("two", resumed) is None
    assert (resumed.spent, resumed.elapsed, resumed.worked) == (4.0, 25.0, 5.0)
    assert resumed.pace == 1.25


def test_what_would_cost_more_than_its_share_is_not_kept(tmp_path):
    kept = Checkpoints(tmp_path, "plan", 0.0)
    kept.keep("one", "content", budget(60, [0.0]))
    assert list(tmp_path.glob(f"*{ENDING}")) == []


def test_what_two_attempts_ended_in_is_given_up(tmp_path):
    clock = budget(60, [0.0])
    for _ in range(2):
        attempt = Checkpoints(tmp_path, "plan", 60.0)
        assert attempt.given_up("heavy") is None
        attempt.attend("light", clock)
        attempt.keep("light", "content", clock)
        attempt.attend("heavy", clock)
    third = Checkpoints(tmp_path, "plan", 60.0)
    assert third.given_up("light") is None
    assert third.given_up("heavy") == "was given up: 2 attempts ended in it."
    third.begin(clock)
    assert Checkpoints(tmp_path, "plan", 60.0).given_up("heavy")
    assert not Checkpoints(tmp_path, "another plan", 60.0).given_up("heavy")


def test_a_candidate_that_is_blamed_is_not_tried_again_and_that_is_told(tmp_path, undisturbed):
    ended_after(tmp_path, 3)
    path = tmp_path / "kept" / SPENT
    blamed = {"trying": "LightGBM", "blamed": "it ate all memory"}
    path.write_text(json.dumps({**json.loads(path.read_text()), **blamed}))
    facts, board, heard = attempt(tmp_path, Listener())
    assert "LightGBM was given up: it ate all memory." in facts["notes"]
    whole = [name for name, _ in undisturbed[1]]
    assert "LightGBM" in whole
    assert "LightGBM" not in [name for name, _ in board]
    assert not heard.said("LightGBM: ")


def test_a_folder_that_cannot_be_written_costs_no_training(tmp_path):
    kept = Checkpoints(tmp_path / "kept", "plan", 60.0)
    (tmp_path / "kept").rmdir()
    kept.keep("one", "content", budget(60, [0.0]))
    assert Checkpoints(tmp_path / "kept", "plan", 60.0).spent_s == 0.0
