"""The nursery's own process: ``python -I -m app.core.nursery_process SOCKET PARENT``.

It imports what a child is said to need, unless it has it already, and forks. It stays
single-threaded and never sees what users send: only its forks do.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from app.core import sandbox_child
from app.core.loading import loading
from app.core.titles import set_title

REQUEST_BYTES = 64 * 1024
# A child's standard input, output and errors.
STREAMS = 3


def _die_with(parent: int) -> None:
    """End when ``parent`` does, even if it went a moment ago."""
    ctypes.CDLL(None, use_errno=True).prctl(sandbox_child.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


class _Nursery:
    """Forks on request, and reports how each child ended.

    A child is reaped when whoever asked for it lets it go: until then its number is its own.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._tried: set[str] = set()
        self._living: set[int] = set()
        self._let_go: set[int] = set()
        # A child's end wakes the loop.
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Answer until the other side is gone."""
        # Not ``select``: the socket has the number it had in the parent, which may have thousands.
        waiting = selectors.PollSelector()
        waiting.register(self._control, selectors.EVENT_READ)
        waiting.register(self._woken, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in waiting.select()}
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._report_ended()
            if self._control.fileno() in ready:
                content, descriptors, _, _ = socket.recv_fds(self._control, REQUEST_BYTES, STREAMS)
                if not content:
                    return
                self._answer(json.loads(content), descriptors)

    def _import(self, modules: Sequence[str]) -> None:
        new = [module for module in modules if module not in self._tried]
        self._tried.update(new)
        if not new:
            return
        # What is here stays; a collection in a child is not to copy these pages.
        with loading():
            for module in new:
                try:
                    importlib.import_module(module)
                except Exception:
                    # The child that needs it will say what is wrong with it.
                    traceback.print_exc()

    def _answer(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        if "let_go" in request:
            self._let_go.add(request["let_go"])
            self._reap()
            return
        self._import(request["modules"])
        nursery = os.getpid()
        child = os.fork()
        if child == 0:
            self._become_child(nursery, request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._living.add(child)
        self._tell({"child": child})

    def _become_child(
        self, nursery: int, request: Mapping[str, Any], descriptors: Sequence[int]
    ) -> NoReturn:
        status = 1
        try:
            os.setpgid(0, 0)
            _die_with(nursery)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            os.close(self._woken)
            os.close(self._waker)
            for target, descriptor in enumerate(descriptors):
                os.dup2(descriptor, target)
                os.close(descriptor)
            os.environ.clear()
            os.environ.update(request["environment"])
            tempfile.tempdir = None
            sandbox_child.main(request["search_path"])
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            # Handlers of the nursery's own end are not to run here.
            os._exit(status)

    def _report_ended(self) -> None:
        for child in list(self._living):
            ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                self._living.discard(child)
                by_signal = ended.si_code != os.CLD_EXITED
                status = -ended.si_status if by_signal else ended.si_status
                self._tell({"ended": child, "status": status})
        self._reap()

    def _reap(self) -> None:
        for child in self._let_go - self._living:
            self._let_go.discard(child)
            os.waitpid(child, 0)

    def _tell(self, message: Mapping[str, Any]) -> None:
        self._control.send(json.dumps(message).encode())


def main() -> None:
    """Serve until the socket closes."""
    _die_with(int(sys.argv[2]))
    set_title("uam nursery")
    _Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
