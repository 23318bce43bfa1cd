"""The main job on the example data, through UAM's real API, queue and worker.

It starts ``uam serve``, registers, uploads ``flights.csv``, trains within a budget, and brings home
charts, reports and a model, two predictions with reasons and the answer to one question.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from demo_client import ApiError, Client
from demo_server import DemoServer, ServerFailed
from demo_view import RunView, console, show_answer, show_leaderboard, show_prediction

HERE = Path(__file__).resolve().parent
DATA = HERE / "flights.csv"
TARGET = "arrived_late"
NOT_KNOWN_BEFORE_BOARDING = ["departure_delay_minutes"]
QUESTION = "What is the average departure_delay_minutes by airline?"


class RunFailed(RuntimeError):
    """The run did not end ``COMPLETED``; the message is its error."""


def arguments() -> argparse.Namespace:
    """The command line: ``--budget`` seconds, ``--out`` folder, ``--home`` of the server."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    budget = os.environ.get("UAM_DEMO_BUDGET", "25")
    parser.add_argument("--budget", type=int, default=int(budget), help="seconds of training")
    parser.add_argument("--out", type=Path, default=HERE.parent / "demo-output")
    parser.add_argument("--home", type=Path, help="keep the server's data here (default: nowhere)")
    return parser.parse_args()


@contextmanager
def server_home(named: Path | None) -> Iterator[Path]:
    """The folder of the server's data: the named one, or one that is gone afterwards."""
    if named is not None:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="uam-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def upload(client: Client) -> str:
    """Upload the example; returns the dataset's id."""
    answer = client.upload(DATA)
    dataset_id = str(answer["dataset_id"])
    console.print(f"uploaded {DATA.name}: {answer['rows']:,} rows × {answer['cols']} columns")
    types = {column["name"]: column["type"] for column in answer["preview"]["columns"]}
    console.print("types: " + ", ".join(f"{name} {kind}" for name, kind in types.items()))
    return dataset_id


def run(client: Client, dataset_id: str, budget: int) -> str:
    """Start the run and watch it end; returns its id. Raises :class:`RunFailed`."""
    options = {"target": TARGET, "ignore": NOT_KNOWN_BEFORE_BOARDING, "time_budget_s": budget}
    body = {"dataset_id": dataset_id, "options": options}
    run_id = str(client.call("POST", "/runs/start", json=body)["run_id"])
    with RunView() as view:
        for event in client.events(run_id):
            view.show(event)
    status = client.call("GET", f"/runs/{run_id}/status")
    if status["status"] != "COMPLETED":
        raise RunFailed(f"the run ended {status['status']}: {status['error']}")
    return run_id


def bring_home(client: Client, run_id: str, out: Path) -> dict[str, Path]:
    """Download charts, reports and the model; returns the paths to tell."""
    folders = {"chart": out / "charts", "report": out, "pdf": out, "model": out}
    for artifact in client.call("GET", f"/runs/{run_id}/artifacts", params={"limit": 500}):
        if folder := folders.get(artifact["type"]):
            client.download(artifact["download_url"], folder / Path(artifact["filename"]).name)
    paths = {"report": out / "report.pdf", "charts": out / "charts", "model": out / "model.joblib"}
    if missing := [str(path) for path in paths.values() if not path.exists()]:
        raise RunFailed(f"the run brought no {', '.join(missing)}")
    return paths


def predict(client: Client, run_id: str, dataset_id: str) -> None:
    """Ask the model about two flights of the example, one that was late and one that was not."""
    models = client.call("GET", "/models")
    model_id = next(model["id"] for model in models if model["run_id"] == run_id)
    preview = client.call("GET", f"/datasets/{dataset_id}/preview", params={"rows": 50})
    seen = [row for row in preview["first_rows"] if row[TARGET] is not None]
    first = seen[0]
    other = next((row for row in seen if row[TARGET] != first[TARGET]), seen[1])
    for row in (first, other):
        hidden = {TARGET, *NOT_KNOWN_BEFORE_BOARDING}
        asked = {name: value for name, value in row.items() if name not in hidden}
        body = {"rows": [asked], "explain": True}
        answer = client.call("POST", f"/models/{model_id}/predict", json=body)
        show_prediction(asked, row[TARGET], answer["predictions"][0])


def job(client: Client, budget: int, out: Path) -> dict[str, Path]:
    """The whole job of a signed-in user; returns what to tell at the end."""
    client.register("Demo", "demo@example.org", secrets.token_urlsafe(16))
    dataset_id = upload(client)
    run_id = run(client, dataset_id, budget)
    show_leaderboard(client.call("GET", f"/runs/{run_id}/leaderboard"))
    paths = bring_home(client, run_id, out)
    predict(client, run_id, dataset_id)
    question: dict[str, Any] = {"dataset_id": dataset_id, "question": QUESTION}
    show_answer(client.call("POST", "/nlq", json=question))
    return paths


def main() -> int:
    """Run the demo; returns the exit code."""
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped too
    started = time.monotonic()
    with server_home(options.home) as home:
        server = DemoServer(home)
        try:
            with server, Client(server.url) as client:
                ready = time.monotonic() - started
                console.print(f"server ready at {server.url} after {ready:.1f} s")
                paths = job(client, options.budget, options.out)
        except (ApiError, RunFailed, ServerFailed, httpx.HTTPError) as error:
            print(f"demo: {error}", file=sys.stderr)
            print("the server's last lines:", *server.log_tail(), sep="\n  ", file=sys.stderr)
            return 1
    # Plain lines whatever the terminal: scripts read these.
    for name, path in paths.items():
        print(f"{name}: {path}")
    print(f"done in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
