"""The API in several processes: gunicorn as the parent of uvicorn's workers."""

from __future__ import annotations

import warnings
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from app.commands.parts import GRACEFUL_S
from app.core.metric_files import reserve
from app.core.titles import set_title

with warnings.catch_warnings():
    # It moved to a package of its own; uvicorn still ships this one.
    warnings.simplefilter("ignore", DeprecationWarning)
    from uvicorn.workers import UvicornWorker


class Worker(UvicornWorker):
    """A uvicorn worker with the settings of ``uam api``."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - as the parent declares it
        "loop": "auto",
        "http": "auto",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": GRACEFUL_S,
    }


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        reserve()
        from app.main import make_app

        return make_app()


def _name(_part: Any) -> None:
    set_title("uam api")


def serve(host: str, port: int, workers: int) -> None:
    """Answer HTTP in ``workers`` processes until SIGTERM."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = {
        "bind": address,
        "workers": workers,
        "worker_class": Worker,
        "graceful_timeout": GRACEFUL_S,
        "timeout": 120,
        "when_ready": _name,
        "post_worker_init": _name,
        "accesslog": None,
        # It would be one socket in the home directory for all that run here.
        "control_socket_disable": True,
    }
    _Server(options).run()
