"""``uam api``, ``uam worker`` and ``uam beat``: the parts one by one."""

from __future__ import annotations

import os

from app.commands.failures import WorkFailed, WrongUsage
from app.commands.installation import settings_or_exit
from app.commands.serving import fresh_metrics
from app.config import ConfigurationError
from app.core.loading import loading
from app.core.metric_files import reserve
from app.core.scratch import own_directory
from app.core.titles import set_title

# Streams of events never end by themselves: they get this long to be told.
GRACEFUL_S = 4


def run_api(host: str, port: int, workers: int) -> None:
    """Answer HTTP until SIGTERM; with more than one process under gunicorn."""
    set_title("uam api")
    settings_or_exit()
    if workers > 1:
        # Read by the metrics' library when it is first imported: any process answers for all.
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(fresh_metrics(own_directory())))
        from app.commands.gunicorn_server import serve

        serve(host, port, workers)
        return
    reserve()
    with loading():
        import uvicorn

        from app.main import make_app
    try:
        app = make_app()
    except ConfigurationError as error:
        raise WrongUsage(f"configuration: {error}") from None
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # A forwarded address can be forged: limits count by that of the connection.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_S,
    )


def run_worker(slots: int | None) -> None:
    """Work at stages until SIGTERM."""
    set_title("uam worker")
    settings = settings_or_exit()
    if not settings.redis_url:
        raise WrongUsage(
            "configuration: REDIS_URL: a worker needs a broker; `uam serve` brings one"
        )
    reserve()
    with loading():
        from celery.signals import worker_ready

        from app.workers.main import run
    # Celery gives its process a name of its own while it starts.
    worker_ready.connect(lambda **_: set_title("uam worker"), weak=False)
    run(slots or settings.worker_slots)


def check_worker() -> None:
    """Return when every worker of this machine is well. Raises :class:`WorkFailed` if not."""
    from app.workers.canaries import check

    if trouble := check(settings_or_exit()):
        raise WorkFailed(trouble)


def run_beat() -> None:
    """Find what was lost until SIGTERM."""
    set_title("uam beat")
    settings_or_exit()
    reserve()
    with loading():
        from app.workers.beat import run
    run()
