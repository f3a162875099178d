"""When a node counts as recorded: not while nobody did, and not before it has told all."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import attrs
import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConnectError, TalosResourcesError, WatchOverrunError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Member
from talos_resources.sources.following import Note
from talos_resources.testing.cluster import TalosCluster
from talos_resources.testing.conformance.parts import PATIENCE
from tests.sources.test_recording import peer, recording, wait_for


def test_one_that_was_killed_is_not_at_work_when_there_is_a_later_one(target: SqliteState) -> None:
    """In between nobody recorded, once it would have written again."""
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


def test_a_recorder_that_begins_makes_no_gap_in_what_another_one_records(target: SqliteState) -> None:
    """Between two heartbeats of the first nothing in the file says yet that it was there when the second began."""
    held, second = target.of_node("one"), 10**9
    begin = time.time_ns()
    first = Period(Timestamp(begin), Timestamp(begin + 10 * second), is_open=True)
    later = Period(Timestamp(begin + 11 * second), Timestamp(begin + 11 * second), is_open=True)
    held.keep_period(first)
    held.keep_period(later)
    now = Timestamp(begin + 12 * second)
    assert held.periods(now=now) == [attrs.evolve(first, ended=now)]
    # It says that it ended: then it does not count as being there.
    held.keep_period(attrs.evolve(first, is_open=False))
    assert held.periods(now=now) == [attrs.evolve(first, is_open=False), attrs.evolve(later, ended=now)]


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


NEVER = Timestamp(0)
"""A file that no recorder has written reaches to the moment of asking; others to where it was written last."""


class Overrun(MemoryState):
    """A state whose watches lose events, or were deaf for a while, once they break."""

    def __init__(self, reason: TalosResourcesError) -> None:
        super().__init__()
        self.breaks = threading.Event()
        self.reason = reason

    def watch_kind(self, kind: Any, **options: Any) -> Any:
        return OverrunWatch(self, super().watch_kind(kind, **options))


class OverrunWatch(BrokenWatch):
    """A watch of such a state; the next one does not break."""

    def __init__(self, state: Overrun, watch: Any) -> None:
        self._breaks, self._watch, self._began_broken = state.breaks, watch, state.breaks.is_set()
        self._reason = state.reason

    def close(self) -> None:
        self._watch.close()

    def next_batch(self) -> Any:
        while True:
            if self._breaks.is_set() and not self._began_broken:
                self._watch.close()
                raise self._reason
            with contextlib.suppress(TimeoutError):
                return self._watch.next_batch(0.05)


@pytest.mark.parametrize(
    "reason",
    [WatchOverrunError("buffer overrun: you are behind", bookmark=None), ConnectError("it fell silent", silent=True)],
    ids=["overrun", "silent"],
)
def test_what_a_slow_or_deaf_watch_missed_is_in_a_gap(target: SqliteState, reason: TalosResourcesError) -> None:
    """Nobody knows when it was: it is not known from the last that came on, also where it is written that it was heard."""
    node = Overrun(reason)
    node.create(peer("a"))

    def periods() -> list[Period]:
        return list(target.of_node("one").periods(now=NEVER))

    with recording({"one": node}, target, types=["kubespanpeerstatuses"]):
        wait_until(lambda: [period.ended > NEVER for period in periods()] == [True])
        known = periods()[0].ended
        wait_until(lambda: [period.ended > known for period in periods()] == [True])
        node.breaks.set()
        wait_until(lambda: len(periods()) == 2)
        assert periods()[0].ended <= known
        assert periods()[1].began > known


def test_what_a_node_did_before_it_went_away_is_in_a_gap(target: SqliteState, talos_cluster: Callable[..., TalosCluster]) -> None:
    cluster = talos_cluster(nodes=2)

    def periods(node: str) -> list[Period]:
        return list(target.of_node(node).periods(now=NEVER))

    with cluster.connect_all() as nodes, recording({name: nodes.state(name) for name in cluster.nodes}, target):
        for name in cluster.nodes:
            wait_until(lambda name=name: [period.ended > NEVER for period in periods(name)] == [True])  # type: ignore[misc]
        known = periods("controlplane-2")[0].ended
        wait_until(lambda: periods("controlplane-2")[0].ended > known)
        off = cluster.inject("off", "controlplane-2")
        wait_until(lambda: not periods("controlplane-2")[0].is_open)
        assert periods("controlplane-2")[0].ended > known  # it may go on where it was
        cluster.heal(off)
        wait_until(lambda: len(periods("controlplane-2")) == 2)
        assert periods("controlplane-2")[0].ended <= known
        assert len(periods("controlplane-1")) == 1
