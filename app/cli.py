"""The ``uam`` command: thin, each command one call.

Nothing heavy is imported here: a command's own module is imported when the command is called.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.core.loading import loading

app = typer.Typer(
    name="uam",
    help="Hand it a table, get an analyst's work back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
admin = typer.Typer(help="Make administrators.", no_args_is_help=True)
app.add_typer(admin, name="admin")


class TableFormat(StrEnum):
    """What ``uam convert`` writes."""

    csv = "csv"
    parquet = "parquet"


Data = Annotated[
    Path,
    typer.Argument(metavar="DATA", exists=True, dir_okay=False, help="A table in any format."),
]
OutDirectory = Annotated[
    Path, typer.Option("--out", file_okay=False, help="Directory to write to; made if need be.")
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    home: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Stages at once.")] = None,
) -> None:
    """Run API, worker and beat; embed the servers that the settings do not name."""
    from app.commands.serving import serve

    serve(host, port, home, workers)


@app.command()
def api(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
) -> None:
    """Run the HTTP API alone."""
    with loading():
        from app.commands.parts import run_api
    run_api(host, port, workers)


@app.command()
def worker(
    slots: Annotated[int | None, typer.Option(min=1, max=64, help="Stages at once.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say how workers here are.")] = False,
) -> None:
    """Run a worker alone; or, with --check, exit 0 if those that run here are well."""
    with loading():
        from app.commands.parts import check_worker, run_worker
    if check:
        check_worker()
    else:
        run_worker(slots)


@app.command()
def beat() -> None:
    """Run the beat alone: it sends lost runs again and sweeps what is left over."""
    with loading():
        from app.commands.parts import run_beat
    run_beat()


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema, and make the bucket."""
    from app.commands.installation import prepare

    prepare()


@admin.command("create")
def create_admin(email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """Make an administrator of an account, or a new account that is one."""
    from app.commands.installation import create_admin

    create_admin(email)


@app.command()
def convert(
    data: Annotated[list[Path], typer.Argument(metavar="DATA...", help="Files and folders.")],
    out: OutDirectory,
    to: Annotated[TableFormat, typer.Option(help="What to write.")] = TableFormat.csv,
) -> None:
    """Write tables as UAM reads them, with NAME.schema.json beside each."""
    from app.commands.convert import convert

    convert(data, out, to.value)


@app.command()
def profile(
    data: Data,
    out: OutDirectory,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA", exists=True, dir_okay=False, help="An earlier table to compare it with."
        ),
    ] = None,
    memory: Annotated[
        int,
        typer.Option(
            metavar="MB",
            min=0,
            envvar="UAM_CHILD_MEMORY_MB",
            help="Memory to work in; 0: a share of the machine's.",
        ),
    ] = 0,
) -> None:
    """Profile a table: profile.json and profile.html; against another, what changed."""
    from app.commands.profile import profile

    profile(data, out, against, memory)


@app.command()
def train(
    data: Data,
    target: Annotated[str, typer.Option(help="The column to predict.")],
    out: OutDirectory,
    task: Annotated[
        str, typer.Option(help="auto, binary, multiclass, regression or forecast.")
    ] = "auto",
    metric: Annotated[str | None, typer.Option(help="The figure to be best in.")] = None,
    time_budget: Annotated[float, typer.Option(metavar="S", help="Seconds, all in all.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processors to use; all.")] = None,
    time_column: Annotated[
        str | None, typer.Option(help="The column of times: a forecast runs along it.")
    ] = None,
    horizon: Annotated[int | None, typer.Option(help="Of a forecast: steps to foretell.")] = None,
    series_column: Annotated[
        str | None, typer.Option(help="Of a forecast: the column that names the series.")
    ] = None,
    known_ahead: Annotated[
        list[str] | None, typer.Option(help="Of a forecast: a column known in advance; repeatable.")
    ] = None,
) -> None:
    """Train on a table: model.joblib, leaderboard.json, report.html, report.pdf."""
    from app.commands.train import train

    options = {"target": target, "task": task, "metric": metric, "seed": seed}
    along: dict[str, object] = {
        "time_column": time_column,
        "horizon": horizon,
        "series_column": series_column,
    }
    along["known_ahead"] = known_ahead or None
    given = {name: value for name, value in along.items() if value is not None}
    train(data, out, {**options, **given, "time_budget_s": time_budget}, jobs)


@app.command()
def predict(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", exists=True, dir_okay=False, help="A model.joblib."),
    ],
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="CSV file to write.")],
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]", exists=True, dir_okay=False, help="A table in any format."
        ),
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add probability_CLASS columns.")] = False,
    horizon: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Of a forecast, without DATA: the next steps of every series."
        ),
    ] = None,
) -> None:
    """Predict a table by a model: one row out for each row in, in the same order."""
    from app.commands.predict import predict

    predict(model, data, horizon, out, proba)


@app.command()
def ask(
    data: Data,
    question: Annotated[str | None, typer.Argument(metavar="[QUESTION]")] = None,
    questions: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A file with one question a line."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", dir_okay=False, help="JSONL file to write.")
    ] = None,
) -> None:
    """Answer one question about a table, or every line of a file: one JSON object a line."""
    from app.commands.ask import ask

    ask(data, question, questions, out)


def main() -> None:
    """Run the command line; exits 0 when done, 1 when the work failed, 2 for wrong usage."""
    from app.commands.failures import WorkFailed, WrongUsage

    try:
        app()
    except WorkFailed as error:
        _fail(str(error), 1)
    except WrongUsage as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("interrupted", 130)


def _fail(message: str, status: int) -> None:
    print(f"uam: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
