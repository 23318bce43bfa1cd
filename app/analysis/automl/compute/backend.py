"""joblib's Dask backend, made to tell when a task is lost.

As joblib brings it, it waits for ever for a task that the scheduler has given up, and takes a
cancelled one for a result; and it does not ask a cluster of one thread at all.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from joblib._dask import DaskDistributedBackend


class TellingBackend(DaskDistributedBackend):  # type: ignore[misc]
    """Raises in ``Parallel`` what became of a task that ended without a result."""

    def effective_n_jobs(self, n_jobs: int) -> int:
        """The cluster's threads, and never 1, at which joblib would do it all here."""
        return max(2, int(super().effective_n_jobs(n_jobs)))

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> Future[Any]:
        """Send a batch; ``callback`` is called however it ends."""
        future: Future[Any] = super().submit(func, callback)

        def tell(done: Future[Any]) -> None:
            error = done.exception()
            if error is not None and callback is not None:
                callback(error)

        future.add_done_callback(tell)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """The batch's results. Raises what took their place."""
        if isinstance(out, BaseException):
            raise out
        return super().retrieve_result_callback(out)
