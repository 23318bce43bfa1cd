"""Things done after an answer: in order, all of them, and waited for by who wants to see them."""

import logging
import threading

import pytest

from app.core.afterwards import Afterwards


def test_who_settles_sees_all_that_was_left_before_in_its_order() -> None:
    done: list[int] = []
    afterwards, gate = Afterwards("test"), threading.Event()
    afterwards.leave(gate.wait)
    for number in range(50):
        afterwards.leave(lambda number=number: done.append(number))
    assert done == []
    gate.set()
    afterwards.settle()
    assert done == list(range(50))


def test_where_too_much_waits_the_caller_does_it() -> None:
    by: list[str] = []
    afterwards, gate = Afterwards("test", room=2), threading.Event()
    afterwards.leave(gate.wait)
    for _ in range(3):
        afterwards.leave(lambda: by.append(threading.current_thread().name))
    assert by == [threading.current_thread().name] * 2
    gate.set()
    afterwards.settle()
    assert len(by) == 3
    assert by[2].startswith("test")


def test_an_error_is_told_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done, afterwards = [], Afterwards("test")

    def fail() -> None:
        raise OSError("no disk")

    with caplog.at_level(logging.WARNING):
        afterwards.leave(fail)
        afterwards.leave(lambda: done.append(1))
        afterwards.settle()
    assert done == [1]
    assert "OSError: no disk" in caplog.text


def test_closing_does_what_waits_and_later_things_are_done_at_once() -> None:
    done: list[str] = []
    afterwards, gate = Afterwards("test"), threading.Event()
    afterwards.leave(gate.wait)
    afterwards.leave(lambda: done.append("waited"))
    threading.Timer(0.05, gate.set).start()
    afterwards.close()
    afterwards.leave(lambda: done.append("late"))
    afterwards.settle()
    assert done == ["waited", "late"]
