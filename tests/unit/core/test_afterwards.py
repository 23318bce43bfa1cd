"""Things done after an answer: in order, all of them, and waited for by who wants to see them."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from app.core.afterwards import Afterwards


def call(things: Sequence[Callable[[], object]]) -> None:
    for thing in things:
        thing()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Held back until it is set."""
    event = threading.Event()
    yield event
    event.set()


def held(gate: threading.Event, room: int = 100) -> Afterwards:
    """One whose thread stands at ``gate``, which takes one place of its room."""
    afterwards, standing = Afterwards("test", room=room, gather_s=0.0), threading.Event()

    def wait(_: object) -> None:
        standing.set()
        gate.wait()

    afterwards.leave("gate", None, wait)
    assert standing.wait(10)
    return afterwards


def test_who_settles_sees_all_that_was_left_before_in_its_order(gate: threading.Event) -> None:
    done: list[int] = []
    afterwards = held(gate)
    for number in range(50):
        afterwards.leave(number, number, done.extend)
    assert done == []
    gate.set()
    afterwards.settle()
    assert done == list(range(50))


def test_what_has_one_key_is_done_together(gate: threading.Event) -> None:
    done: list[list[int]] = []
    afterwards = held(gate)
    for number in range(6):
        afterwards.leave(number % 2, number, done.append)
    gate.set()
    afterwards.settle()
    assert done == [[0, 2, 4], [1, 3, 5]]


def test_what_comes_within_a_moment_is_gathered_and_who_settles_does_not_wait_for_that() -> None:
    done: list[list[int]] = []
    afterwards = Afterwards("test", gather_s=3600.0)
    for number in range(3):
        afterwards.leave("key", number, done.append)
    afterwards.settle()
    assert [number for group in done for number in group] == [0, 1, 2]
    afterwards.leave("key", 3, done.append)
    afterwards.close()
    assert done[-1] == [3]


def test_where_too_much_waits_the_caller_does_it(gate: threading.Event) -> None:
    by: list[str] = []
    afterwards = held(gate, room=2)
    for _ in range(3):
        afterwards.leave("key", lambda: by.append(threading.current_thread().name), call)
    assert by == [threading.current_thread().name] * 2
    gate.set()
    afterwards.settle()
    assert by[2:] == ["test"]


def test_an_error_is_told_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    afterwards = Afterwards("test")

    def fail(_: object) -> None:
        raise OSError("no disk")

    with caplog.at_level(logging.WARNING):
        afterwards.leave("bad", 0, fail)
        afterwards.leave("good", 1, done.extend)
        afterwards.settle()
    assert done == [1]
    assert "OSError: no disk" in caplog.text


def test_closing_does_what_waits_and_later_things_are_done_at_once(gate: threading.Event) -> None:
    done: list[str] = []
    afterwards = held(gate)
    afterwards.leave("key", "waited", done.extend)
    threading.Timer(0.05, gate.set).start()
    afterwards.close()
    afterwards.leave("key", "late", done.extend)
    afterwards.settle()
    assert done == ["waited", "late"]
