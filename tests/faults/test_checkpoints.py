"""A training that is killed keeps what it has fitted, whoever goes on with it."""

from __future__ import annotations

from app.runs.checkpoints import LIST
from app.runs.claims import checkpoint_prefix
from app.storage import trash
from tests.api.world import World
from tests.faults.installation import EMBEDDED, SLACK_S, TAKEOVER_S, Installation, until
from tests.faults.runs import TRAINED, Undisturbed, best_of, rankings, start


def boards(installation: Installation, run_id: str) -> list[list[str]]:
    """The names on each leaderboard that a run has reported."""
    return [[row["name"] for row in rows] for rows in rankings(installation, run_id)]


def checkpoints(installation: Installation, run_id: str) -> list[str]:
    """The keys of the candidates that are stored for a run."""
    run = installation.run(run_id)
    listed = installation.storage.list_prefix(
        installation.bucket, checkpoint_prefix(run.project_id, run_id)
    )
    return [item.key for item in listed]


def two_are_listed(installation: Installation, run_id: str) -> bool:
    """Whether two candidates are stored, and the list that names at least the first of them."""
    keys = checkpoints(installation, run_id)
    return len(keys) >= 3 and any(key.endswith(LIST) for key in keys)


def assert_resumed(
    installation: Installation, run_id: str, told: list[list[str]], least: int
) -> None:
    """The last attempt began with at least so many candidates, and none was fitted twice.

    ``told`` are the leaderboards that were reported when the attempt before was ended.
    """
    said = installation.said(run_id, "Resumed: ")
    assert len(said) == 1
    kept = int(said[0].split()[1])
    assert kept >= least
    assert said[0].endswith(" of 5 s are left.")
    final = boards(installation, run_id)[-1]
    for name in told[:kept][-1]:
        assert len(installation.said(run_id, f"{name}: ")) == 1
    for name in boards(installation, run_id)[kept - 1]:
        assert name in final
        # A worker that was killed between storing one and telling of it told nothing.
        assert len(installation.said(run_id, f"{name}: ")) <= 1
    trash.sweep(installation.database, installation.storage, installation.bucket)
    assert checkpoints(installation, run_id) == []


@EMBEDDED
def test_a_killed_child_costs_the_candidate_in_flight_only(
    installation: Installation, user: World, undisturbed: Undisturbed
) -> None:
    run_id = start(user, TRAINED)
    until(lambda: len(boards(installation, run_id)) >= 2, 120, "two candidates")
    told = boards(installation, run_id)
    installation.child().kill()
    assert user.wait(run_id)["status"] == "COMPLETED"
    assert installation.run(run_id).attempt > installation.run(undisturbed.run_id).attempt
    assert_resumed(installation, run_id, told, least=2)
    assert best_of(installation, run_id) == undisturbed.best


def test_the_candidates_of_a_killed_worker_are_taken_over(
    installation: Installation, user: World
) -> None:
    run_id = start(user, TRAINED)
    until(lambda: two_are_listed(installation, run_id), 120, "two stored candidates")
    until(lambda: boards(installation, run_id), what="a leaderboard")
    told = boards(installation, run_id)
    installation.kill_part("worker")
    until(lambda: installation.said(run_id, "Resumed: "), TAKEOVER_S + SLACK_S, "a takeover")
    assert user.wait(run_id)["status"] == "COMPLETED"
    assert_resumed(installation, run_id, told, least=1)
