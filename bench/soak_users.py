"""Those who use UAM during a soak: some start runs, one only looks."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from tests.api.server import Server
from tests.api.world import ENDED, EXAMPLE_CSV, World, register
from tests.faults.runs import OPTIONS

USERS = 6
RUNS_AT_ONCE = 3
PATIENCE_S = 120.0
LOOK_EVERY_S = 0.5
# Every so many runs one is cancelled, and of one the dataset is deleted.
CANCEL_EVERY = 10
DELETE_EVERY = 15
TOLERATED = 0.01


def insist(send: Callable[[], httpx.Response]) -> httpx.Response:
    """The first answer that is none of an outage, as a patient client gets it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = send()
            if answer.status_code not in {502, 503, 507}:
                return answer
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError("no answer for two minutes")
        time.sleep(0.5)


class Starter:
    """Six users who upload a table and start a run in turn, and insist until it is accepted."""

    def __init__(self, server: Server, seed: int) -> None:
        self._users = [register(server, name=f"Soak {number}") for number in range(USERS)]
        self._random = random.Random(seed + 1)
        self._started = 0
        self.run_ids: list[str] = []
        self._twice: list[str] = []

    def start_one(self) -> None:
        """One run more; some are cancelled or deleted soon after."""
        user = self._users[self._started % USERS]
        self._started += 1
        dataset_id = self._upload(user)
        run_id = self._start(user, dataset_id)
        if self._started % DELETE_EVERY == 0:
            time.sleep(self._random.uniform(0, 5))
            insist(lambda: user.api.delete(f"/datasets/{dataset_id}"))
            return
        self.run_ids.append(run_id)
        if self._started % CANCEL_EVERY == 0:
            time.sleep(self._random.uniform(0, 5))
            insist(lambda: user.api.post(f"/runs/{run_id}/cancel"))

    def _upload(self, user: World) -> str:
        files = {"file": ("soak.csv", EXAMPLE_CSV)}
        answer = insist(lambda: user.api.post("/datasets/upload", files=files))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["dataset_id"])

    def _start(self, user: World, dataset_id: str) -> str:
        """Start it under a key, and again under the same: it is one run."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        body = {"dataset_id": dataset_id, "options": OPTIONS}
        while True:
            answer = insist(lambda: user.api.post("/runs/start", json=body, headers=key))
            if answer.status_code != 429:
                break
            time.sleep(1)
        assert answer.status_code == 202, answer.text
        run_id = str(answer.json()["run_id"])
        again = insist(lambda: user.api.post("/runs/start", json=body, headers=key))
        if again.status_code != 202 or again.json()["run_id"] != run_id:
            self._twice.append(f"I4: a key gave {run_id} and then {again.text}")
        return run_id

    def differences(self) -> list[str]:
        """Where what the users see now is not what they are to see."""
        found = list(self._twice)
        for user in self._users:
            runs = insist(lambda user=user: user.api.get("/runs?limit=500")).json()
            found += [f"I1: a user sees {run}" for run in runs if run["status"] not in ENDED]
        return found


class Bystander:
    """A user who only looks at what nobody touches, and counts the answers."""

    def __init__(self, server: Server) -> None:
        self._user = register(server, name="Bystander")
        self.answers: Counter[str] = Counter()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look in the block, twice a second."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(LOOK_EVERY_S):
                try:
                    answer = self._user.api.get("/projects")
                    self.answers[str(answer.status_code)] += 1
                except httpx.TransportError:
                    # The only API of this installation was just killed.
                    self.answers["none"] += 1

        looker = threading.Thread(target=look, daemon=True)
        looker.start()
        try:
            yield
        finally:
            ended.set()
            looker.join()

    def complaints(self) -> list[str]:
        """I5: of the answers that came, hardly one was an error."""
        came = sum(count for status, count in self.answers.items() if status != "none")
        wrong = came - self.answers["200"]
        if came and wrong / came <= TOLERATED:
            return []
        return [f"I5: {wrong} of {came} answers were errors"]
