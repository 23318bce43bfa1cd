"""Errands are done in order, once a key, and keep nobody waiting."""

import threading

from app.core.errands import Errands


def test_errands_are_done_in_the_order_of_their_coming() -> None:
    errands, done, ended = Errands("test"), [], threading.Event()
    for number in range(5):
        errands.leave(str(number), lambda number=number: done.append(number))
    errands.leave("end", ended.set)
    assert ended.wait(10)
    assert done == [0, 1, 2, 3, 4]


def test_errands_of_one_key_that_wait_are_done_once_and_too_many_are_dropped() -> None:
    errands, done = Errands("test", room=2), []
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()
    errands.leave("first", lambda: (begun.set(), go.wait(10)))
    assert begun.wait(10)
    for _ in range(3):
        errands.leave("same", lambda: done.append("same"))
    errands.leave("last", ended.set)
    errands.leave("one too many", lambda: done.append("one too many"))
    go.set()
    assert ended.wait(10)
    assert done == ["same"]


def test_an_errand_that_fails_holds_up_no_other() -> None:
    errands, ended = Errands("test"), threading.Event()
    errands.leave("fails", lambda: 1 / 0)
    errands.leave("end", ended.set)
    assert ended.wait(10)
