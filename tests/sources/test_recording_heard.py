"""When a node counts as recorded: not while nobody did, and not before it has told all."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConnectError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Member
from talos_resources.sources.following import Note
from talos_resources.testing.conformance.parts import PATIENCE
from tests.sources.test_recording import peer, recording, wait_for


def test_one_that_was_killed_is_not_at_work_when_there_is_a_later_one(target: SqliteState) -> None:
    """However soon after its death somebody asks: in between nobody recorded."""
    held, second = target.of_node("one"), 10**9
    begin = time.time_ns()
    killed = Period(Timestamp(begin), Timestamp(begin + second), is_open=True)
    after = Period(Timestamp(begin + 3 * second), Timestamp(begin + 4 * second), is_open=True)
    held.keep_period(killed)
    now = Timestamp(begin + 5 * second)
    assert held.periods(now=now) == [attrs.evolve(killed, ended=now)]
    held.keep_period(after)
    assert held.periods(now=now) == [attrs.evolve(killed, is_open=False), attrs.evolve(after, ended=now)]
    # Of two at work at the same time the one that goes on counts.
    held.keep_period(attrs.evolve(after, began=Timestamp(after.began + 1), is_open=False))
    assert held.periods(now=now)[1:] == [attrs.evolve(after, ended=now)]


class Broken(MemoryState):
    """A state whose watches break together, after which some tell nothing until they may."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks = threading.Event()
        self.may_tell = threading.Event()

    def watch_kind(self, kind: Any, **options: Any) -> Any:
        watch = super().watch_kind(kind, **options)
        return BrokenWatch(self, watch, is_slow=self.breaks.is_set() and kind.type == "Members.cluster.talos.dev")


class BrokenWatch:
    """A watch of such a state."""

    def __init__(self, state: Broken, watch: Any, *, is_slow: bool) -> None:
        self._state, self._watch, self._is_slow, self._began_broken = state, watch, is_slow, state.breaks.is_set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.close()

    def close(self) -> None:
        self._state.may_tell.set()
        self._watch.close()

    def next_batch(self) -> Any:
        while True:
            if self._is_slow:
                assert self._state.may_tell.wait(PATIENCE)
            if self._state.breaks.is_set() and not self._began_broken:
                self._watch.close()
                raise ConnectError("it hung up")
            with contextlib.suppress(TimeoutError):
                return self._watch.next_batch(0.05)


def test_a_node_that_comes_back_is_heard_when_it_has_told_all_of_every_kind_again(target: SqliteState) -> None:
    node, notes = Broken(), queue.SimpleQueue[Note]()
    node.create(Resource.new(Member(hostname="a"), id="a"))
    node.create(peer("a"))

    def periods() -> list[Period]:
        return list(target.of_node("one").periods(now=Timestamp(time.time_ns())))

    with recording({"one": node}, target, types=["members", "kubespanpeerstatuses"], on_note=notes.put):
        wait_until(lambda: [period.is_open for period in periods()] == [True])
        node.breaks.set()
        assert notes.get(timeout=PATIENCE).is_error
        assert not notes.get(timeout=PATIENCE).is_error, "all watches go on, one has told nothing yet"
        wait_until(lambda: [period.is_open for period in periods()] == [False])
        node.create(peer("b"))
        wait_for(target, "one", "b", 1)
        assert len(periods()) == 1
        told = Timestamp(time.time_ns())
        node.may_tell.set()
        wait_until(lambda: len(periods()) == 2)
    assert periods()[1].began > told


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
