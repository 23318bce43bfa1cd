"""How the demo looks: a progress bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

from typing import Any, Self

from demo_client import Event
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)


class RunView:
    """Shows a run's events as they come."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._told: tuple[str, int] | None = None
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=console, transient=True)
            self._task = self._bar.add_task("waiting", total=100)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, event: Event) -> None:
        """Show one event; kinds that the demo does not know are passed over."""
        if event.kind == "log":
            console.print(f"  {event.data.get('message', '')}", markup=False)
        elif event.kind == "status":
            self._show_status(event.data)

    def _show_status(self, data: dict[str, Any]) -> None:
        progress = float(data.get("progress") or 0)
        stage = str(data.get("current_task") or data.get("status") or "")
        if self._bar is not None:
            self._bar.update(self._task, completed=progress, description=stage)
        elif (news := (stage, int(progress // 10))) != self._told:
            self._told = news
            console.print(f"[{progress:3.0f} %] {stage}", markup=False)


def show_leaderboard(board: dict[str, Any]) -> None:
    """Print the leaderboard as a table."""
    table = Table(title=f"{board['task']} of {board['target']}, by {board['metric']}")
    table.add_column("#", justify="right")
    table.add_column("model")
    for heading in (str(board["metric"]), "±", "fit s", "ms/row"):
        table.add_column(heading, justify="right")
    for row in board["rows"]:
        table.add_row(
            str(row["rank"]),
            str(row["name"]),
            _number(row["score"], 4),
            _number(row.get("score_std"), 4),
            _number(row.get("fit_seconds"), 1),
            _number(row.get("predict_ms_per_row"), 3),
        )
    console.print(table)


def show_prediction(asked: dict[str, Any], truth: Any, answer: dict[str, Any]) -> None:
    """Print one prediction beside the truth, with the reasons that weighed most."""
    flight = f"{asked['airline']} {asked['origin']}→{asked['destination']}"
    when = str(asked["scheduled_departure"])[:16].replace("T", " ")
    line = f"{flight}, {when}: late? predicted {answer['prediction']}"
    if probabilities := answer.get("probabilities"):
        line += " (" + ", ".join(f"{k} {v:.0%}" for k, v in probabilities.items()) + ")"
    console.print(f"{line}, in truth {truth}", markup=False)
    if explanation := answer.get("explanation"):
        for reason in explanation["contributions"][:3]:
            name = reason["feature"]
            seen = f" = {asked[name]}" if name in asked else ""
            effect = f"{reason['contribution']:+.3f} to the {explanation['scale']}"
            console.print(f"    {name}{seen}: {effect}", markup=False)


def show_answer(answer: dict[str, Any]) -> None:
    """Print the answer of the question, or that it is not one UAM answers."""
    console.print(f"question: {answer['question']}", markup=False)
    console.print(f"answer: {answer.get('answer') or answer['status']}", markup=False)
    if answer.get("sql"):
        console.print(f"by: {answer['sql']}", markup=False)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
