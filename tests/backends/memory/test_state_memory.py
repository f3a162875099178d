"""MemoryState: the conformance suite, also with a tiny history, and what is its own."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import AlreadyExistsError, InvalidBookmarkError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.state.contract import State
from talos_resources.testing.conformance import Can, StateConformance
from talos_resources.testing.conformance.parts import PATHS, brief, path, take, told


class TestMemory(StateConformance):
    can = Can(threads=6, writes=100)

    @pytest.fixture
    def state(self) -> Iterator[State]:
        with closing(MemoryState(capacity=100_000)) as state:
            yield state


class TestTinyHistory(StateConformance):
    can = Can(history=10, gap=2)

    @pytest.fixture
    def state(self) -> Iterator[State]:
        with closing(MemoryState(capacity=10, gap=2)) as state:
            yield state


class TestDefaultHistory(StateConformance):
    can = Can(history=100, gap=5)

    @pytest.fixture
    def state(self) -> Iterator[State]:
        with closing(MemoryState()) as state:
            yield state


def _bookmarks(state: MemoryState) -> list[bytes]:
    with state.watch_kind(PATHS) as events:
        now = state.create(path("a"))
        state.update(now.with_labels(l="1"))
        state.destroy(PATHS, "a")
        return [event.bookmark or b"" for event in take(events, 4)]


def test_a_bookmark_is_a_cookie_and_a_position() -> None:
    bookmarks = _bookmarks(MemoryState())
    assert [bookmark[8:] for bookmark in bookmarks] == [n.to_bytes(8, "big", signed=True) for n in (-1, 0, 1, 2)]
    assert len({bookmark[:8] for bookmark in bookmarks}) == 1


def test_bookmarks_of_another_store_are_refused() -> None:
    other, state = MemoryState(), MemoryState()
    theirs, _ = _bookmarks(other), _bookmarks(state)
    with pytest.raises(InvalidBookmarkError, match="another store"):
        state.watch_kind(PATHS, start_from_bookmark=theirs[1])


def test_values_are_handed_out_as_they_are_stored() -> None:
    state = MemoryState()
    spec = KubeSpanPeerStatus(label="x")
    stored = state.create(Resource.new(spec, id="a"))
    assert stored.spec is spec
    assert state.get(KubeSpanPeerStatus, "a") is stored
    assert state.list(KubeSpanPeerStatus)[0] is stored
    assert state.list(KubeSpanPeerStatus) is state.list(KubeSpanPeerStatus)
    with state.watch_kind(KubeSpanPeerStatus) as events:
        assert events.next(0).resource is stored  # type: ignore[union-attr]


def test_the_clock_is_given() -> None:
    ticks = itertools.count(1)
    state = MemoryState(clock=lambda: Timestamp.from_seconds(next(ticks)))
    first = state.create(path("a"))
    second = state.update(first.with_labels(l="1"))
    assert (first.metadata.created.seconds, first.metadata.updated) == (1, first.metadata.created)
    assert (second.metadata.created.seconds, second.metadata.updated.seconds) == (1, 2)


def test_a_thousand_watchers_cost_no_copy() -> None:
    state = MemoryState()
    for n in range(1000):
        state.create(path(f"{n:04}"))
    held = sys.getrefcount(state.get(PATHS, "0500"))
    watches: list[Any] = [state.watch_kind(PATHS) for _ in range(1000)]
    assert sys.getrefcount(state.get(PATHS, "0500")) - held < 10
    state.create(path("new"))
    assert brief(watches[0].next(0)) == "+00001"
    last = [take(watch, 1002)[-1] for watch in watches[1:]]
    assert all(event is last[0] for event in last), "the very event is told to all"


def test_restore_keeps_versions_and_tells_nobody() -> None:
    state = MemoryState()
    given = path("b", labels={"l": "1"}).with_metadata(version=7, created=Timestamp.from_seconds(1))
    state.restore([given, path("a").with_metadata(version=3)])
    with pytest.raises(AlreadyExistsError):
        state.restore([given])
    assert [resource.version for resource in state.list(PATHS)] == [3, 7]
    assert state.list(PATHS, labels="l=1") == (given,)
    with state.watch_kind(PATHS) as events:
        assert told(events, 3) == ["+a3", "+b7", "Bootstrapped"]
        assert state.update(given.with_labels(l="2")).version == 8


def test_the_past_of_a_kind_that_nobody_followed() -> None:
    state = MemoryState(capacity=4, gap=0)
    now = state.create(path("a"))
    for n in range(3):
        now = state.update(now.with_labels(n=str(n)))
    state.create(path("b"))
    state.destroy(PATHS, "b")
    with state.watch_kind(PATHS, tail_events=2) as late, state.watch_kind(PATHS, tail_events=4) as early:
        assert told(late, 2) == ["+b1", "-b1"]
        assert told(early, 4) == ["~a3", "~a4", "+b1", "-b1"]
        state.create(path("c"))
        assert told(late, 1) == told(early, 1) == ["+c1"]


@pytest.mark.parametrize(("capacity", "gap"), [(0, 0), (5, 6), (5, -1)])
def test_a_history_that_cannot_be(capacity: int, gap: int) -> None:
    with pytest.raises(ValueError, match="capacity"):
        MemoryState(capacity=capacity, gap=gap)


def test_watches_of_a_closed_state_end_at_once() -> None:
    state = MemoryState()
    state.close()
    state.create(path("a"))
    assert [brief(event) for event in state.watch_kind(PATHS)] == ["+a1", "Bootstrapped"]
