"""No thread ends in silence: whatever a node does to it, who waits is told, and it is tried again."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.nodes import _batches
from talos_resources.model.resource import Resource
from talos_resources.resources import Member
from talos_resources.runtime.scheduler import RealTime
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.following import Follower
from talos_resources.sources.poll import Poll

PATIENCE = 60.0


class Odd(MemoryState):
    """A state that fails as none should, until it is mended."""

    broken = True

    def _fail(self) -> None:
        if self.broken:
            raise ValueError("an id that is no UTF-8")

    def list(self, *arguments: Any, **options: Any) -> Any:
        """As usual, once it is mended."""
        self._fail()
        return super().list(*arguments, **options)

    def watch_kind(self, *arguments: Any, **options: Any) -> Any:
        """As usual, once it is mended."""
        self._fail()
        return super().watch_kind(*arguments, **options)


def test_a_follower_says_what_it_does_not_follow_and_goes_on() -> None:
    state = Odd()
    notes: queue.SimpleQueue[Any] = queue.SimpleQueue()
    news: queue.SimpleQueue[Any] = queue.SimpleQueue()
    follower = Follower(Cluster({"n": lambda: state}, source="odd"), ["n"], types=["members"], on_news=news.put, on_note=notes.put)
    follower.start()
    try:
        assert "ValueError: an id that is no UTF-8" in notes.get(timeout=PATIENCE).text
        state.broken = False
        state.create(Resource.new(Member(), id="a"))
        while not (batch := news.get(timeout=PATIENCE).events):
            pass
        assert batch
    finally:
        follower.close()


def test_a_poll_says_what_it_cannot_read_and_goes_on() -> None:
    state = Odd()
    poll = Poll(Cluster({"n": lambda: state}, source="odd"), ["n"], every_s=0.01)
    poll.read("n")
    assert "ValueError: an id that is no UTF-8" in poll.now()[0].errors["n"]
    state.broken = False
    poll.read("n")
    assert not poll.now()[0].errors


class OddWatch:
    """A watch that fails as none should."""

    def next_batch(self, timeout: Any = None) -> Any:
        """Never comes to anything."""
        raise ValueError("an id that is no UTF-8")


def test_several_watches_of_a_command_of_which_one_fails() -> None:
    with MemoryState().watch_kind(Member, bootstrap=False) as quiet:
        batches = _batches({"a": quiet, "b": OddWatch()})  # type: ignore[dict-item]
        with pytest.raises(ValueError, match="no UTF-8"):
            next(iter(batches))


def test_a_call_of_a_controller_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    clock, done = RealTime(), threading.Event()

    def fail() -> None:
        raise ValueError("of one controller")

    clock.start()
    try:
        clock.soon(fail)
        clock.soon(done.set)
        assert done.wait(PATIENCE)
    finally:
        clock.stop(timeout=PATIENCE)
    assert "a controller's call failed" in caplog.text
