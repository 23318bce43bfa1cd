"""The client's side of a cluster: connected, watched, and left when it is of no use.

Each call for fits is a ``joblib.Parallel`` in a thread of its own, so that several candidates are
in flight; whoever waits for one looks meanwhile whether the cluster is still there. A fit whose
worker dies is started on another one by Dask. No thread is waited for at the end.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from joblib import Parallel, delayed, parallel_config

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.compute.remote import Failed, Parcel, bare, perform, versions_here
from app.analysis.automl.material import Material
from app.analysis.errors import BadOption

CONNECT_S = 5.0
ANSWER_S = 5.0
LOOK_S = 1.0
LOST_S = 10.0
"""Without any worker for so long the cluster counts as away: one that its nanny starts again is
back before."""
MUTE_S = 30.0
"""A scheduler that is connected, and does not answer for so long, does not work any more."""
GRACE_S = 2.0
"""Fits that are to end have so long to bring what they have."""
POLL_S = 0.05
TELL_S = 5.0
MOST_SENDINGS = 3
"""Times that the material is sent, where the workers that had it were lost."""


class ClusterAway(Exception):
    """The cluster cannot be used, or not any longer; the message says why."""


class FitLost(Exception):
    """One call's fits were given up by the cluster: the workers that tried them were lost."""


@dataclass(eq=False)
class Underway:
    """Fits that the cluster was asked for. ``signal`` is the name under which they are told to
    end; ``outcome`` is what came of them once ``done`` is set: results, or an error."""

    work: Callable[..., Any]
    arguments: Sequence[tuple[Any, ...]]
    allowed_s: float
    signal: str
    done: threading.Event
    outcome: Any = None
    told: float | None = None


def connect(url: str, within_s: float) -> Cluster:
    """The cluster at ``dask://host:port``, or :class:`ClusterAway` when none of use is found in
    time. Raises ``BadOption`` where Dask is not installed."""
    if find_spec("distributed") is None:
        raise BadOption(
            "COMPUTE_URL is set, but Dask is not installed: install UAM with its extra 'dask' "
            "(pip install 'uam[dask]').",
            option="compute_url",
        )
    found: Future[Cluster] = Future()

    def look() -> None:
        try:
            cluster = _connected(url)
        except BaseException as error:
            found.set_exception(error)
            return
        if not found.set_running_or_notify_cancel():
            cluster.close()
            return
        found.set_result(cluster)

    threading.Thread(target=look, name="cluster-connect", daemon=True).start()
    try:
        return found.result(within_s)
    except TimeoutError:
        found.cancel()
        raise ClusterAway(f"it was not ready within {within_s:.0f} s") from None


def _connected(url: str) -> Cluster:
    import dask
    import distributed

    encrypted = dask.config.get("distributed.comm.require-encryption", None)
    address = f"{'tls' if encrypted else 'tcp'}://{urlsplit(url).netloc}"
    try:
        made: Any = distributed.Client
        client = made(address, timeout=CONNECT_S, set_as_default=False)
    except Exception as error:
        raise ClusterAway(f"no scheduler answers at {url} ({type(error).__name__})") from None
    cluster = Cluster(client)
    try:
        cluster.check()
    except ClusterAway:
        cluster.close()
        raise
    return cluster


