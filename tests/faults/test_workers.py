"""Workers that are killed or told to stop: their runs go on elsewhere."""

from tests.api.world import World
from tests.faults.installation import Installation, until

OPTIONS = {"target": "price", "time_budget_s": 5}


def test_a_killed_worker_is_replaced_and_its_run_finishes(
    installation: Installation, user: World
) -> None:
    run_id = user.start(user.upload()["dataset_id"], **OPTIONS)
    child = installation.child()
    installation.kill_part("worker")
    until(lambda: not child.is_running(), 5, "the end of the orphaned child")
    assert user.wait(run_id)["status"] == "COMPLETED"
