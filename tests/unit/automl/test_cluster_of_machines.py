"""Candidates fitted on a real Dask cluster: the same models, and no run that fails with it."""

import subprocess
import sys
import time

import pytest

from app.analysis.automl import jobs
from app.analysis.automl.compute import cluster as compute
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting
from app.analysis.automl.threads import bounded_pools
from app.analysis.automl.train import train_supervised
from app.analysis.errors import BadOption
from app.analysis.progress import silent
from app.config import ConfigurationError, load_settings
from tests.unit.automl.clusters import RealCluster
from tests.unit.automl.tables import customers, quick_portfolio, run_job

# Its processes load every library anew, which takes minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)
TABLE = customers(300)
CONNECT_S = 120


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    made = RealCluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def cluster(real):
    real.repair()
    connected = compute.connect(real.url, CONNECT_S)
    yield connected
    connected.close()


class Log:
    """What a training tells; ``then`` is done once, when it tells of a candidate."""

    def __init__(self, of="", then=lambda: None):
        self.lines, self.warnings, self._of, self._then = [], [], of, then

    def __call__(self, fraction, message="", *, level="INFO", leaderboard=None):
        self.lines.append(message)
        if level == "WARNING":
            self.warnings.append(message)
        if self._of and message.startswith(self._of):
            self._of = ""
            self._then()


def trained(cluster=None, log=silent, finish=lambda: False):
    setting = Setting([], 1, 0.0, lambda: 0.0, finish=finish, cluster=cluster)
    with quick_portfolio(), bounded_pools(1):
        return train_supervised(*TABLE, RunOptions(target="left", time_budget_s=600), setting, log)


@pytest.fixture(scope="module")
def local():
    return trained()


def names(made):
    return {row["name"] for row in made.leaderboard["rows"]}


def told_alike(made, other):
    """The same candidates with the same scores, and the same figures of the same model."""
    scores = [{row["name"]: row["score"] for row in m.leaderboard["rows"]} for m in (made, other)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)
    assert made.facts["metrics"] == pytest.approx(other.facts["metrics"], abs=1e-9)
    assert made.facts["name"] == other.facts["name"]


def test_a_cluster_makes_the_model_that_is_made_here(cluster, local, monkeypatch):
    most, sent = [], []
    begin, send = compute.Cluster.begin, compute.Cluster.send

    def counted(self, *args):
        underway = begin(self, *args)
        most.append(len(self._underway))
        return underway

    monkeypatch.setattr(compute.Cluster, "begin", counted)
    monkeypatch.setattr(compute.Cluster, "send", lambda *args: sent.append(1) or send(*args))
    log = Log()
    told_alike(trained(cluster, log), local)
    assert "Candidates are fitted on a cluster of 2 slots." in log.lines
    assert max(most) > 1  # candidates under way at once
    assert sent == [1]  # the table went there once
    assert log.warnings == []


def test_a_worker_killed_in_mid_fit_costs_that_fit_only(cluster, real, local):
    def kill_one_that_fits():
        client = real.client()
        addresses = {w["name"]: a for a, w in client.scheduler_info()["workers"].items()}
        deadline = time.monotonic() + 60
        while not client.processing()[addresses["one"]] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert client.processing()[addresses["one"]]
        real.kill("one")
        client.close()

    log = Log("Small tree", kill_one_that_fits)
    told_alike(trained(cluster, log), local)
    assert "one" not in real.running
    assert log.warnings == []


def test_asked_to_finish_it_keeps_what_the_cluster_has_fitted(cluster):
    asked = []
    log = Log("Logistic regression", lambda: asked.append(True))
    made = trained(cluster, log, finish=lambda: bool(asked))
    assert "Logistic regression" in names(made)
    assert any(note.startswith("Finished on request") for note in made.facts["notes"])


def test_workers_with_other_versions_are_not_used(cluster, monkeypatch):
    monkeypatch.setattr(compute, "versions_here", lambda: {"python": "4.0"})
    monkeypatch.setattr(cluster._client, "run", lambda *_, **__: {"w": {"python": "3.11"}})
    with pytest.raises(compute.ClusterAway, match=r"worker w has python 3\.11 instead of 4\.0"):
        cluster.check()


def test_without_its_scheduler_the_training_goes_on_here_and_says_so(cluster, real, local):
    log = Log("Logistic regression", lambda: real.kill("scheduler"))
    made = trained(cluster, log)
    told_alike(made, local)
    told = (
        "The cluster is of no use: its scheduler or all its workers are gone. "
        "Candidates are fitted here from now on."
    )
    assert log.warnings == [told]
    assert told in made.facts["notes"]


def test_where_no_scheduler_answers_the_training_is_done_here(tmp_path, monkeypatch):
    monkeypatch.setattr(compute, "CONNECT_S", 0.2)
    log = Log()
    frame, columns = TABLE
    facts = run_job(
        frame,
        columns,
        tmp_path,
        log,
        compute_url="dask://127.0.0.1:9",
        target="left",
        time_budget_s=30,
    )
    assert facts["metrics"]["roc_auc"] > 0.7
    assert [line.split(":")[0] for line in log.warnings] == ["The cluster is of no use"]


def test_without_the_extra_the_setting_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(compute, "find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r"uam\[dask\]"):
        compute.connect("dask://127.0.0.1:8786", 1)
    monkeypatch.setattr("app.config.find_spec", lambda _: None)
    monkeypatch.setenv("COMPUTE_URL", "dask://127.0.0.1:8786")
    with pytest.raises(ConfigurationError, match=r"COMPUTE_URL: .*uam\[dask\]"):
        load_settings()


def test_without_the_setting_dask_is_not_loaded():
    code = f"import sys, {jobs.__name__}; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