class Cluster:
    """A cluster with ``slots`` threads of workers when it was connected."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._parcel: Any = None
        self._material: Material | None = None
        self._sendings = 0
        self._underway: list[Underway] = []
        self._looked = self._seen = time.monotonic()
        self._signals: list[str] = []
        self.slots = 0

    def check(self) -> None:
        """Count the workers, and see that they can do the work. Raises :class:`ClusterAway`."""
        try:
            self.slots = sum(self._workers().values())
            found = self._client.run(versions_here, on_error="return") if self.slots else {}
        except Exception as error:
            raise ClusterAway(f"it does not answer ({type(error).__name__})") from error
        if not found:
            raise ClusterAway("it has no workers")
        here = versions_here()
        for worker, there in found.items():
            if isinstance(there, BaseException):
                raise ClusterAway(f"its worker {worker} cannot load UAM ({there})"[:300])
            other = [
                f"{k} {there.get(k)} instead of {v}" for k, v in here.items() if there.get(k) != v
            ]
            if other:
                raise ClusterAway(f"its worker {worker} has {', '.join(other)}")

    def send(self, material: Material, timeout_s: float) -> None:
        """Give the material to every worker, once for all fits. Raises :class:`ClusterAway`."""
        self._material = material
        self._sendings += 1
        if self._sendings > MOST_SENDINGS:
            raise ClusterAway("its workers were lost again and again")
        try:
            self._parcel = self._client.scatter(
                Parcel(bare(material)), broadcast=True, hash=False, timeout=timeout_s
            )
        except Exception as error:
            raise ClusterAway(f"it did not take the table ({type(error).__name__})") from error

    def begin(
        self, work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], allowed_s: float
    ) -> Underway:
        """Have ``work(parcel, clock, *a)`` done for each ``a``, each in ``allowed_s`` seconds."""
        signal = f"uam-{uuid.uuid4().hex}"
        underway = Underway(work, arguments, allowed_s, signal, threading.Event())
        self._underway.append(underway)
        self._start(underway)
        return underway

    def wait(
        self,
        underway: Underway,
        expired: Callable[[], bool],
        stop: Callable[[], bool],
        idle: Callable[[], None] = lambda: None,
    ) -> list[Any]:
        """What the fits returned, in order. When they have ``expired`` they are told to end, and
        all that is under way when it is to ``stop``; ``idle`` is called now and then.

        Raises what the work raised, ``OutOfTime`` when they do not come to an end,
        :class:`FitLost`, and :class:`ClusterAway`.
        """
        told = time.monotonic()
        while True:
            while not underway.done.wait(POLL_S):
                now = time.monotonic()
                if now - told > TELL_S:
                    told = now
                    idle()
                self._look()
                if stop():
                    for each in self._underway:
                        self._tell(each)
                elif expired():
                    self._tell(underway)
                if underway.told is not None and now - underway.told > GRACE_S:
                    self._underway.remove(underway)
                    raise OutOfTime
            results = self._results(underway)
            if results is not None:
                self._underway.remove(underway)
                return results

    def close(self) -> None:
        """Let the cluster go; nobody waits for one that does not answer."""

        def leave() -> None:
            with suppress(Exception):
                for name in self._signals:
                    self._ask("event_clear", name=name)
            with suppress(Exception):
                self._client.close(timeout=1)

        leaving = threading.Thread(target=leave, name="cluster-leave", daemon=True)
        leaving.start()
        leaving.join(GRACE_S)

    def _start(self, underway: Underway) -> None:
        parcel, client = self._parcel, self._client
        underway.done.clear()

        def work() -> None:
            try:
                from app.analysis.automl.compute.backend import TellingBackend

                with parallel_config(backend=TellingBackend(client=client), n_jobs=-1):
                    underway.outcome = Parallel(batch_size=1, pre_dispatch="all")(
                        delayed(perform)(
                            parcel, underway.work, each, underway.allowed_s, underway.signal
                        )
                        for each in underway.arguments
                    )
            except BaseException as error:
                underway.outcome = error
            underway.done.set()

        threading.Thread(target=work, name="cluster-fits", daemon=True).start()

    def _results(self, underway: Underway) -> list[Any] | None:
        """The results; ``None`` when the fits had to be begun again."""
        outcome = underway.outcome
        if not isinstance(outcome, BaseException):
            failures = [one.error for one in outcome if isinstance(one, Failed)]
            if not failures:
                return list(outcome)
            self._underway.remove(underway)
            if any(isinstance(error, MemoryError) for error in failures):
                raise FitLost from failures[0]
            raise failures[0]
        if type(outcome).__name__ == "KilledWorker":
            self._underway.remove(underway)
            raise FitLost from outcome
        # The cluster itself: the scheduler was lost, or every worker that had the material.
        self._await_workers()
        assert self._material is not None
        self.send(self._material, LOST_S)
        self._start(underway)
        return None

    def _await_workers(self) -> None:
        """Return once there is a worker. Raises :class:`ClusterAway` when none comes."""
        self._looked = 0.0
        while not self._look():
            time.sleep(LOOK_S)

    def _look(self) -> bool:
        """Whether the cluster was there at the last look. Raises :class:`ClusterAway`."""
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            there, patience = False, MUTE_S
            if self._client.status == "running":
                with suppress(Exception):
                    there, patience = bool(self._workers()), LOST_S
            self._looked = time.monotonic()
            if there:
                self._seen = self._looked
            elif self._client.status == "closed" or self._looked - self._seen > patience:
                raise ClusterAway("its scheduler or all its workers are gone")
        return self._seen >= self._looked

    def _tell(self, underway: Underway) -> None:
        if underway.told is None:
            underway.told = time.monotonic()
            self._signals.append(underway.signal)
            with suppress(Exception):
                self._ask("event_set", name=underway.signal)

    def _workers(self) -> dict[str, int]:
        """Threads by worker."""
        return dict(self._ask("ncores"))

    def _ask(self, question: str, **given: Any) -> Any:
        ask = getattr(self._client.scheduler, question)
        return self._client.sync(ask, **given, callback_timeout=ANSWER_S)
